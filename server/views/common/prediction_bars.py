"""The most probable classes as pairs of bars: unpruned and pruned (the paper's Fig. 1 B3)."""

from collections.abc import Sequence

import numpy as np
from bokeh.core.property.descriptors import UnsetValueError
from bokeh.models import (
    CDSView,
    ColumnDataSource,
    Div,
    HoverTool,
    IndexFilter,
    LayoutDOM,
    Range1d,
)
from bokeh.plotting import figure

from headbrush.analysis.store.facts.percent import SIGN, exact_percent
from headbrush.server.session.palette import NEUTRAL
from headbrush.server.session.session import Session
from headbrush.server.tools.bokeh.bokeh_types import columns_of, number_range
from headbrush.server.views.common.figure_tools import make_figure
from headbrush.server.views.common.legend import make_legend, swatches

FADED = 0.2
_ROW, _MOST = 22, 99
"""Pixels that a row of a name and two bars needs; rows where the height is not known."""
_ABOVE = -0.25
"""Room above the first name, in rows."""
_TOP, _FEWEST = 5, 3
"""Most probable classes that are wanted, and that are shown however low the plot is."""
_NARROW, _WIDE = "fijlrtI.,:;'|-() \u00a0", "mwMW%@→"
_WIDTHS = (4.0, 10.0, 6.8)
"""Pixels of a narrow, a wide and any other character, rather more than less."""
_GAP, _WIDTH = 8, 240
"""Pixels between name and numbers; width of the plot where it is not known."""
_COLUMNS = (
    "row", "mark", "name", "shown", "numbers", "before", "after", "above", "below", "percent",
    "percent_after",
)  # fmt: skip


