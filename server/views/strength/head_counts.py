"""C1 as counts: the number of brushed patterns of each head, layer by layer."""

import numpy as np
from bokeh.models import (
    BasicTicker,
    ColumnDataSource,
    HoverTool,
    LinearColorMapper,
    Range1d,
    SingleIntervalTicker,
)

from headbrush.server.session.palette import SELECTED
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.tools.bokeh.bokeh_types import columns_of
from headbrush.server.views.common.figure_tools import (
    inner_size,
    make_figure,
    on_narrowing,
    on_nearest,
    outlined,
)

_CELL = 0.94
_DIGIT_PIXELS = 7
_LINE_PIXELS = 13
_LIGHT_BELOW = 2
"""So many of the ramp's five colours carry dark numbers on light paper."""


class HeadCounts:
    """One cell per head, darker for more patterns; tap selects a head, box brushes heads."""

    def __init__(self, session: Session) -> None:
        self._session = session
        data = session.data
        self._selected = ColumnDataSource({"x": [], "y": []})
        self.plot = plot = make_figure(
            "head_counts",
            brush=("box",),
            x_range=Range1d(start=-0.5, end=data.num_layers - 0.5),
            y_range=Range1d(start=data.heads_per_layer - 0.5, end=-0.5),
        )
        on_narrowing(plot, session.narrow)
        plot.grid.visible = False
        plot.xaxis.axis_label, plot.yaxis.axis_label = "layer", "head"
        plot.xaxis.ticker = SingleIntervalTicker(interval=max(1, data.num_layers // 12))
        plot.yaxis.ticker = BasicTicker(min_interval=1)
        self._shades = LinearColorMapper(low=0)
        self._inks = LinearColorMapper(low=0)
        cells = plot.rect(
            "layer", "head", _CELL, _CELL, source=session.heads,
            fill_color={"field": "brushed", "transform": self._shades}, line_color=None,
            nonselection_fill_alpha=0.3, **outlined(2),
        )  # fmt: skip
        self._numbers = plot.text(
            "layer", "head", text="brushed", source=session.heads, text_align="center",
            text_baseline="middle", text_font_size="11px",
            text_color={"field": "brushed", "transform": self._inks},
            nonselection_text_alpha=0.6,
        )  # fmt: skip
        plot.rect(
            "x", "y", _CELL, _CELL, source=self._selected, fill_color=None, line_color=SELECTED,
            line_width=3, level="overlay",
        )  # fmt: skip
        tips = [("head", "@label"), (f"brushed of {data.num_images}", "@brushed")]
        plot.add_tools(HoverTool(renderers=[cells], tooltips=tips))
        on_nearest(plot, self._cells, session.select_head, 60)
        for side in ("inner_width", "inner_height"):
            plot.on_change(side, lambda _attribute, _old, _new: self._fit())
        session.history.follow(["clauses"], self.react)
        session.history.follow(["layer", "head"], self.react_to_head)
        session.reader.follow_theme(self._on_theme)

    def react(self, _state: ViewState) -> None:
        """Shade by the largest count."""
        most = max(int(np.max(columns_of(self._session.heads)["brushed"])), 1)
        self._shades.high = self._inks.high = most
        self._fit()

    def react_to_head(self, new: ViewState) -> None:
        """Frame the selected head."""
        self._selected.data = {"x": [new.layer], "y": [new.head]}

    def _cells(self) -> tuple[np.ndarray, np.ndarray]:
        columns = columns_of(self._session.heads)
        return np.asarray(columns["layer"]), np.asarray(columns["head"])

    def _fit(self) -> None:
        """Show the numbers where the cells have room for them."""
        data = self._session.data
        width, height = inner_size(self.plot)
        digits = len(str(self._shades.high))
        self._numbers.visible = (
            width / data.num_layers >= _DIGIT_PIXELS * digits + 2
            and height / data.heads_per_layer >= _LINE_PIXELS
        )

    def _on_theme(self) -> None:
        ramp = self._session.reader.theme.density
        self._shades.palette = list(ramp)
        dark, light = ramp[-1], ramp[0]
        self._inks.palette = [dark] * _LIGHT_BELOW + [light] * (len(ramp) - _LIGHT_BELOW)
