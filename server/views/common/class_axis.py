"""An axis whose ticks are classes."""

from collections import Counter

from bokeh.models import FixedTicker, PlainText
from bokeh.plotting import figure

from headbrush.server.tools.bokeh.bokeh_types import number_range

_LONGEST = 20
"""Characters of a class's name."""


def shortened(name: str) -> str:
    """A class's name as there is room for it beside a plot."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def told_apart(names: list[str]) -> list[str]:
    """Shortened names; those with the same beginning are shortened in the middle."""
    shown = [shortened(name) for name in names]
    often = Counter(shown)
    return [
        f"{name[: _LONGEST // 2 - 1]}…{name[-_LONGEST // 2 :]}" if often[short] > 1 else short
        for name, short in zip(names, shown, strict=True)
    ]


def put_classes_on(plot: figure, names: list[str]) -> None:
    """Name the rows 0, 1, … of a plot, from the top; no name is read as a formula."""
    axis, shown = plot.yaxis[0], told_apart(names)
    if [getattr(label, "text", label) for label in axis.major_label_overrides.values()] == shown:
        return  # Bokeh looks at all models of a page when some are new
    number_range(plot.y_range).update(start=max(len(names), 1) - 0.5, end=-0.5)
    axis.update(
        ticker=FixedTicker(ticks=list(range(len(names)))),
        major_label_overrides={row: PlainText(text=name) for row, name in enumerate(shown)},
    )