class PredictionBars:
    """Two bars a class, its name, and both probabilities; names are cut to the width.

    Parameters
    ----------
    name
        Of the view; its parts are called ``NAME_bars``, ``NAME_legend`` and ``NAME_plot``.

    Attributes
    ----------
    parts
        What a view lays out.
    """

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._pruned = "pruned"
        self._source = ColumnDataSource({one: [] for one in _COLUMNS}, name=f"{name}_bars")
        self._legend = make_legend(f"{name}_legend")
        self._plot = self._figure(f"{name}_plot")
        self.parts: Sequence[LayoutDOM | Div] = (self._legend, self._plot)
        session.reader.follow_theme(self._on_theme)
        self._plot.on_change("inner_width", lambda _attr, _old, _new: self._fit_names())
        self._plot.on_change("inner_height", lambda _attr, _old, _new: self._fit_rows())

    def _figure(self, name: str) -> figure:
        plot = make_figure(
            name,
            x_range=Range1d(start=0, end=1),
            y_range=Range1d(start=_TOP, end=_ABOVE),
        )
        plot.toolbar_location = plot.toolbar.active_scroll = None
        self._seen = IndexFilter(indices=[])
        seen = CDSView(filter=self._seen)
        rows = plot.hbar(
            "row", left=0, right=1, height=1, source=self._source, fill_alpha=0, line_alpha=0
        )
        self._bars = [
            plot.hbar(
                edge, left=0, right=part, height=0.2, source=self._source, fill_color=colour,
                line_color=None, view=seen,
            )
            for edge, part, colour in (("above", "before", NEUTRAL), ("below", "after", None))
        ]  # fmt: skip
        style = {"source": self._source, "text_font_size": "11px", "y_offset": -2, "view": seen}
        self._words = [
            plot.text(0, "row", text="shown", x_offset=2, **style),
            plot.text(1, "row", text="numbers", text_align="right", **style),
        ]
        of_class = (self._session.data.worded("class"), "@name")
        tips = [of_class, ("unpruned", "@percent"), ("pruned", "@percent_after")]
        plot.add_tools(HoverTool(renderers=[rows], tooltips=tips))
        plot.axis.visible = plot.grid.visible = False
        return plot

    def _on_theme(self) -> None:
        ink = self._session.reader.theme.ink
        self._bars[1].glyph.fill_color = ink
        for words in self._words:
            words.glyph.text_color = ink
        self.call(self._pruned)

    def call(self, pruned: str) -> None:
        """What the legend calls the second bars."""
        self._pruned = pruned
        ink = self._session.reader.theme.ink
        self._legend.text = swatches(["unpruned", pruned], [NEUTRAL, ink])

    def draw(
        self, before: np.ndarray, after: np.ndarray, classes: Sequence[int], mark: str, label: int
    ) -> None:
        """A pair of bars for each class.

        Parameters
        ----------
        before, after
            ``(classes,)`` probabilities.
        label
            The class whose name follows ``mark``; -1 for none.
        """
        names = [self._session.data.class_name(index) for index in classes]
        row = np.arange(len(classes)) + 0.5
        self._seen.indices = list(range(min(len(classes), len(self._seen.indices or []))))
        self._source.data = {
            "row": row,
            "mark": [mark if index == label else "" for index in classes],
            "above": row + 0.12,
            "below": row + 0.33,
            "name": names,
            "shown": names,
            "numbers": [f"{percent(before[i])} → {percent(after[i])}" for i in classes],
            "before": before[classes],
            "after": after[classes],
            "percent": [percent(before[index], 4) for index in classes],
            "percent_after": [percent(after[index], 4) for index in classes],
        }
        self._fit_names()
        self._fit_rows()
        self.fade(1.0)
        self.show(True)

    @property
    def words(self) -> str:
        """Every class with both probabilities."""
        rows = columns_of(self._source)
        pairs = zip(rows["name"], rows["numbers"], strict=True)
        return "; ".join(f"{one} {pair}" for one, pair in pairs)

    def show(self, is_shown: bool) -> None:
        """Show the bars, or hide them."""
        self._plot.visible = self._legend.visible = is_shown

    def _fit_rows(self) -> None:
        """Show as many classes as can be read, the most probable first."""
        try:
            room = int(self._plot.inner_height / _ROW)
        except UnsetValueError:
            room = _MOST
        count = len(columns_of(self._source)["name"])
        shown = max(min(count, room), _FEWEST)
        self._seen.indices = list(range(min(count, shown)))
        number_range(self._plot.y_range).start = shown

    def _fit_names(self) -> None:
        """Shorten the class names to the width of the plot."""
        rows = columns_of(self._source)
        try:
            width = self._plot.inner_width
        except UnsetValueError:
            width = _WIDTH
        parts = zip(rows["mark"], rows["name"], rows["numbers"], strict=True)
        if len(rows["name"]):
            rows["shown"] = [
                fitted(mark + name, width - _GAP - drawn_width(numbers))
                for mark, name, numbers in parts
            ]

    def fade(self, alpha: float) -> None:
        """Draw bars and words as strongly as this."""
        for bars in self._bars:
            bars.glyph.fill_alpha = alpha
        for words in self._words:
            words.glyph.text_alpha = alpha


def drawn_width(text: str) -> float:
    """About how many pixels a text takes at 11 pixels, rather more than less."""
    narrow, wide, usual = _WIDTHS
    return sum(narrow if c in _NARROW else wide if c in _WIDE else usual for c in text)


def fitted(text: str, pixels: float) -> str:
    """``text``, shortened if it is drawn wider than ``pixels``."""
    if drawn_width(text) <= pixels:
        return text
    cut = len(text)
    while cut and drawn_width(text[:cut] + "…") > pixels:
        cut -= 1
    return text[:cut] + "…"


def most_probable(before: np.ndarray, after: np.ndarray, label: int | None = None) -> list[int]:
    """The five top classes of both, as far as known, and the label, ordered by ``before``."""
    wanted = set() if label is None else {label}
    for distribution in (d for d in (before, after) if np.isfinite(d).all()):
        wanted.update(np.argsort(-distribution, kind="stable")[:_TOP].tolist())
    return sorted(wanted, key=lambda index: -before[index])


def percent(probability: float, digits: int = 1) -> str:
    """``12.3 %``, or ``?`` where it is not known; 0 and 100 % only of what is just that."""
    if np.isnan(probability):
        return "?"
    step = 10.0**-digits
    if 0 < 100 * probability < step / 2:
        return f"<{step:.{digits}f}{SIGN}"
    if 100 - step / 2 <= 100 * probability < 100:
        return f">{100 - step:.{digits}f}{SIGN}"
    return exact_percent(probability, digits)
