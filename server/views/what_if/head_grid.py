"""The heads as cells: a tap prunes one or gives it back, a box those that it touches."""

from typing import Any

import numpy as np
from bokeh.models import (
    BasicTicker,
    BoxSelectTool,
    ColumnDataSource,
    HoverTool,
    LinearColorMapper,
    Range1d,
)
from bokeh.plotting import figure

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.server.session.brush.clauses import Box, Combine, Lasso
from headbrush.server.session.palette import SELECTED
from headbrush.server.session.prune.choosing import heads_set
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.metrics import DIRECT, METRIC_NAMES, sizes
from headbrush.server.tools.bokeh.column_updates import update_columns
from headbrush.server.views.common.figure_tools import make_figure, on_nearest, on_region

_CELL = 0.92
_EDGE = 0.8
"""From the middle of an outer cell to the frame: a drag may begin beside the cells."""
_GONE, _KEPT = 0.15, 1.0
_COLUMNS = ("x", "y", "label", "told", "shade", "alpha", "mark", "state")


class HeadGrid:
    """One cell a head, darker where pruning it alone changes more; pruned ones are crossed out.

    Attributes
    ----------
    mode
        What a tap and a box prune, 1 to 7.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.mode = 1
        data = session.data
        self._cells = ColumnDataSource({name: [] for name in _COLUMNS}, name="prune_cells")
        self._selected = ColumnDataSource({"x": [], "y": []}, name="prune_ring")
        self._shades = LinearColorMapper(low=0, high=1)
        self.plot = self._figure()
        self._cells.data = {
            "x": np.arange(data.num_heads) // data.heads_per_layer,
            "y": np.arange(data.num_heads) % data.heads_per_layer,
            "label": data.head_labels,
            "told": np.full(data.num_heads, ""),
            "shade": np.zeros(data.num_heads),
            "alpha": np.ones(data.num_heads),
            "mark": np.full(data.num_heads, ""),
            "state": np.full(data.num_heads, ""),
        }
        session.history.follow(["metric", "clauses"], self.react_to_values)
        session.history.follow(["pruned"], self.react)
        session.history.follow(["layer", "head"], self.react_to_head)
        session.reader.follow_theme(self._on_theme)

    def _figure(self) -> figure:
        data = self._session.data
        plot = make_figure(
            "prune_grid",
            brush=("box",),
            x_range=Range1d(start=-_EDGE, end=data.num_layers - 1 + _EDGE),
            y_range=Range1d(start=data.heads_per_layer - 1 + _EDGE, end=-_EDGE),
        )
        plot.grid.visible = False
        plot.xaxis.axis_label, plot.yaxis.axis_label = "layer", "head"
        plot.xaxis.ticker = plot.yaxis.ticker = BasicTicker(min_interval=1)
        cells = plot.rect(
            "x", "y", _CELL, _CELL, source=self._cells, fill_alpha="alpha", line_color=None,
            fill_color={"field": "shade", "transform": self._shades},
        )  # fmt: skip
        self._marks = plot.text(
            "x", "y", text="mark", source=self._cells, text_align="center",
            text_baseline="middle", text_font_size="15px", text_font_style="bold",
        )  # fmt: skip
        plot.rect(
            "x", "y", _CELL, _CELL, source=self._selected, fill_color=None, line_color=SELECTED,
            line_width=3, level="overlay",
        )  # fmt: skip
        self._hover = HoverTool(renderers=[cells], tooltips=[])
        plot.add_tools(self._hover)
        (box,) = (tool for tool in plot.tools if isinstance(tool, BoxSelectTool))
        box.renderers = []  # what is enclosed is pruned, not marked
        on_nearest(plot, self._places, self._toggle, 60)
        on_region(plot, self._on_box)
        return plot

    def react(self, new: ViewState) -> None:
        """Cross out what is pruned."""
        data = self._session.data
        modes = {part.place: part.mode for part in new.pruned}
        found = [modes.get((head.layer, head.head), 0) for head in data.heads]
        gone = {0: ("", "not pruned"), 1: ("×", "pruned")}
        told = [gone.get(mode, (str(mode), f"pruned in mode {mode}")) for mode in found]
        update_columns(
            self._cells,
            alpha=np.where(np.array(found) == 1, _GONE, _KEPT),
            mark=np.array([mark for mark, _ in told]),
            state=np.array([words for _, words in told]),
        )

    def react_to_values(self, new: ViewState) -> None:
        """Shade by what pruning each head alone changes, over the brushed images."""
        images = self._session.brush("heads").images
        values = self._session.data.importance(new.metric)[images]
        mean = values.mean(0, dtype=float) if len(values) else np.full(values.shape[1], np.nan)
        size = np.nan_to_num(sizes(new.metric, mean)).clip(0)
        shade = np.sqrt(size)  # else one head would leave all others pale
        told = np.array(["not known" if np.isnan(value) else f"{value:.3g}" for value in mean])
        update_columns(self._cells, told=told, shade=shade)
        self._shades.high = max(float(shade.max(initial=0)), 1e-12)
        name = METRIC_NAMES[new.metric]
        what = name if new.metric == DIRECT else f"{name} alone"
        self._hover.tooltips = [("head", "@label"), ("", "@state"), (what, "@told")]

    def react_to_head(self, new: ViewState) -> None:
        """Frame the selected head."""
        self._selected.data = {"x": [new.layer], "y": [new.head]}

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        numbers, width = np.arange(self._session.data.num_heads), self._session.data.heads_per_layer
        return numbers // width, numbers % width

    def _toggle(self, number: int) -> None:
        (part,) = heads_set(self._session.data, [number], self.mode)
        pruned = self._session.state.pruned.toggled(part)
        self._session.history.change(pruned=pruned, layer=part.layer, head=part.head)

    def _on_box(self, shape: Box | Lasso, combine: Combine) -> None:
        if not isinstance(shape, Box):
            return
        x, y = self._places()
        half = _CELL / 2  # a drag straight along a layer touches its cells and encloses none
        touched = (x + half >= shape.x0) & (x - half <= shape.x1)
        touched &= (y + half >= shape.y0) & (y - half <= shape.y1)
        chosen = heads_set(self._session.data, np.flatnonzero(touched).tolist(), self.mode)
        self._session.history.change(pruned=combined(self._session.state.pruned, chosen, combine))

    def _on_theme(self) -> None:
        theme = self._session.reader.theme
        self._shades.palette = list(theme.density)
        self._marks.glyph.text_color = theme.ink


def combined(before: PruneSet, chosen: PruneSet, combine: Combine) -> PruneSet:
    """Join what a box encloses to a set, as brushes are joined."""
    here, there = before.places, chosen.places
    joined: dict[Combine, Any] = {
        "replace": lambda: chosen,
        "add": lambda: before | chosen,
        "subtract": lambda: before.without(there),
        "intersect": lambda: before.without(here - there),
        "xor": lambda: before.without(there) | chosen.without(here),
    }
    return joined[combine]()
