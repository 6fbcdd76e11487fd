"""Times, sizes and counts as people say them."""

from collections.abc import Sequence


def duration(seconds: float) -> str:
    """``40 s``, ``12 min`` or ``3 h 20 min``, rounded: an expectation is not exact."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(round(minutes, -1), 60)
    return f"{hours} h {minutes} min" if minutes and hours < 10 else f"{hours} h"


def size(count: float) -> str:
    """Bytes as ``3 MB`` or ``1.2 GB``."""
    return f"{max(1, round(count / 1e6))} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"


def number(count: int, noun: str, plural: str = "") -> str:
    """``1 image``, ``12 images``; thousands are set apart."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}".replace(",", " ")


def shortened(items: Sequence[str], most: int = 8) -> str:
    """Items with commas; of a long list the first and the last, and how many are left out."""
    if len(items) <= most:
        return ", ".join(items)
    return f"{', '.join(items[: most - 2])}, … ({len(items) - most + 1} more), {items[-1]}"
