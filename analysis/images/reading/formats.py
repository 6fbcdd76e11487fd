"""The image formats that are read: pictures only, nothing that runs another program."""

from functools import cache

from PIL import Image

_FORMATS = frozenset(
    ("PNG", "JPEG", "MPO", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM", "AVIF", "JPEG2000")
)


@cache
def formats() -> tuple[str, ...]:
    """Pillow's names of the formats that the installed Pillow reads."""
    Image.init()
    return tuple(sorted(_FORMATS & Image.OPEN.keys()))


@cache
def extensions() -> frozenset[str]:
    """Endings of their files, in lower case, with the dot."""
    known = Image.registered_extensions()
    return frozenset(ending for ending, name in known.items() if name in formats())
