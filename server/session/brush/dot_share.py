"""Share of each head's or image's patterns that are brushed, as size and opacity of its dot."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from bokeh.models import Label, LinearInterpolator, Node
from bokeh.plotting import figure

from headbrush.analysis.store.facts.percent import percent

NO_SHARE = -1.0
"""In the column ``share`` of heads and images: no patterns are brushed, so dots look as usual."""
_SHARES = (NO_SHARE, 0.0, 1.0)
OPACITIES = (1.0, 0.18, 1.0)
"""Of dots with the shares -1, 0 and 1."""


def relative_shares(counts: np.ndarray, of_patterns: bool) -> np.ndarray:
    """``(n,)`` float32, 1 for the largest of ``counts``; all -1 where patterns are not brushed."""
    if not of_patterns:
        return np.full(len(counts), NO_SHARE, np.float32)
    return (counts / max(counts.max(), 1)).astype(np.float32)


def sized(usual: float, least: float, most: float) -> dict[str, Any]:
    """Options of a scatter whose dots tell the column ``share``."""
    return {"size": _scaled((usual, least, most)), "alpha": _scaled(OPACITIES)}


def by_share(share: np.ndarray, values: Sequence[float]) -> np.ndarray:
    """What :func:`sized` makes of shares, given the values of -1, 0 and 1."""
    return np.interp(share, _SHARES, values)


def share_label(plot: figure, corner: Literal["top_left", "bottom_left"] = "bottom_left") -> Label:
    """A line in a corner of a plot; :func:`share_words` fills it."""
    return corner_label(plot, corner, "share_words")


def corner_label(
    plot: figure,
    corner: Literal["top_left", "bottom_left", "bottom_right"],
    name: str,
    text: str = "",
) -> Label:
    """A quiet line in a corner of a plot."""
    place = Node(target="frame", symbol=corner)
    label = Label(
        name=name,
        x=place,
        y=place,
        x_offset=-4 if corner == "bottom_right" else 4,
        anchor=corner,  # pyright: ignore[reportArgumentType] (the stub names Bokeh's property)
        text=text,
        text_font_size="11px",
        text_color="#52606d",
        css_variables={"--bk-text-color": "var(--quiet)"},
    )
    plot.add_layout(label)
    return label


def share_words(largest: float | None) -> str:
    """Explains the size of the dots; empty if it has no meaning."""
    if largest is None:
        return ""
    return f"dot size: share of patterns brushed (max {percent(largest)})"


def _scaled(values: Sequence[float]) -> dict[str, Any]:
    steps = LinearInterpolator(x=list(_SHARES), y=list(values))
    return {"field": "share", "transform": steps}
