"""The cells of heads × classes: drawn, tapped, and enclosed by a box."""

from collections.abc import Callable

import numpy as np
from bokeh.models import (
    BoxSelectTool,
    ColumnDataSource,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    Range1d,
)
from bokeh.plotting import figure

from headbrush.server.session.brush.clauses import Box, Combine, Lasso
from headbrush.server.session.palette import BRUSHED, DARK, SELECTED
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.trends.classes import LEVEL
from headbrush.server.stores.trends.questions import TrendMatrix
from headbrush.server.views.common.class_axis import put_classes_on
from headbrush.server.views.common.figure_tools import make_figure, on_nearest, on_region
from headbrush.server.views.common.layer_axis import LayerAxis
from headbrush.server.views.common.plot_theme import colour_bar
from headbrush.server.views.trends.brushed_rows import brushed_share

_COLUMNS = ("x", "y", "class", "head", "g", "mean", "mean_rest", "n", "n_rest", "p", "family_p")
_BRUSHED = ("x0", "y0", "x1", "y1")
_LEAST_G = 0.2
"""The colours reach at least to an effect that is called small."""
_REACH = 60
_EDGE = 10
"""Pixels of the line along what is brushed; half of it lies outside."""
_OF = {"class": ("class", "rest"), "wrong": ("wrong", "right")}


