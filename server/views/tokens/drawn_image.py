"""Images as Bokeh draws them."""

import numpy as np

CLEAR = np.zeros((1, 1), np.uint32)
"""No image; without a picture Bokeh finds no ranges, and says so at each paint."""


def rgba(pixels: np.ndarray) -> np.ndarray:
    """``(y, x)`` uint32 of pixels ``(y, x, channel)`` uint8, grey or coloured."""
    colours = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    opaque = np.full((*pixels.shape[:2], 1), 255, np.uint8)
    joined = np.ascontiguousarray(np.concatenate([colours, opaque], -1))
    return joined.view(np.uint32)[..., 0]
