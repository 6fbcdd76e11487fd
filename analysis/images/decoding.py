"""Decode one image file completely and safely."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from headbrush.analysis.store.errors import InputError


class ImageError(InputError):
    """A folder or a file of images that cannot be used."""


def load_image(path: Path) -> Image.Image:
    """Decode one file completely; a 16-bit grey image is scaled to 8 bits.

    Raises
    ------
    ImageError
        If it is not an image, is truncated, or has more pixels than Pillow's limit.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
            with Image.open(path) as image:
                image.load()
                return _to_eight_bits(image)
    except UnidentifiedImageError as error:
        raise ImageError(f"{path}: not an image that Pillow can read.") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageError(f"{path}: too many pixels to decode safely ({error}).") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(f"{path}: cannot be decoded ({error}).") from error


def _to_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, np.float32)
        top = 65535 if values.max(initial=0) > 255 else 255
        return Image.fromarray((values.clip(0, top) * (255 / top)).astype(np.uint8))
    return image.copy()
