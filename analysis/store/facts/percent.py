"""Shares in words. Pure."""


def percent(share: float, space: str = " ") -> str:
    """``46 %``; with more digits where that would be 0 % or 100 % although it is not.

    So "all" and "none" are said only of all and none.

    Parameters
    ----------
    share
        In [0, 1].
    space
        Between the number and its sign.
    """
    shown = 100 * share
    rest = 100 - shown
    if 0 < shown < 1:
        text = f"{shown:.1g}"
    elif 0 < rest < 0.5:
        text = f"{100 - float(f'{rest:.1g}'):.10g}"
    else:
        text = f"{shown:.0f}"
    return f"{text}{space}%"
