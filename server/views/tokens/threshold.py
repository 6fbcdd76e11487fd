"""D5: the distribution of the attention values, and the threshold (the paper's Fig. 1 D5)."""

import math

import numpy as np
from bokeh.events import PanEnd, Tap
from bokeh.layouts import column, row
from bokeh.models import (
    BoxAnnotation,
    Button,
    ColumnDataSource,
    HoverTool,
    LogTicker,
    PanTool,
    Paragraph,
    Range1d,
    Span,
    WheelZoomTool,
)
from bokeh.plotting import figure

from headbrush.server.session.palette import NEUTRAL, PATCH, PREFIX, SELECTED
from headbrush.server.session.session import Session
from headbrush.server.tools.assets import view_script
from headbrush.server.tools.bokeh.bokeh_types import columns_of, on_event
from headbrush.server.views.common.figure_tools import make_figure
from headbrush.server.views.tokens.selected_matrix import ShownMatrix, from_codes

_BINS = 60
_NO_COUNT = 0.5
"""Height of an empty bin: below the axis, which is logarithmic."""
_TWO_LINES = "30px"
"""Room for the note: the browser writes its words without laying out the plot below it."""
_THREE_LINES = (
    "@media (min-width: 1101px) and (max-width: 1279px) { :host { min-height: 46px !important; } }"
)
"""Where the page's columns are narrowest (``static/css/style.css``)."""


class Threshold:
    """How often each attention value occurs, prefix tokens apart from patches; a line to drag."""

    name = "threshold"
    title = "What is strong?"
    help = (
        "Histogram of the attention values, both axes logarithmic: blue from or to "
        "prefix tokens, orange between patches. Drag the red line, or click, to set the weakest "
        "attention that the lines and the matrix show; the default is the top 1 %."
    )

    def __init__(self, session: Session, matrix: ShownMatrix) -> None:
        self._session = session
        self._matrix = matrix
        tokens = matrix.tokens
        self._size = tokens.prefix + tokens.rows * tokens.columns
        self._low = 10.0 ** math.floor(math.log10(1e-3 / self._size))
        self._edges = np.geomspace(self._low, 1, _BINS + 1)
        self._counts = ColumnDataSource(
            data={"left": self._edges[:-1], "right": self._edges[1:], **self._columns()},
            name="counts",
        )
        self._note = Paragraph(
            text="",
            name="threshold_note",
            sizing_mode="stretch_width",
            styles={"margin": "0 6px", "line-height": "1.25", "min-height": _TWO_LINES},
            stylesheets=[_THREE_LINES],
        )
        default = Button(
            label="top 1 %", name="default_threshold", width=62, height=24, margin=(0, 4, 0, 0)
        )
        default.on_click(lambda: session.history.change(threshold=None))
        self._plot = self._figure()
        heading = row(self._note, default, sizing_mode="stretch_width")
        self.layout = column(heading, self._plot, sizing_mode="stretch_both", name=self.name)
        matrix.follow(self.react)

    def _figure(self) -> figure:
        plot = make_figure(
            "threshold_plot",
            x_axis_type="log",
            y_axis_type="log",
            x_range=Range1d(start=self._low, end=1),
            y_range=Range1d(start=0.7, end=self._size**2),
        )
        plot.tools = [tool for tool in plot.tools if not isinstance(tool, PanTool | WheelZoomTool)]
        plot.min_height = 60
        plot.yaxis.ticker = LogTicker(desired_num_ticks=3)
        plot.xaxis.ticker = LogTicker(desired_num_ticks=4)
        plot.xaxis.axis_label = "attention A"
        plot.yaxis.axis_label = "values"
        bars = [
            plot.quad(
                left="left", right="right", bottom=_NO_COUNT, top=kind, source=self._counts,
                fill_color=colour, fill_alpha=0.45, line_color=colour,
            )
            for kind, colour in (("patch", PATCH), ("prefix", PREFIX))
        ]  # fmt: skip
        tips = [
            ("A", "@left{%.2g} to @right{%.2g}"), ("of or to prefix", "@prefix_count"),
            ("between patches", "@patch_count"),
        ]  # fmt: skip
        hover = HoverTool(
            renderers=[bars[0]],
            tooltips=tips,
            formatters={"@left": "printf", "@right": "printf"},
        )
        plot.add_tools(hover)
        line = Span(dimension="height", line_color=SELECTED, line_width=3, visible=False)
        below = BoxAnnotation(fill_color=NEUTRAL, fill_alpha=0.15, visible=False)
        plot.add_layout(below)
        plot.add_layout(line)
        code = view_script("threshold")
        self._matrix.draw(code, ("threshold",), line=line, below=below, note=self._note)
        drag = self._matrix.script(view_script("threshold_drag"), range=plot.x_range)
        for event in ("pan", "panend", "tap"):
            plot.js_on_event(event, drag)
        on_event(plot, PanEnd, self._choose)
        on_event(plot, Tap, self._choose)
        return plot

    def _choose(self, event: PanEnd | Tap) -> None:
        if event.x is None:
            return
        at = min(max(event.x, self._low), 1.0)
        self._session.history.change(threshold=float(f"{at:.3g}"))

    def _columns(self, codes: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Counts of the bins, and their height."""
        patch = prefix = np.zeros(_BINS, int)
        if codes is not None:
            first = self._matrix.tokens.prefix
            inner = self._histogram(codes[first:, first:])
            patch, prefix = inner, self._histogram(codes) - inner
        return {
            "patch_count": patch, "prefix_count": prefix,
            "patch": np.maximum(patch, _NO_COUNT), "prefix": np.maximum(prefix, _NO_COUNT),
        }  # fmt: skip

    def _histogram(self, codes: np.ndarray) -> np.ndarray:
        """Counts in the bins; weaker values are in the first, stronger in the last."""
        frequency = np.bincount(codes.ravel(), minlength=1 << 16)
        present = np.flatnonzero(frequency)
        values = from_codes(present.astype(np.uint16)).astype(float)
        return np.histogram(
            values.clip(*self._edges[[0, -1]]), self._edges, weights=frequency[present]
        )[0].astype(int)

    def react(self) -> None:
        """Count the values of the shown matrix."""
        self._matrix.fade(self._plot)
        if not self._matrix.waiting:
            counts = self._columns(self._matrix.codes)
            self._counts.data = {**columns_of(self._counts), **counts}
