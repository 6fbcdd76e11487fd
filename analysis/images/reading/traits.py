"""What is special about pictures, and what users should know of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from headbrush.analysis.images.reading.rules import (
    Range,
    Reading,
    float_range,
    integer_range,
    joined,
)


@dataclass(frozen=True)
class Traits:
    """What is special about one picture.

    Attributes
    ----------
    integers, floats
        Least and largest value, if it has more than 8 bits.
    is_rotated
        Whether its EXIF orientation says that it is to be turned.
    is_transparent
        Whether a part of it is transparent.
    has_frames
        Whether it has more than one frame or page.
    is_coarse
        Whether it is a color picture of 16 bits, of which Pillow keeps the upper 8.
    is_inverse
        Whether 0 means white in a TIFF file of more than 8 bits, which Pillow leaves so.
    inputs
        Least and largest value, if it is a tensor that no transform normalizes.
    """

    integers: Range | None = None
    floats: Range | None = None
    is_rotated: bool = False
    is_transparent: bool = False
    has_frames: bool = False
    is_coarse: bool = False
    is_inverse: bool = False
    inputs: Range | None = None


def fitting(reading: Reading, traits: Sequence[Traits]) -> Reading:
    """The rules with the scale that fits all pictures of a run."""
    integers = [one.integers for one in traits if one.integers is not None]
    floats = [one.floats for one in traits if one.floats is not None]
    if integers:
        reading = replace(reading, integers=integer_range(integers))
    return replace(reading, floats=float_range(floats)) if floats else reading


def notes_on(reading: Reading, traits: Sequence[Traits]) -> tuple[str, ...]:
    """What users should know, one sentence a matter."""
    turned = (
        "they are turned as it says"
        if reading.exif_rotation
        else "it is ignored, as in torchvision; --exif-rotation turns them"
    )
    matters = (
        (
            sum(one.integers is not None for one in traits),
            f"more than 8 bits: {_scale(reading.integers)}, the same scale for all",
        ),
        (
            sum(one.floats is not None for one in traits),
            f"floating-point values: {_scale(reading.floats)}, the same scale for all",
        ),
        (
            sum(one.is_coarse for one in traits),
            "16 bits a color: Pillow keeps the upper 8 bits",
        ),
        (
            sum(one.is_inverse for one in traits),
            "0 for white and more than 8 bits: as in Pillow, 0 is analyzed as black",
        ),
        (sum(one.is_rotated for one in traits), f"an EXIF rotation: {turned}"),
        (
            sum(one.is_transparent for one in traits),
            "transparent parts: the color under them is analyzed, as timm's convert('RGB') "
            "leaves it",
        ),
        (
            sum(one.has_frames for one in traits),
            "several frames or pages: only the first is analyzed",
        ),
    )
    said = tuple(
        f"{count} image{' has' if count == 1 else 's have'} {text}."
        for count, text in matters
        if count
    )
    return said + _note_on_tensors([one.inputs for one in traits if one.inputs is not None])


def _note_on_tensors(ranges: Sequence[Range]) -> tuple[str, ...]:
    """A sentence where no value of any tensor is negative: then nothing has normalized them."""
    low, high = joined(ranges) if ranges else (-1.0, 0.0)
    if low < 0:
        return ()
    return (
        f"The dataset's float tensors have values {low:g} to {high:g} and are given to the model "
        "as they are, but its inputs are normalized by a mean and a standard deviation: have the "
        "dataset normalize them, or give PIL images.",
    )


def _scale(values: Range) -> str:
    return f"values {values[0]:g} to {values[1]:g} become 0 to 255"
