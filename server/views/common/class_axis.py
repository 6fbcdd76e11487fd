"""An axis whose ticks are classes."""

from collections import defaultdict

from bokeh.models import FixedTicker, PlainText
from bokeh.plotting import figure

from headbrush.server.tools.bokeh.bokeh_types import number_range

_LONGEST = 20
"""Characters of a class's name."""
_START, _END = 7, 12
"""Characters of one that is shortened in the middle."""


def shortened(name: str) -> str:
    """A class's name as there is room for it beside a plot."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def told_apart(names: list[str]) -> list[str]:
    """Shortened names; of those with the same beginning, that and where they begin to differ."""
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        alike[shortened(name)].append(name)
    differ = {short: _alike(group) for short, group in alike.items() if len(group) > 1}
    shown = []
    for name in names:
        short = shortened(name)
        if short in differ:
            start = max(min(differ[short] - 2, len(name) - _END), _START)
            short = f"{name[:_START]}…{name[start : start + _END]}"
        shown.append(short)
    return shown


def _alike(names: list[str]) -> int:
    """Characters with which all begin."""
    columns = enumerate(zip(*names, strict=False))
    shortest = min(map(len, names))
    return next((at for at, letters in columns if len(set(letters)) > 1), shortest)


def put_classes_on(plot: figure, names: list[str]) -> None:
    """Name the rows 0, 1, … of a plot, from the top; no name is read as a formula."""
    axis, shown = plot.yaxis[0], told_apart(names)
    if [getattr(label, "text", label) for label in axis.major_label_overrides.values()] == shown:
        return  # Bokeh looks at all models of a page when some are new
    number_range(plot.y_range).update(start=max(len(names), 1) - 0.5, end=-0.5)
    rows = list(range(len(names)))
    if isinstance(axis.ticker, FixedTicker):
        axis.ticker.ticks = rows
    else:
        axis.ticker = FixedTicker(ticks=rows)
    axis.update(
        major_label_overrides={row: PlainText(text=name) for row, name in enumerate(shown)},
    )
