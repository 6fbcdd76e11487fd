"""Thumbnails of what a model sees."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

THUMBNAIL_SIDE = 96


def thumbnails(batch: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """Thumbnails of the model's inputs.

    Parameters
    ----------
    batch
        ``(B, C, H, W)`` float32 as normalised by ``mean`` and ``std``.

    Returns
    -------
    ``(B, h, w, 3)`` uint8, at most :data:`THUMBNAIL_SIDE` a side.
    """
    # (B, C, H, W) -> (B, H, W, C)
    pixels = batch.transpose(0, 2, 3, 1) * np.asarray(std) + np.asarray(mean)
    pixels = (pixels.clip(0, 1) * 255).round().astype(np.uint8)
    # of two channels the first as grey, of more than three the first three as red, green and blue
    shown = (0, 0, 0) if pixels.shape[3] < 3 else (0, 1, 2)
    pixels = pixels[..., shown]
    height, width = pixels.shape[1:3]
    scale = min(1.0, THUMBNAIL_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = [
        Image.fromarray(np.ascontiguousarray(p)).resize(size, Image.Resampling.BOX) for p in pixels
    ]
    return np.stack([np.asarray(picture) for picture in small])
