"""Heads of one store × heads of another: their correlation, and which are partners."""

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    CustomJSHover,
    HoverTool,
    LinearColorMapper,
    PlainText,
    Range1d,
)
from bokeh.plotting import figure

from headbrush.server.session.beside.matched_heads import MatchedHeads
from headbrush.server.session.palette import DARK, NEUTRAL, SELECTED, Theme
from headbrush.server.views.common.class_axis import shortened
from headbrush.server.views.common.figure_tools import make_figure, on_nearest
from headbrush.server.views.common.layer_axis import layer_marks
from headbrush.server.views.common.plot_theme import colour_bar

_NAME = "return names[Math.round(value)] ?? ''"
_REACH = 60
_SIZE, _BY_HAND = 5, 9
"""Of dots, in pixels."""


class PartnerMap:
    """Columns are the heads of the first store, rows those of the second; dots are partners.

    ``on_head`` gets the number of a head of the first store whose column is tapped.
    """

    def __init__(
        self, matched: MatchedHeads, names: tuple[str, str], on_head: Callable[[int], None]
    ) -> None:
        self._matched, self._names, self._on_head = matched, names, on_head
        self._stores = matched.sessions[0].data, matched.sessions[1].data
        self._cells = ColumnDataSource({"image": []}, name="partner_cells")
        self._dots = ColumnDataSource(
            {"x": [], "y": [], "colour": [], "size": []}, name="partner_dots"
        )
        self._column = ColumnDataSource({"x": []}, name="partner_column")
        self._colours = LinearColorMapper(
            low=0, high=1, nan_color="rgba(0, 0, 0, 0)", name="two_palettes",
            tags=[_above_paper(DARK)],
        )  # fmt: skip
        self.plot = self._figure()
        matched.sessions[0].reader.follow_theme(self._on_theme)

    def _figure(self) -> figure:
        wide, high = (data.num_heads for data in self._stores)
        plot = make_figure(
            "partner_plot", x_range=Range1d(start=-1, end=wide),
            y_range=Range1d(start=high, end=-1),
        )  # fmt: skip
        plot.toolbar.active_drag = None
        plot.grid.visible = False
        colours: Any = {"color_mapper": self._colours}  # Bokeh's stubs name none
        cells = plot.image("image", x=-0.5, y=-0.5, dw=wide, dh=high, source=self._cells, **colours)
        plot.rect(
            "x", (high - 1) / 2, 1, high, source=self._column, fill_color=None,
            line_color=SELECTED, line_width=2, level="overlay",
        )  # fmt: skip
        plot.scatter("x", "y", source=self._dots, size="size", line_color=None, fill_color="colour")
        first, second = map(shortened, self._names)
        self._name_axes(plot, first, second)
        names = [
            CustomJSHover(args={"names": data.head_labels}, code=_NAME) for data in self._stores
        ]
        plot.add_tools(
            HoverTool(
                renderers=[cells], formatters={"$x": names[0], "$y": names[1], "@image": "printf"},
                tooltips=[
                    (first, "$x{custom}"), (second, "$y{custom}"), ("correlation", "@image{%.2f}")
                ],
            )
        )  # fmt: skip
        self._bar = colour_bar(self._matched.sessions[0].reader, self._colours)
        plot.add_layout(self._bar, "right")
        on_nearest(plot, self._places, self._tapped, _REACH)
        return plot

    def _name_axes(self, plot: figure, first: str, second: str) -> None:
        named = zip((plot.xaxis[0], plot.yaxis[0]), self._stores, (first, second), strict=True)
        for axis, data, name in named:
            ticker, formatter = layer_marks(data.num_layers, data.heads_per_layer)
            axis.update(
                axis_label=PlainText(text=f"layer of {name}"), ticker=ticker, formatter=formatter,
                major_tick_line_color=None,
            )  # fmt: skip

    def show(self) -> None:
        """Draw the correlations and the partners as they are now."""
        matched, scale = self._matched, self._matched.sessions[0].reader.theme
        wide, high = (np.arange(data.num_heads) for data in self._stores)
        r = matched.correlations(wide[None, :], high[:, None])  # (L·H', L·H)
        known = bool(np.isfinite(r).any())
        self._cells.data = {"image": [r.astype(np.float32)] if known else []}
        self._bar.visible = known
        if known:
            self._colours.update(low=float(np.nanmin(r)), high=float(np.nanmax(r)))
        heads = np.flatnonzero(matched.pairs >= 0)
        by_hand = matched.changed_by_hand[heads]
        self._dots.data = {
            "x": heads, "y": matched.pairs[heads],
            "colour": np.where(by_hand, SELECTED, scale.ink if known else NEUTRAL).tolist(),
            "size": np.where(by_hand, _BY_HAND, _SIZE),
        }  # fmt: skip

    def mark(self, head: int) -> None:
        """Frame the column of a head."""
        self._column.data = {"x": [head]}

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        y, x = np.indices((self._stores[1].num_heads, self._stores[0].num_heads))
        return x.ravel(), y.ravel()

    def _tapped(self, cell: int) -> None:
        self._on_head(cell % self._stores[0].num_heads)

    def _on_theme(self) -> None:
        self._colours.palette = _above_paper(self._matched.sessions[0].reader.theme)
        self.show()


def _above_paper(theme: Theme) -> list[str]:
    """From the paper's colour to the strongest."""
    return list(theme.diverging[len(theme.diverging) // 2 :])