class ClassGrid:
    """Draws a matrix; its callers know which classes its rows are.

    Parameters
    ----------
    on_cell
        Called with the row and the head's number of a cell that is tapped.
    on_box
        Called with the rows, the heads and the way to combine them of a box.
    """

    def __init__(
        self,
        session: Session,
        on_cell: Callable[[int, int], None],
        on_box: Callable[[list[int], list[int], Combine], None],
    ) -> None:
        self._session, self._on_cell, self._on_box = session, on_cell, on_box
        self._cells = ColumnDataSource({name: [] for name in _COLUMNS}, name="trend_cells")
        self._marked = ColumnDataSource({"x": [], "y": []}, name="trend_marked")
        self._column = ColumnDataSource({"x": [], "y": [], "height": []}, name="trend_head")
        self._brushed = ColumnDataSource({name: [] for name in _BRUSHED}, name="trend_brushed")
        self._rows = np.empty(0, int)
        self._colours = LinearColorMapper(
            low=-1, high=1, name="two_palettes", tags=[list(DARK.diverging)]
        )
        self._heads = np.arange(session.data.num_heads)
        self.plot = self._figure()
        self._layers = LayerAxis(session.data, self.plot)
        session.history.on_change(["layer", "head"], self.react_to_head)
        session.history.on_change(["clauses"], self.react_to_brush)
        session.reader.follow_theme(self._on_theme)

    def _figure(self) -> figure:
        count = self._session.data.num_heads
        plot = make_figure(
            "trend_plot",
            brush=("box",),
            x_range=Range1d(start=-0.5, end=count - 0.5, bounds=(-0.5, count - 0.5)),
            y_range=Range1d(start=0.5, end=-0.5),
        )
        plot.grid.visible = False
        plot.yaxis.major_tick_line_color = None
        cells = plot.rect(
            "x", "y", 1, 1, source=self._cells, line_color=None,
            fill_color={"field": "g", "transform": self._colours},
        )  # fmt: skip
        self._dots = plot.scatter(
            "x", "y", source=self._marked, size=6, name="trend_dots", line_width=1.5
        )
        plot.rect(
            "x", "y", 1, "height", source=self._column, fill_color=None, line_color=SELECTED,
            line_width=2, level="overlay",
        )  # fmt: skip
        plot.segment(*_BRUSHED, source=self._brushed, line_color=BRUSHED, line_width=_EDGE)
        self._hover = HoverTool(renderers=[cells], tooltips=[])
        plot.add_tools(self._hover)
        plot.add_layout(colour_bar(self._session.reader, self._colours), "right")
        (box,) = (tool for tool in plot.tools if isinstance(tool, BoxSelectTool))
        box.renderers = []  # what is enclosed is brushed, not marked
        on_nearest(plot, self._places, self._tapped, _REACH)
        on_region(plot, self._enclosed)
        return plot

    def clear(self) -> None:
        """Show no cells."""
        self._rows = np.empty(0, int)
        self._brushed.data = {name: [] for name in _BRUSHED}
        self._cells.data = {name: [] for name in _COLUMNS}
        self._marked.data = {"x": [], "y": []}
        self._column.data = {"x": [], "y": [], "height": []}

    def show(self, matrix: TrendMatrix, rows: np.ndarray, by_layer: bool, group: str) -> None:
        """Draw the classes ``rows``, the heads by layer or as the matrix orders them."""
        found, data, self._rows = matrix.trends, self._session.data, rows
        self._heads = np.arange(data.num_heads) if by_layer else matrix.columns
        y, x = (one.ravel() for one in np.indices((len(rows), data.num_heads)))
        of_class, head = rows[y], self._heads[x]
        names, labels = np.array(data.class_names, object), np.array(data.head_labels, object)
        cells = {
            "x": x, "y": y, "class": names[of_class], "head": labels[head],
            "n": found.count[of_class], "n_rest": found.rest[of_class],
        }  # fmt: skip
        for name, values in (
            ("g", found.g), ("p", found.p), ("family_p", found.family_p),
            ("mean", matrix.mean), ("mean_rest", matrix.mean_rest),
        ):  # fmt: skip
            cells[name] = values[of_class, head]
        stands_out = cells["family_p"] <= LEVEL
        self._cells.data = cells
        self._marked.data = {"x": x[stands_out], "y": y[stands_out]}
        most = float(np.nan_to_num(np.abs(cells["g"])).max(initial=_LEAST_G))
        self._colours.update(low=-most, high=most)
        self._tell_axes(rows, by_layer)
        self._tell_tips(group)
        self.react_to_head(self._session.state)
        self.react_to_brush(self._session.state)

    def _tell_axes(self, rows: np.ndarray, by_layer: bool) -> None:
        plot, data = self.plot, self._session.data
        put_classes_on(plot, [data.class_names[one] for one in rows])
        if by_layer:
            self._layers.put_on(plot)
            plot.xaxis[0].update(major_label_overrides={}, major_label_orientation="horizontal")
            return
        labels = [data.head_labels[number] for number in self._heads]
        plot.xaxis[0].update(
            ticker=FixedTicker(ticks=list(range(len(labels)))),
            major_label_overrides=dict(enumerate(labels)), major_label_orientation="vertical",
            axis_label="heads, similar effects side by side",
        )  # fmt: skip

    def _tell_tips(self, group: str) -> None:
        first, second = _OF[group]
        numbers = ("mean", "mean_rest", "g", "p", "family_p")
        self._hover.update(
            formatters={f"@{name}": "printf" for name in numbers},
            tooltips=[
                ("head", "@head"), ("class", "@class"), ("Hedges' g", "@g{%.2f}"),
                (f"mean, {first}", "@mean{%.3g} (n = @n)"),
                (f"mean, {second}", "@mean_rest{%.3g} (n = @n_rest)"),
                ("p of this cell", "@p{%.3g}"), ("family-wise p", "@family_p{%.3g}"),
            ],
        )  # fmt: skip

    def react_to_head(self, _state: ViewState) -> None:
        """Frame the column of the selected head."""
        rows = int(np.max(self._cells.data["y"], initial=-1)) + 1
        place = np.flatnonzero(self._heads == self._session.head.number)
        shown = place if rows else place[:0]
        height = [float(rows)] * len(shown)
        self._column.data = {"x": shown, "y": [(one - 1) / 2 for one in height], "height": height}

    def react_to_brush(self, _state: ViewState) -> None:
        """Draw lines along the left of brushed classes, as long as their share, and under heads."""
        share = brushed_share(self._session, self._rows)
        y = np.flatnonzero(share)
        heads = self._session.brush().heads[self._heads]
        x = np.flatnonzero(heads & (len(self._rows) > 0)) if not heads.all() else np.empty(0, int)
        left, bottom = np.full(len(y), -0.5), np.full(len(x), len(self._rows) - 0.5)
        self._brushed.data = {
            "x0": np.r_[left, x - 0.5], "y0": np.r_[y - share[y] / 2, bottom],
            "x1": np.r_[left, x + 0.5], "y1": np.r_[y + share[y] / 2, bottom],
        }  # fmt: skip

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(self._cells.data["x"]), np.asarray(self._cells.data["y"])

    def _tapped(self, cell: int) -> None:
        x, y = self._places()
        self._on_cell(int(y[cell]), int(self._heads[x[cell]]))

    def _enclosed(self, shape: Box | Lasso, combine: Combine) -> None:
        if not isinstance(shape, Box):
            return
        x, y = self._places()
        inside = (x >= shape.x0) & (x <= shape.x1) & (y >= shape.y0) & (y <= shape.y1)
        heads = np.sort(self._heads[np.unique(x[inside])])
        self._on_box(np.unique(y[inside]).tolist(), heads.tolist(), combine)

    def _on_theme(self) -> None:
        theme = self._session.reader.theme
        self._colours.palette = list(theme.diverging)
        self._dots.glyph.update(
            fill_color=theme.ink, line_color=theme.diverging[len(theme.diverging) // 2]
        )
