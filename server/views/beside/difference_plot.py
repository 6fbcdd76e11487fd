"""Differences of heads between two stores, drawn with their intervals."""

from collections.abc import Callable

import numpy as np
from bokeh.models import (
    AdaptiveTicker,
    BoxSelectTool,
    ColumnDataSource,
    CustomJSTickFormatter,
    HoverTool,
    LassoSelectTool,
    Node,
    PlainText,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from headbrush.server.session.brush.clauses import Box, Combine, Lasso, inside
from headbrush.server.session.palette import NEUTRAL, SELECTED
from headbrush.server.session.session import Session
from headbrush.server.stores.metrics import EFFECT_AXES
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.beside import HeadsBeside
from headbrush.server.tools.bokeh.bokeh_types import number_range
from headbrush.server.views.common.class_axis import shortened
from headbrush.server.views.common.figure_tools import (
    make_figure,
    on_nearest,
    on_region,
    padded_range,
    short_numbers,
)
from headbrush.server.views.common.layer_axis import LayerAxis

_COLUMNS = (
    "x", "difference", "low", "high", "label", "partner", "mean", "mean_second", "p", "q", "r",
    "colour", "alpha", "size", "ids", "heads",
)  # fmt: skip
_INK: dict[str, str | Node] = {"--bk-line-color": "var(--ink)"}
_FAINT = 0.2
_LARGE, _SMALL = 8, 5
_REACH = 40


class DifferencePlot:
    """A dot and an interval for each matched head.

    Parameters
    ----------
    session
        Of the first store.
    on_head, on_heads
        Called with the number of a head of the first store that is tapped; with those that a box or
        lasso encloses, and how they join. Without them, as in a report, nothing is heard.
    """

    def __init__(
        self,
        session: Session,
        names: tuple[str, str],
        on_head: Callable[[int], None] | None = None,
        on_heads: Callable[[list[int], Combine], None] | None = None,
    ) -> None:
        self._session, self._names = session, names
        self._on_head, self._on_heads = on_head, on_heads
        self._numbers = np.empty(0, int)
        self._source = ColumnDataSource(
            {name: [] for name in _COLUMNS}, name="head_differences_source"
        )
        self.plot = self._figure()
        self._layers = LayerAxis(session.data, self.plot)
        self._draw_again: Callable[[], None] = lambda: None
        session.reader.follow_theme(lambda: self._draw_again())

    def _figure(self) -> figure:
        plot = make_figure(
            "a_difference_plot",
            brush=() if self._on_heads is None else ("lasso", "box"),
            x_range=Range1d(start=-1, end=1),
            y_range=Range1d(start=-1, end=1),
        )
        plot.xgrid.visible = False
        plot.yaxis.formatter = short_numbers()
        plot.add_layout(Span(location=0, dimension="width", css_variables=_INK))
        self._cursor = Span(
            dimension="height", line_color=SELECTED, line_width=3, line_alpha=0.6,
            name="difference_cursor",
            visible=False, level="underlay",
        )  # fmt: skip
        plot.add_layout(self._cursor)
        plot.segment(
            "x", "low", "x", "high", source=self._source, line_color="colour", line_alpha="alpha",
            line_width=1.5,
        )  # fmt: skip
        dots = plot.scatter(
            "x", "difference", source=self._source, size="size", color="colour", alpha="alpha"
        )
        numbers = ("difference", "low", "high", "mean", "mean_second", "p", "q", "r")
        self._hover = HoverTool(
            renderers=[dots], formatters={f"@{name}": "printf" for name in numbers}, tooltips=[]
        )
        plot.add_tools(self._hover)
        for tool in plot.tools:
            if isinstance(tool, BoxSelectTool | LassoSelectTool):
                tool.renderers = []  # what is enclosed is brushed by the server
        if self._on_head is not None:
            on_nearest(plot, self._places, self._tapped, _REACH)
        if self._on_heads is not None:
            on_region(plot, self._enclosed)
        return plot

    def _tips(self, has_correlation: bool) -> list[tuple[str, str]]:
        first, second = map(shortened, self._names)
        tips = [
            (first, "@label, mean @mean{%.3g}"), (second, "@partner, mean @mean_second{%.3g}"),
            ("difference", "@difference{%+.3g} [@low{%.3g}, @high{%.3g}]"),
            ("p", "@p{%.2g}, @q{%.2g} after correction"),
        ]  # fmt: skip
        return [*tips, ("correlation", "@r{%.2f}")] if has_correlation else tips

    def show(
        self,
        beside: HeadsBeside,
        stores: tuple[StoreData, StoreData],
        by_layer: bool,
        brushed: np.ndarray,
        correlation: np.ndarray,
    ) -> None:
        """Draw other differences.

        Parameters
        ----------
        brushed
            ``(L·H,)`` bool, heads of the first store; the others are faint.
        correlation
            ``(pairs,)`` of each pair, NaN where it is not known.
        """
        self._draw_again = lambda: self.show(beside, stores, by_layer, brushed, correlation)
        found = beside.found
        order = np.arange(len(beside.heads))
        if not by_layer:
            order = np.argsort(-np.nan_to_num(found.difference), kind="stable")
        heads, others = beside.heads[order], beside.others[order]
        x = heads if by_layer else np.arange(len(order))
        labels, partners = (
            np.array(data.head_labels, object)[numbers]
            for data, numbers in zip(stores, (heads, others), strict=True)
        )
        self._numbers = heads
        differs = beside.differs[order]
        values = {
            "x": x, "difference": found.difference, "low": found.low, "high": found.high,
            "mean": found.second, "mean_second": found.first, "p": found.p, "q": found.adjusted,
            "r": correlation,
        }  # fmt: skip
        self._source.data = {
            **{name: one if name == "x" else one[order] for name, one in values.items()},
            "label": labels, "partner": partners, "colour": self._colours(beside, order),
            "alpha": np.where(brushed[heads], 1.0, _FAINT),
            "size": np.where(differs, _LARGE, _SMALL), "ids": [[one] for one in heads.tolist()],
            "heads": [f"{one:+.3g}" for one in found.difference[order]],
        }  # fmt: skip
        self._hover.tooltips = self._tips(bool(np.isfinite(correlation).any()))
        self._tell_axes(by_layer, labels.tolist())
        self.plot.yaxis[0].axis_label = f"{EFFECT_AXES[beside.metric]}, second − first"
        ends = padded_range(np.concatenate([found.low, found.high, found.difference, [0.0]]))
        number_range(self.plot.y_range).update(
            start=ends.start, end=ends.end, reset_start=ends.start, reset_end=ends.end
        )
        self.mark(self._session.head.number)

    def _colours(self, beside: HeadsBeside, order: np.ndarray) -> list[str]:
        """Of a head that differs, the one of its sign."""
        scale = self._session.reader.theme.diverging
        signed = np.where(beside.found.difference > 0, scale[-1], scale[0])
        return np.where(beside.differs, signed, NEUTRAL)[order].tolist()

    def _tell_axes(self, by_layer: bool, labels: list[str]) -> None:
        axis = self.plot.xaxis[0]
        self._layers.show_stripes(by_layer)
        count = self._session.data.num_heads if by_layer else len(labels)
        number_range(self.plot.x_range).update(start=-1, end=count, reset_start=-1, reset_end=count)
        if by_layer:
            self._layers.put_on(self.plot)
            return
        axis.update(
            ticker=AdaptiveTicker(min_interval=1, num_minor_ticks=0),
            formatter=CustomJSTickFormatter(
                args={"labels": labels}, code="return labels[tick] ?? ''"
            ),
            axis_label=PlainText(
                text=f"heads of {shortened(self._names[0])}, largest difference first"
            ),
        )

    def mark(self, number: int) -> None:
        """Draw a line at a head, if it is shown."""
        (place,) = np.nonzero(self._numbers == number)
        self._cursor.visible = len(place) > 0
        if len(place):
            self._cursor.location = float(self._places()[0][place[0]])

    def clear(self) -> None:
        """Show no heads."""
        self._numbers = self._numbers[:0]
        self._source.data = {name: [] for name in _COLUMNS}
        self._cursor.visible = False

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(self._source.data["x"]), np.asarray(self._source.data["difference"])

    def _tapped(self, place: int) -> None:
        if self._on_head is not None:
            self._on_head(int(self._numbers[place]))

    def _enclosed(self, shape: Box | Lasso, combine: Combine) -> None:
        is_in = inside(shape, np.column_stack(self._places()).astype(float))
        if self._on_heads is not None:
            self._on_heads(np.sort(self._numbers[is_in]).tolist(), combine)
