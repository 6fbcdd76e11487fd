"""Small pictures of an image under a map of its patches."""

import numpy as np
from PIL import Image

from headbrush.server.session.palette import PATCH, PREFIX, rgb
from headbrush.server.tools.data_url import data_url
from headbrush.server.views.tokens.explain.patch_plot import OPAQUE

_LEAST = 56
"""Pixels of the shorter side, at least: patches of a small image have sharp edges."""


def map_picture(pixels: np.ndarray, values: np.ndarray, grid: tuple[int, int]) -> str:
    """Data URL of an image under a map.

    Parameters
    ----------
    pixels
        ``(y, x, channel)`` uint8.
    values
        ``(P,)``; orange above 0 and blue below, the more opaque the larger.
    grid
        Rows and columns of patches.
    """
    times = -(-_LEAST // min(pixels.shape[:2]))
    below = np.broadcast_to(pixels, (*pixels.shape[:2], 3)).repeat(times, 0).repeat(times, 1)
    values = np.nan_to_num(values)  # not yet known
    most = float(np.abs(values).max()) or 1.0
    share = np.clip(values / most, -1, 1).reshape(grid)
    rows, columns = (
        np.arange(n) * side // n for n, side in zip(below.shape[:2], grid, strict=True)
    )
    share = share[rows][:, columns, None]
    colour = np.where(share > 0, rgb(PATCH), rgb(PREFIX)).astype(float)
    alpha = OPAQUE * np.abs(share)
    mixed = (1 - alpha) * below + alpha * colour
    return data_url(Image.fromarray(mixed.round().astype(np.uint8)))
