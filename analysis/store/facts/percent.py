"""Shares in words. Pure."""

SIGN = "\u00a0%"
"""After a number, in the same line as it."""


def percent(share: float) -> str:
    """``46 %``; with more digits where that would be 0 % or 100 % although it is not.

    So "all" and "none" are said only of all and none.

    Parameters
    ----------
    share
        In [0, 1].
    """
    shown = 100 * share
    rest = 100 - shown
    if 0 < shown < 1:
        text = f"{shown:.1g}"
    elif 0 < rest < 0.5:
        text = f"{100 - float(f'{rest:.1g}'):.10g}"
    else:
        text = f"{shown:.0f}"
    return text + SIGN


def exact_percent(share: float, digits: int = 1) -> str:
    """``46.2 %``, always with so many digits."""
    return f"{100 * share:.{digits}f}{SIGN}"
