"""Times, sizes and counts as people say them."""

from headbrush.analysis.store.facts.grouped import grouped


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
    return f"{grouped(count)} {noun if count == 1 else plural or noun + 's'}"
