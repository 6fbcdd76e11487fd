"""Decode one image file completely and safely."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from headbrush.analysis.images.reading.depth import eight_bits, extrema
from headbrush.analysis.images.reading.formats import formats
from headbrush.analysis.images.reading.rules import AS_PILLOW, Reading
from headbrush.analysis.images.reading.tiff import demand_true_values, is_inverse
from headbrush.analysis.images.reading.traits import Traits
from headbrush.analysis.store.errors import InputError

_ONE_LIMIT = threading.Lock()
"""Held while Pillow's limit of pixels, one for the whole process, is another."""
_ONE_LARGE = threading.Lock()
"""Held while a large picture is decoded: its memory is needed once, whatever the threads."""
_LARGE = 16_000_000
"""Pixels."""
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


def examine_image(source: Path | bytes, reading: Reading = AS_PILLOW) -> tuple[Image.Image, Traits]:
    """Decode a file, or the bytes of one, and say what is special about the picture."""
    name = str(source) if isinstance(source, Path) else f"{len(source)} bytes"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
            with _opened(source, reading) as image:
                is_large = image.width * image.height > _LARGE
                with _ONE_LARGE if is_large else nullcontext():
                    return read_picture(image, reading)
    except UnidentifiedImageError as error:
        empty = not (source.stat().st_size if isinstance(source, Path) else source)
        what = "an empty file" if empty else "not an image that Pillow can read"
        raise ImageError(f"{name}: {what}.") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageError(
            f"{name}: too many pixels to decode safely ({error}); --max-megapixels N allows more."
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise ImageError(f"{name}: cannot be decoded ({error}).") from error


@contextmanager
def _opened(source: Path | bytes, rules: Reading) -> Iterator[Image.Image]:
    file = source if isinstance(source, Path) else BytesIO(source)
    if rules.max_pixels is None:
        image = Image.open(file, formats=formats())
    else:
        with _ONE_LIMIT:
            usual, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, rules.max_pixels
            try:
                image = Image.open(file, formats=formats())
            finally:
                Image.MAX_IMAGE_PIXELS = usual
    with image:
        yield image


def read_picture(image: Image.Image, rules: Reading) -> tuple[Image.Image, Traits]:
    """An opened picture in a mode of 8 bits, and what is special about it.

    Raises
    ------
    OSError, ValueError, SyntaxError, EOFError, MemoryError
        If it cannot be decoded, or its values cannot be used.
    """
    is_deep_color = image.mode[:1] not in "IF" and ";16" in repr(getattr(image, "tile", ""))
    has_frames = _has_frames(image)
    image.load()
    demand_true_values(image)
    traits = Traits(
        is_rotated=_is_rotated(image),
        has_frames=has_frames,
        is_coarse=is_deep_color,
        is_inverse=is_inverse(image),
    )
    if is_deep_color:
        _demand_upper_bits(image)
    if traits.is_rotated and rules.exif_rotation:
        image = ImageOps.exif_transpose(image)
    picture, found = eight_bits(image, rules)
    return picture, replace(
        traits,
        integers=found.integers,
        floats=found.floats,
        is_transparent=found.is_transparent,
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


def _demand_upper_bits(image: Image.Image) -> None:
    """Refuse 12 bits in a color file of 16, of which Pillow keeps the upper 8: all but black."""
    tops = [extrema(band)[1] for band in image.split()]
    if 0 < max(tops[:3]) <= _UPPER_BITS_OF_12:
        raise ValueError(
            "16 bits a color with only the lower 12 used, of which Pillow keeps the upper 8; "
            "convert it to 8 bits"
        )
