"""Whole numbers as people read them."""


def grouped(number: int) -> str:
    """``1 008 000``: thousands are set apart by spaces at which no line breaks."""
    return f"{number:,}".replace(",", "\u00a0")
