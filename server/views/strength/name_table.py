"""C1 as a table: how many heads of each layer have learned each pattern, by its name."""

from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.events import Tap
from bokeh.layouts import column
from bokeh.models import (
    ColumnDataSource,
    CustomJS,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    Paragraph,
    Range1d,
)
from bokeh.plotting import figure

from headbrush.analysis.store.facts.pattern_families import NO_NAME
from headbrush.server.session.palette import SELECTED
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.assets import view_script
from headbrush.server.tools.bokeh.bokeh_types import columns_of
from headbrush.server.tools.bokeh.column_updates import update_columns
from headbrush.server.views.common.figure_tools import make_figure

if TYPE_CHECKING:
    from bokeh.models.sources import DataDict

_CELL = 0.94
_ALL = "all"
_MISSING = "This store was made by an older headbrush and has no names; make it again to see them."
_FAINT = 0.3


class NameTable:
    """One cell for each name and layer, and one for each name; tap brushes its heads.

    It is drawn once it is looked at: pages begin with another overview.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._cells = ColumnDataSource(name="name_cells")
        self._selected = ColumnDataSource({"layer": [], "row": []}, name="name_ring")
        self._plot: figure | None = None
        self.layout = column(sizing_mode="stretch_both", visible=False, name="name_overview")

    def show(self, is_shown: bool) -> None:
        """Show the table, or hide it."""
        self.layout.visible = is_shown
        if is_shown and not self.layout.children:
            self.layout.children = [self._drawn()]
        if self._plot is not None:
            self._plot.visible = is_shown

    def _drawn(self) -> figure | Paragraph:
        """The table, or why there is none."""
        session = self._session
        if not session.data.head_families:
            return Paragraph(text=_MISSING, name="names_missing", styles={"margin": "8px"})
        self._cells.data = name_cells(session.data)
        self._plot = self._figure()
        session.history.follow(["clauses"], self.react)
        session.history.follow(["layer", "head"], self.react_to_head)
        session.reader.follow_theme(self._on_theme)
        return self._plot

    def _figure(self) -> figure:
        data, cells = self._session.data, columns_of(self._cells)
        names = ordered_names(data)
        layers = data.num_layers
        plot = make_figure(
            "name_table",
            x_range=Range1d(start=-0.5, end=layers + 0.7),
            y_range=Range1d(start=len(names) - 0.5, end=-0.5),
        )
        plot.grid.visible = False
        plot.xaxis.axis_label = "layer"
        step = max(1, layers // 12)
        plot.xaxis.ticker = FixedTicker(ticks=[*range(0, layers, step), layers + 0.2])
        plot.xaxis.major_label_overrides = {layers + 0.2: _ALL}
        plot.yaxis.ticker = FixedTicker(ticks=list(range(len(names))))
        plot.yaxis.major_label_overrides = dict(enumerate(names))
        self._shades = LinearColorMapper(low=0, high=max(int(np.max(cells["shade"], initial=0)), 1))
        self._inks = LinearColorMapper(low=0, high=self._shades.high)
        drawn = plot.rect(
            "x", "row", _CELL, _CELL, source=self._cells, fill_alpha="alpha", line_color=None,
            fill_color={"field": "shade", "transform": self._shades},
        )  # fmt: skip
        plot.text(
            "x", "row", text="count", source=self._cells, text_align="center",
            text_baseline="middle", text_font_size="11px",
            text_color={"field": "ink", "transform": self._inks},
        )  # fmt: skip
        plot.rect(
            "layer", "row", _CELL, _CELL, source=self._selected, fill_color=None,
            line_color=SELECTED, line_width=3, level="overlay",
        )  # fmt: skip
        tips = [("pattern", "@name"), ("layer", "@layer"), ("heads", "@heads")]
        plot.toolbar_location = None  # it would cover cells, and there is nothing to zoom
        plot.toolbar.active_drag = plot.toolbar.active_scroll = None
        plot.add_tools(HoverTool(renderers=[drawn], tooltips=tips))
        args = {"cells": self._cells, "heads": self._session.heads}
        plot.js_on_event(Tap, CustomJS(args=args, code=view_script("tap_names")))
        return plot

    def react(self, _state: ViewState) -> None:
        """Show cells without a brushed head faint."""
        brushed, cells = self._session.brush().heads, columns_of(self._cells)
        has_any = np.array([brushed[list(one)].any() for one in cells["ids"]])
        update_columns(
            self._cells,
            alpha=np.where(has_any, 1.0, _FAINT),
            ink=np.where(has_any, cells["shade"], 0),
        )

    def react_to_head(self, new: ViewState) -> None:
        """Frame the cell of the selected head."""
        data = self._session.data
        row = ordered_names(data).index(data.head_families[self._session.head.number])
        self._selected.data = {"layer": [new.layer], "row": [row]}

    def _on_theme(self) -> None:
        ramp = self._session.reader.theme.density
        self._shades.palette = list(ramp)
        self._inks.palette = [ramp[-1]] * 2 + [ramp[0]] * (len(ramp) - 2)


def ordered_names(data: StoreData) -> list[str]:
    """Names that some head has, the most frequent first, no name last."""
    families = data.head_families
    return sorted(set(families), key=lambda name: (name == NO_NAME, -families.count(name), name))


def name_cells(data: StoreData) -> "DataDict":
    """One cell for every name and layer with a head, and one for every name over all layers.

    ``ids`` are numbers of heads; ``shade`` and ``ink`` are their number, but 0 where layers are
    added up.
    """
    columns: dict[str, list[Any]] = {
        name: []
        for name in ("x", "layer", "row", "name", "count", "shade", "ink", "heads", "ids", "alpha")
    }
    for row, name in enumerate(ordered_names(data)):
        ids = [number for number, one in enumerate(data.head_families) if one == name]
        by_layer = {layer: [i for i in ids if data.heads[i].layer == layer]
                    for layer in range(data.num_layers)}  # fmt: skip
        cells = [(layer, str(layer), own, len(own)) for layer, own in by_layer.items() if own]
        for x, layer, own, shade in [*cells, (data.num_layers + 0.2, _ALL, ids, 0)]:
            values = (x, layer, row, name, len(own), shade, shade,
                      ", ".join(data.head_labels[i] for i in own), own, 1.0)  # fmt: skip
            for key, value in zip(columns, values, strict=True):
                columns[key].append(value)
    return {**columns}
