"""Interactions drawn: the matrix of all pairs, and the arcs of one head."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    CustomJSHover,
    CustomJSTickFormatter,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    Range1d,
)
from bokeh.plotting import figure

from headbrush.analysis.store.facts.studies.interactions import MeanInteractions
from headbrush.server.session.palette import DARK, NEUTRAL, SELECTED
from headbrush.server.session.session import Session
from headbrush.server.tools.bokeh.bokeh_types import number_range
from headbrush.server.views.common.figure_tools import make_figure, on_nearest, short_numbers
from headbrush.server.views.common.layer_axis import layer_marks
from headbrush.server.views.common.plot_theme import colour_bar

if TYPE_CHECKING:
    from bokeh.models.sources import DataDict

_VALUES = ("low", "high", "q", "size")
_ARC = ("xs", "ys", "width", "colour", "alpha")
_END = ("x", "y", "name", "told", "colour")
_STEPS = 25
_ARCS_HEIGHT = 190
_WIDEST = 5.0
_SURE, _UNSURE = 0.9, 0.3
_FEW = 6
"""Partners that have an arc though they may interact by chance."""
_REACH = 60
_NAME = "return names[Math.round(value)] ?? ''"


class PairMatrix:
    """All pairs in the order of the study; ``on_pair`` gets the two places of a cell tapped."""

    def __init__(self, session: Session, on_pair: Callable[[int, int], None]) -> None:
        self._session, self._on_pair = session, on_pair
        self._cells = ColumnDataSource(
            {name: [] for name in ("image", "n", *_VALUES)}, name="pair_cells"
        )
        self._dots = ColumnDataSource({"x": [], "y": []}, name="pair_dots")
        self._row = ColumnDataSource({"x": [], "y": [], "width": []}, name="pair_row")
        self._colours = LinearColorMapper(
            low=-1, high=1, nan_color=NEUTRAL, name="two_palettes", tags=[list(DARK.diverging)]
        )
        self._count = 0
        self.plot = self._figure()
        session.reader.follow_theme(self._on_theme)

    def _figure(self) -> figure:
        plot = make_figure(
            "pair_plot", x_range=Range1d(start=-0.5, end=0.5), y_range=Range1d(start=0.5, end=-0.5)
        )
        plot.toolbar.active_drag = None
        plot.grid.visible = False
        colours: Any = {"color_mapper": self._colours}  # Bokeh's stubs name none
        cells = plot.image(
            "image", x=-0.5, y=-0.5, dw="n", dh="n", source=self._cells,
            **colours,
        )  # fmt: skip
        self._marks = plot.scatter("x", "y", source=self._dots, size=3, line_color=None)
        plot.rect(
            "x", "y", "width", 1, source=self._row,
            fill_color=None, line_color=SELECTED, line_width=2, level="overlay",
        )  # fmt: skip
        self._hover = HoverTool(renderers=[cells], tooltips=[])
        plot.add_tools(self._hover)
        bar = colour_bar(self._session.reader, self._colours, short_numbers())
        plot.add_layout(bar, "right")
        on_nearest(plot, self._places, self._tapped, _REACH)
        return plot

    def show(self, study: MeanInteractions) -> None:
        """Draw another study."""
        self._count = count = len(study.names)
        shown = np.where(study.within_noise, np.nan, study.iota).astype(np.float32)
        np.fill_diagonal(shown, 0)
        most = float(np.nanquantile(np.abs(study.iota), 0.995)) or 1e-6
        self._colours.update(low=-most, high=most)
        cells: DataDict = {"image": [shown], "n": [count]}
        for name in _VALUES:
            cells[name] = [getattr(study, name).astype(np.float32)]
        self._cells.data = cells
        first, second = np.nonzero(study.significant)
        self._dots.data = {"x": first, "y": second}
        number_range(self.plot.x_range).update(start=-0.5, end=count - 0.5)
        number_range(self.plot.y_range).update(start=count - 0.5, end=-0.5)
        names_on(self.plot, list(study.names), self._session.data.heads_per_layer)
        name = CustomJSHover(args={"names": list(study.names)}, code=_NAME)
        numbers = dict.fromkeys(("@image", "@low", "@high", "@q", "@size"), "printf")
        self._hover.update(
            formatters={"$x": name, "$y": name, **numbers},
            tooltips=[
                ("pair", "$y{custom} and $x{custom}"), ("ι", "@image{%.3g} logits"),
                ("95 %", "@low{%.3g} to @high{%.3g}"), ("q", "@q{%.2g}"), ("ν", "@size{%.2g}"),
            ],
        )  # fmt: skip

    def mark(self, place: int | None) -> None:
        """Frame the row of the selected head."""
        shown = [] if place is None else [place]
        middle = [(self._count - 1) / 2] * len(shown)
        self._row.data = {"x": middle, "y": shown, "width": [self._count] * len(shown)}

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        y, x = np.indices((self._count, self._count))
        return x.ravel(), y.ravel()

    def _tapped(self, cell: int) -> None:
        first, second = divmod(cell, self._count)
        if first != second:
            self._on_pair(first, second)

    def _on_theme(self) -> None:
        theme = self._session.reader.theme
        self._colours.palette = list(theme.diverging)
        self._marks.glyph.fill_color = theme.ink


class PairArcs:
    """Arcs from one head to those it interacts with; ``on_end`` gets the place of one tapped."""

    def __init__(self, session: Session, on_end: Callable[[int], None]) -> None:
        self._session, self._on_end = session, on_end
        self._arcs = ColumnDataSource({name: [] for name in _ARC}, name="pair_arcs")
        self._ends = ColumnDataSource({name: [] for name in _END}, name="pair_ends")
        self._study: MeanInteractions | None = None
        self._place: int | None = None
        self.plot = self._figure()
        session.reader.follow_theme(self._draw)

    def _figure(self) -> figure:
        plot = make_figure(
            "arcs_plot", x_range=Range1d(start=-1, end=1), y_range=Range1d(start=-1.1, end=1.1)
        )
        plot.update(sizing_mode="stretch_width", height=_ARCS_HEIGHT)
        plot.toolbar.active_drag = None
        plot.grid.visible = False
        plot.yaxis.visible = False
        plot.multi_line(
            "xs",
            "ys",
            source=self._arcs,
            line_color="colour",
            line_width="width",
            line_alpha="alpha",
        )
        ends = plot.scatter(
            "x", "y", source=self._ends, size=8, fill_color="colour", line_color=None
        )
        plot.add_tools(HoverTool(renderers=[ends], tooltips=[("", "@name"), ("ι", "@told")]))
        on_nearest(plot, self._places, self._tapped)
        return plot

    def show(self, study: MeanInteractions, place: int | None) -> None:
        """Draw the arcs of the head, or group, at a place."""
        if study is not self._study:
            count = len(study.names)
            number_range(self.plot.x_range).update(start=-1, end=count)
            names_on(self.plot, list(study.names), self._session.data.heads_per_layer)
        self._study, self._place = study, place
        self._draw()

    def _draw(self) -> None:
        study, place = self._study, self._place
        if study is None or place is None:
            self._arcs.data = {name: [] for name in _ARC}
            self._ends.data = {name: [] for name in _END}
            return
        partners, is_sure = partners_of(study, place)
        iota = study.iota[place, partners]
        theme = self._session.reader.theme
        below, above = theme.diverging[0], theme.diverging[-1]
        colours = [above if one > 0 else below for one in iota]
        turn = np.linspace(0, np.pi, _STEPS)
        span = (partners - place) / 2
        reach = np.abs(span) / max(1, np.abs(span).max(initial=1)) * np.sign(iota)
        self._arcs.data = {
            "xs": [place + s * (1 - np.cos(turn)) for s in span],
            "ys": [one * np.sin(turn) for one in reach],
            "width": 0.5 + _WIDEST * np.abs(iota) / max(1e-12, np.abs(study.iota).max()),
            "colour": colours, "alpha": np.where(is_sure, _SURE, _UNSURE),
        }  # fmt: skip
        self._ends.data = {
            "x": [place, *partners], "y": [0.0] * (1 + len(partners)),
            "name": [study.names[one] for one in (place, *partners)],
            "told": ["selected", *(f"{one:+.2g} logits" for one in iota)],
            "colour": [SELECTED, *colours],
        }  # fmt: skip

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(self._ends.data["x"]), np.asarray(self._ends.data["y"])

    def _tapped(self, end: int) -> None:
        self._on_end(int(self._places()[0][end]))


def partners_of(study: MeanInteractions, place: int) -> tuple[np.ndarray, np.ndarray]:
    """With what a head, or group, interacts most, by place: what differs from chance, or a few.

    Returns
    -------
    The places, and ``(n,)`` bool: whether the pair differs from chance.
    """
    sure = np.flatnonzero(study.significant[place])
    seen = np.flatnonzero(~study.within_noise[place])
    largest = seen[np.argsort(-np.abs(study.iota[place, seen]), kind="stable")][:_FEW]
    partners = np.union1d(sure, largest)
    return partners, np.isin(partners, sure)


def names_on(plot: figure, names: list[str], per_layer: int) -> None:
    """Name the groups on the axes that show them: heads by layer, other groups by name."""
    is_heads = len(names) % per_layer == 0 and names[0].startswith("L0·H0")
    if is_heads:
        ticker, formatter = layer_marks(len(names) // per_layer, per_layer)
    else:
        ticker = FixedTicker(ticks=list(range(len(names))))
        formatter = CustomJSTickFormatter(args={"names": names}, code="return names[tick] ?? ''")
    for axis in plot.axis:
        axis.update(ticker=ticker, formatter=formatter)
    plot.xaxis.axis_label = f"layer ({per_layer} heads each)" if is_heads else ""
