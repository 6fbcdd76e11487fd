"""Pictures of any mode as pictures of 8 bits."""

import numpy as np
from PIL import Image

from headbrush.analysis.images.reading.rules import Range, Reading
from headbrush.analysis.images.reading.traits import Traits

_READY = frozenset(("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"))
"""Modes that every transform converts by itself."""


def eight_bits(image: Image.Image, rules: Reading) -> tuple[Image.Image, Traits]:
    """The picture in a mode of 8 bits, and what is special about its values.

    Raises
    ------
    ValueError
        If some are not finite.
    """
    if not image.mode.startswith(("I", "F")):
        return _to_usual_mode(image), Traits(is_transparent=_is_transparent(image))
    values = np.asarray(image)
    seen = _range(values)
    if image.mode.startswith("F"):
        return _scaled(values, rules.floats), Traits(floats=seen)
    return _scaled(values, rules.integers), Traits(integers=seen)


def _range(values: np.ndarray) -> Range:
    low, high = float(values.min()), float(values.max())
    if not np.isfinite((low, high)).all():
        raise ValueError("it has values that are NaN or infinite")
    return low, high


def _scaled(values: np.ndarray, scale: Range) -> Image.Image:
    low, high = scale
    shares = (values.astype(np.float32).clip(low, high) - low) * (255 / (high - low))
    return Image.fromarray(shares.round().astype(np.uint8))


def extrema(band: Image.Image) -> tuple[int, int]:
    """Least and largest value of a band."""
    values = np.asarray(band)
    return int(values.min()), int(values.max())


def _is_transparent(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    return extrema(image.convert("RGBA").getchannel("A"))[0] < np.iinfo(np.uint8).max


def _to_usual_mode(image: Image.Image) -> Image.Image:
    if image.mode == "P" and "transparency" in image.info:
        return image.convert("RGBA")  # its color is that of P -> RGB, without Pillow's warning
    if image.mode in _READY:
        return image.copy()
    return image.convert({"La": "LA", "RGBa": "RGBA"}.get(image.mode, "RGB"))
