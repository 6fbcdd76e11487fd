"""The bits of the selected head as bars: over all images by class, and by the brush."""

from html import escape

import numpy as np
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, FactorRange, HoverTool, Range1d
from bokeh.plotting import figure

from headbrush.analysis.store.facts.head_bits import HeadBits
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.attention.matrices import BrushBits
from headbrush.server.stores.redact_paths import said_of
from headbrush.server.tools.pending_answer import PendingAnswer
from headbrush.server.views.common.figure_tools import make_figure
from headbrush.server.views.common.legend import make_legend, swatches

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#c3c9d1")
"""Of fixed, class or brush, within, and spread."""
_COLUMNS = ("fixed", "class", "within", "spread")
_SHOWN = tuple(f"{name}_shown" for name in _COLUMNS)
"""Lengths of the bars: a part that is slightly negative has none."""
_BAR_HEIGHT = 22


class BitsBar:
    """One bar over all images; while images are brushed another, with the brush as the class."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._question = PendingAnswer(session.document)
        self._words = make_legend("bits_words", 3)
        self._source = ColumnDataSource(
            {name: [] for name in ("row", *_COLUMNS, *_SHOWN)}, name="bits_bars"
        )
        self._rows = FactorRange()
        self._width = Range1d(start=0, end=1)
        self._plot = self._figure()
        self.layout = column(self._words, self._plot, sizing_mode="stretch_width", name="bits_bar")
        if session.data.head_bits:  # else the plot above says so
            session.history.follow(["layer", "head", "clauses", "overview"], self.react)

    def _figure(self) -> figure:
        plot = make_figure("bits_bar_plot", x_range=self._width, y_range=self._rows)
        plot.update(sizing_mode="stretch_width", height=_BAR_HEIGHT, min_height=_BAR_HEIGHT)
        plot.toolbar_location = plot.toolbar.active_scroll = None
        plot.xaxis.visible = False
        plot.grid.visible = False
        plot.outline_line_color = None
        bars = plot.hbar_stack(
            list(_SHOWN), y="row", height=0.8, source=self._source, color=list(COLOURS),
            line_color=None,
        )  # fmt: skip
        tips = [(name, f"@{name}{{0.00}} bits") for name in _COLUMNS]
        plot.add_tools(HoverTool(renderers=list(bars), tooltips=[("", "@row"), *tips]))
        return plot

    def react(self, new: ViewState) -> None:
        """Draw the bits over all images, and ask for those of the brush."""
        self._question.drop()
        if new.overview != "bits":
            return
        data, brushed = self._session.data, self._session.brush("heads").images
        self._draw(None, "")
        if brushed.all():
            return
        if not len(data.store.kept_images):
            self._draw(None, "No attention is stored, so the brush divides no image.")
            return
        future = data.matrices.divide(new.layer, new.head, brushed)
        waiting = "Reading the stored attention …"
        self._question.ask(future, self._deliver, lambda: self._draw(None, waiting))

    def _deliver(self, found: BrushBits | None, fault: str) -> None:
        if found is None:
            self._draw(None, said_of(fault, self._session.data.store))
        elif found.brushed in (0, found.count):
            which = "all" if found.brushed else "none"
            self._draw(None, f"Of {found.count} images with stored attention, {which} are brushed.")
        else:
            told = f"{max(0.0, found.bits.by_class):.2f} bits"
            images = f"{found.brushed} of {found.count} stored images"
            self._draw(found.bits, f"Brushed or not decides {told} ({images}).")

    def _draw(self, by_brush: HeadBits | None, more: str) -> None:
        own = self._session.data.head_bits[self._session.head.number]
        rows = {"by class": own} | ({} if by_brush is None else {"by brush": by_brush})
        parts = np.array([one.parts for one in rows.values()])  # (rows, 4)
        lengths = np.maximum(np.nan_to_num(parts), 0)
        named = zip((*_COLUMNS, *_SHOWN), (*parts.T, *lengths.T), strict=True)
        self._source.data = {"row": list(rows), **dict(named)}
        self._rows.factors = list(rows)[::-1]
        self._width.end = float(lengths.sum(1).max()) or 1.0
        self._plot.height = self._plot.min_height = _BAR_HEIGHT * len(rows)
        said = f"{self._session.head}: {own.kind}{own.moves}."
        names = [
            f"{name} {'–' if np.isnan(part) else f'{part:.2f}'}"
            for name, part in zip(_COLUMNS, own.parts, strict=True)
        ]
        self._words.text = f"{swatches(names, COLOURS)}<br>{escape(said)} {escape(more)}"
