"""Decode one image file completely and safely."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from headbrush.analysis.images.reading.formats import formats
from headbrush.analysis.images.reading.rules import AS_PILLOW, Range, Reading
from headbrush.analysis.images.reading.traits import Traits
from headbrush.analysis.store.errors import InputError

_ONE_LIMIT = threading.Lock()
"""Held while Pillow's limit of pixels, one for the whole process, is another."""
_READY = frozenset(("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"))
"""Modes that every transform converts by itself."""
_UPPER_BITS_OF_12 = 15


class ImageError(InputError):
    """A folder or a file of images that cannot be used."""


def load_image(path: Path, reading: Reading = AS_PILLOW) -> Image.Image:
    """Decode one file completely, to 8 bits.

    Parameters
    ----------
    reading
        How deeper pictures are scaled, and whether EXIF rotations are followed.

    Raises
    ------
    ImageError
        If it is not an image, is truncated, has values that are not finite, or has too many pixels.
    """
    return examine_image(path, reading)[0]


def examine_image(path: Path, reading: Reading = AS_PILLOW) -> tuple[Image.Image, Traits]:
    """Decode as ``load_image`` does, and say what is special about the picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
            with _opened(path, reading) as image:
                return _read(image, reading)
    except UnidentifiedImageError as error:
        empty = path.is_file() and not path.stat().st_size
        what = "an empty file" if empty else "not an image that Pillow can read"
        raise ImageError(f"{path}: {what}.") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageError(
            f"{path}: too many pixels to decode safely ({error}); --max-megapixels N allows more."
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise ImageError(f"{path}: cannot be decoded ({error}).") from error


@contextmanager
def _opened(path: Path, rules: Reading) -> Iterator[Image.Image]:
    if rules.max_pixels is None:
        image = Image.open(path, formats=formats())
    else:
        with _ONE_LIMIT:
            usual, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, rules.max_pixels
            try:
                image = Image.open(path, formats=formats())
            finally:
                Image.MAX_IMAGE_PIXELS = usual
    with image:
        yield image


def _read(image: Image.Image, rules: Reading) -> tuple[Image.Image, Traits]:
    is_deep_color = image.mode[:1] not in "IF" and ";16" in repr(getattr(image, "tile", ""))
    has_frames = _has_frames(image)
    image.load()
    is_rotated = _is_rotated(image)
    if is_rotated and rules.exif_rotation:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image)
        seen = _range(values)
        is_float = image.mode.startswith("F")
        traits = Traits(None, seen) if is_float else Traits(seen, None)
        picture = _scaled(values, rules.floats if is_float else rules.integers)
    else:
        if is_deep_color:
            _demand_upper_bits(image)
        picture, traits = _to_usual_mode(image), Traits(is_transparent=_is_transparent(image))
    return picture, Traits(
        traits.integers, traits.floats, is_rotated, traits.is_transparent, has_frames, is_deep_color
    )


def _has_frames(image: Image.Image) -> bool:
    """Whether there are more frames; the other pictures in a camera's JPEG are none."""
    try:
        return image.format != "MPO" and bool(getattr(image, "is_animated", False))
    except Exception:  # a damaged second frame is no fault of the first
        image.seek(0)
        return True


def _is_rotated(image: Image.Image) -> bool:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
    except Exception:  # damaged metadata is no fault of the picture
        return False


def _range(values: np.ndarray) -> Range:
    low, high = float(values.min()), float(values.max())
    if not np.isfinite((low, high)).all():
        raise ValueError("it has values that are NaN or infinite")
    return low, high


def _scaled(values: np.ndarray, scale: Range) -> Image.Image:
    low, high = scale
    shares = (values.astype(np.float32).clip(low, high) - low) * (255 / (high - low))
    return Image.fromarray(shares.round().astype(np.uint8))


def _demand_upper_bits(image: Image.Image) -> None:
    """Refuse 12 bits in a color file of 16, of which Pillow keeps the upper 8: all but black."""
    tops = [top for _, top in map(_extrema, image.split())]
    if 0 < max(tops[:3]) <= _UPPER_BITS_OF_12:
        raise ValueError(
            "16 bits a color with only the lower 12 used, of which Pillow keeps the upper 8; "
            "convert it to 8 bits"
        )


def _extrema(band: Image.Image) -> tuple[int, int]:
    values = np.asarray(band)
    return int(values.min()), int(values.max())


def _is_transparent(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    return _extrema(image.convert("RGBA").getchannel("A"))[0] < np.iinfo(np.uint8).max


def _to_usual_mode(image: Image.Image) -> Image.Image:
    if image.mode == "P" and "transparency" in image.info:
        return image.convert("RGBA")  # its color is that of P -> RGB, without Pillow's warning
    if image.mode in _READY:
        return image.copy()
    return image.convert({"La": "LA", "RGBa": "RGBA"}.get(image.mode, "RGB"))
