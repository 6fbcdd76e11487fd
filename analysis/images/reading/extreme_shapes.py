"""Resize and crop very long pictures without the resized picture in between."""

import math
from collections.abc import Callable
from functools import reduce
from typing import Any, cast

from PIL import Image
from torch import Tensor

_MOST_RESIZED = 16
"""How many times as large as the crop a resized picture may be before it is not made whole."""

_SUPPORT = 4
"""Pixels around a place that decide its color when a picture is made larger, one more than of
Lanczos, the widest."""


def bounded(transform: Any) -> Callable[[Image.Image], Tensor]:
    """The same transform, in memory that does not grow with a picture's aspect ratio.

    Resizing the shorter side of 20 000 × 1 pixels to 256 makes 4 GB, of which a crop keeps little.
    """
    steps = getattr(transform, "transforms", [])
    is_cut = len(steps) > 1 and type(steps[1]).__name__ == "CenterCrop"
    if not is_cut or not (_shorter_side(steps[0]) and isinstance(steps[1].size, (tuple, list))):
        return cast(Callable[[Image.Image], Tensor], transform)

    def apply(picture: Image.Image) -> Tensor:
        cut = center_crop(picture, steps[0], tuple(steps[1].size))
        if cut is None:
            return cast(Tensor, transform(picture))
        return cast(Tensor, reduce(lambda value, step: step(value), steps[2:], cut))

    return apply


def center_crop(
    picture: Image.Image, resize: Any, crop: tuple[int, int], most: int = _MOST_RESIZED
) -> Image.Image | None:
    """The center of the resized picture, ``crop`` = (height, width) pixels.

    None where the resized picture is no larger than the given one, at most ``most`` times the crop,
    or smaller than the crop.
    """
    width, height = resized(resize, picture.size)
    tall, wide = crop
    if width <= picture.width or width * height <= most * tall * wide:
        return None
    if height < tall or width < wide:
        return None
    left, top = round((width - wide) / 2), round((height - tall) / 2)
    across, down = picture.width / width, picture.height / height
    box = (left * across, top * down, (left + wide) * across, (top + tall) * down)
    # only the part that counts: of very tall pictures, Pillow resizes the height first
    x, y = (max(0, math.floor(edge) - _SUPPORT) for edge in box[:2])
    part = picture.crop(
        (
            x,
            y,
            min(picture.width, math.ceil(box[2]) + _SUPPORT),
            min(picture.height, math.ceil(box[3]) + _SUPPORT),
        )
    )
    shifted = (box[0] - x, box[1] - y, box[2] - x, box[3] - y)
    return part.resize((wide, tall), Image.Resampling[resize.interpolation.name], box=shifted)


def resized(resize: Any, size: tuple[int, int]) -> tuple[int, int]:
    """Width and height that ``resize`` makes of ``size``, by the rules of torchvision and timm."""
    width, height = size
    if type(resize).__name__ == "Resize":
        side, short = _shorter_side(resize), min(size)
        return (side, int(side * height / short)) if width <= height else (
            int(side * width / short), side)  # fmt: skip
    ratio = min(height / resize.size[0], width / resize.size[1])
    return round(width / ratio), round(height / ratio)


def _shorter_side(step: Any) -> int:
    """The length that a step gives the shorter side; 0 where it does something else."""
    if type(step).__name__ == "Resize" and step.max_size is None:
        sides = step.size if isinstance(step.size, (tuple, list)) else (step.size,)
        return int(sides[0]) if len(sides) == 1 else 0
    if type(step).__name__ == "ResizeKeepRatio" and step.longest == 0:
        return min(step.size)
    return 0
