"""How files become pictures of 8 bits: the same rules for all images of a run."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass

Range = tuple[float, float]

_INTEGER_TOPS = (255, 4095, 65535)
"""The largest values of 8, 12 and 16 bits."""


@dataclass(frozen=True)
class Reading:
    """How files become pictures of 8 bits.

    Attributes
    ----------
    integers
        The values that become 0 and 255, of pictures with integers of more than 8 bits.
    floats
        The same, of pictures with floating-point numbers.
    exif_rotation
        Whether pictures are turned as their EXIF orientation says.
    max_pixels
        The largest picture that is decoded; None: Pillow's own limit.
    """

    integers: Range = (0, 65535)
    floats: Range = (0, 1)
    exif_rotation: bool = False
    max_pixels: int | None = None

    def as_json(self) -> str:
        """For a store's attributes."""
        return json.dumps(asdict(self))


AS_PILLOW = Reading()


def reading_from(text: str, most_pixels: int) -> Reading:
    """The rules that a store records; it may come from a stranger.

    Raises
    ------
    ValueError
        If they are no rules.
    """
    try:
        found = json.loads(text)
        ranges = [tuple(map(float, found[name])) for name in ("integers", "floats")]
        (low, high), (least, most) = ranges
        pixels = found["max_pixels"] and min(int(found["max_pixels"]), most_pixels)
        turned = bool(found["exif_rotation"])
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"not rules for reading images: {text[:80]!r}") from error
    if not all(map(math.isfinite, (low, high, least, most))) or low >= high or least >= most:
        raise ValueError(f"not rules for reading images: {text[:80]!r}")
    return Reading((low, high), (least, most), turned, pixels)


def integer_range(ranges: Iterable[Range]) -> Range:
    """The scale of a run's integers: 8, 12 or 16 bits; beyond these, least to largest value."""
    low, high = joined(ranges)
    tops = [top for top in _INTEGER_TOPS if high <= top]
    return (0, tops[0]) if low >= 0 and tops else _growing(low, high)


def float_range(ranges: Iterable[Range]) -> Range:
    """The scale of a run's floating-point numbers: 0 to 1, or least to largest value."""
    low, high = joined(ranges)
    return (0, 1) if low >= 0 and high <= 1 else _growing(low, high)


def joined(ranges: Iterable[Range]) -> Range:
    """Least and largest value of all."""
    lows, highs = zip(*ranges, strict=True)
    return min(lows), max(highs)


def _growing(low: float, high: float) -> Range:
    return (low, high) if low < high else (low, low + 1)
