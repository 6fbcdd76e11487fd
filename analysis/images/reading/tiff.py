"""TIFF files whose values Pillow reads otherwise than they are meant."""

import numpy as np
from PIL import Image
from PIL.TiffTags import TAGS_V2

_TAGS = {info.name: tag for tag, info in TAGS_V2.items()}
_SIGNED = 2


def demand_true_values(image: Image.Image) -> None:
    """Refuse values of a loaded picture that Pillow wraps round.

    Raises
    ------
    ValueError
        If some are signed 8 bits, or unsigned 32 bits that Pillow makes negative.
    """
    is_signed = _SIGNED in _values(image, "SampleFormat")
    is_deep = image.mode.startswith(("I", "F"))
    if is_signed and not is_deep:
        raise ValueError("its values are signed 8 bits, which Pillow reads as unsigned; convert it")
    is_wide = image.format == "TIFF" and image.mode == "I" and not is_signed
    if is_wide and np.asarray(image).min() < 0:
        raise ValueError("it has values of 2147483648 or more, which Pillow makes negative")


def is_inverse(image: Image.Image) -> bool:
    """Whether 0 means white in a picture of more than 8 bits, which Pillow leaves so."""
    return image.mode.startswith(("I", "F")) and 0 in _values(image, "PhotometricInterpretation")


def _values(image: Image.Image, tag: str) -> tuple[object, ...]:
    found = getattr(image, "tag_v2", {}).get(_TAGS[tag], ())
    return found if isinstance(found, tuple) else (found,)
