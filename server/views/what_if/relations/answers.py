"""What answers when a head is gone: a matrix of mean responses, and the account of one head."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    ColumnDataSource,
    CustomJSHover,
    FactorRange,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from headbrush.analysis.store.facts.studies.compensation import MeanCompensation
from headbrush.server.session.palette import DARK, NEUTRAL, SELECTED
from headbrush.server.session.session import Session
from headbrush.server.tools.bokeh.bokeh_types import number_range
from headbrush.server.views.common.figure_tools import make_figure, on_nearest, short_numbers
from headbrush.server.views.common.plot_theme import colour_bar

if TYPE_CHECKING:
    from bokeh.models.sources import DataDict

_BAR = ("part", "left", "right", "middle", "told", "colour")
_PARTS = ("direct", "later heads", "MLPs", "final norm", "total")
_BARS_HEIGHT = 190
_REACH = 60
_NAME = "return names[Math.round(value)] ?? ''"


class Answers:
    """Rows are pruned heads; columns are the heads, MLPs and the norm that answer.

    Attributes
    ----------
    layout
        The matrix, and below it the account of the selected head.

    Parameters
    ----------
    on_head
        Called with the number of the head whose row is tapped.
    """

    def __init__(
        self, session: Session, study: MeanCompensation, on_head: Callable[[int], None]
    ) -> None:
        self._session, self._study, self._on_head = session, study, on_head
        self._row = ColumnDataSource({"x": [], "y": [], "width": []}, name="answer_row")
        self._bars = ColumnDataSource({name: [] for name in _BAR}, name="answer_bars")
        self._colours = LinearColorMapper(name="two_palettes", tags=[list(DARK.diverging)])
        self._matrix, self._account = self._matrix_figure(), self._bars_figure()
        self.layout = column(
            self._matrix, self._account, sizing_mode="stretch_both", name="answers_body",
            visible=False,
        )  # fmt: skip
        session.reader.follow_theme(self._on_theme)

    @property
    def _columns(self) -> list[str]:
        """What can answer: heads, then the MLP of each layer, then the norm."""
        mlps = [f"MLP {layer}" for layer in range(self._study.layers)]
        return [*self._session.data.head_labels, *mlps, "final norm"]

    def _matrix_figure(self) -> figure:
        study = self._study
        answers = np.c_[study.by_heads, study.by_mlps, study.norm].astype(np.float32)
        heads, parts = answers.shape
        plot = make_figure(
            "answer_plot",
            x_range=Range1d(start=-0.5, end=parts - 0.5),
            y_range=Range1d(start=heads - 0.5, end=-0.5),
        )
        plot.toolbar.active_drag = None
        plot.grid.visible = False
        cells: DataDict = {"image": [answers], "width": [parts], "height": [heads]}
        colours: Any = {"color_mapper": self._colours}  # Bokeh's stubs name none
        shown = plot.image(
            "image", x=-0.5, y=-0.5, dw="width", dh="height", **colours,
            source=ColumnDataSource(cells, name="answer_cells"),
        )  # fmt: skip
        most = float(np.quantile(np.abs(answers), 0.995)) or 1e-6
        self._colours.update(low=-most, high=most)
        plot.rect(
            "x", "y", "width", 1, source=self._row, fill_color=None, line_color=SELECTED,
            line_width=2, level="overlay",
        )  # fmt: skip
        self._tell_axes(plot)
        formatters: Any = {"@image": "printf"}
        for at, names in (("$y", self._session.data.head_labels), ("$x", self._columns)):
            formatters[at] = CustomJSHover(args={"names": names}, code=_NAME)
        tips = [
            ("without", "$y{custom}"), ("answers", "$x{custom}"),
            ("response", "@image{%+.3g} logits"),
        ]  # fmt: skip
        plot.add_tools(HoverTool(renderers=[shown], formatters=formatters, tooltips=tips))
        bar = colour_bar(self._session.reader, self._colours, short_numbers())
        plot.add_layout(bar, "right")
        on_nearest(plot, self._places, self._tapped, _REACH)
        return plot

    def _tell_axes(self, plot: figure) -> None:
        study = self._study
        middle = (study.heads - 1) / 2
        layers = [layer * study.heads + middle for layer in range(study.layers)]
        labels = {tick: str(layer) for layer, tick in enumerate(layers)}
        count = study.layers * study.heads
        ends = {count + (study.layers - 1) / 2: "MLPs", count + study.layers: "norm"}
        plot.yaxis[0].update(
            ticker=FixedTicker(ticks=layers), major_label_overrides=labels, axis_label="pruned"
        )
        plot.xaxis[0].update(
            ticker=FixedTicker(ticks=[*layers, *ends]), major_label_overrides=labels | ends,
            axis_label="answers: heads by layer, MLPs, norm",
        )  # fmt: skip

    def _bars_figure(self) -> figure:
        plot = make_figure(
            "account_plot",
            x_range=Range1d(start=-1, end=1),
            y_range=FactorRange(factors=list(reversed(_PARTS))),
        )
        plot.update(sizing_mode="stretch_width", height=_BARS_HEIGHT)
        plot.toolbar.active_drag = None
        plot.ygrid.visible = False
        plot.xaxis.axis_label = "logits of the true class"
        plot.xaxis.formatter = short_numbers()
        bars = plot.hbar(
            y="part", left="left", right="right", height=0.7, source=self._bars,
            fill_color="colour", line_color=None,
        )  # fmt: skip
        plot.add_layout(Span(location=0, dimension="height", line_color=NEUTRAL))
        plot.add_tools(HoverTool(renderers=[bars], tooltips=[("@part", "@told logits")]))
        return plot

    def show(self, number: int) -> str:
        """Frame the row of a head, account for it, and say what answers it."""
        parts = len(self._columns)
        self._row.data = {"x": [(parts - 1) / 2], "y": [number], "width": [parts]}
        steps = self._steps(number)
        ends = np.cumsum(steps[:-1])
        left, right = np.r_[0, ends[:-1], 0], np.r_[ends, steps[-1]]
        theme = self._session.reader.theme
        below, above = theme.diverging[0], theme.diverging[-1]
        colours = [NEUTRAL, *(above if s < 0 else below for s in steps[1:-1]), theme.ink]
        self._bars.data = {
            "part": list(_PARTS), "left": left, "right": right, "middle": (left + right) / 2,
            "told": [f"{one:+.3g}" for one in steps], "colour": colours,
        }  # fmt: skip
        low, high = float(min(left.min(), right.min())), float(max(left.max(), right.max()))
        room = 0.06 * (high - low) or 0.1
        number_range(self._account.x_range).update(start=low - room, end=high + room)
        return self._words(number, steps)

    def _steps(self, number: int) -> np.ndarray:
        """``(5,)``: direct; less the responses of heads, MLPs and norm; total, their sum."""
        study = self._study
        answers = study.by_heads[number].sum(), study.by_mlps[number].sum(), study.norm[number]
        return np.array([study.direct[number], *(-one for one in answers), study.total[number]])

    def _words(self, number: int, steps: np.ndarray) -> str:
        study, labels = self._study, self._session.data.head_labels
        response = np.r_[study.by_heads[number], study.by_mlps[number]]
        first = int(response.argmax())
        best = f", most of all {self._columns[first]} ({response[first]:+.2g})"
        most = best if response[first] > 0 else ""
        return (
            f"{labels[number]} says {steps[0]:+.2g} logits directly for the true class, and "
            f"pruning it loses {steps[-1]:+.2g}: later heads answer {-steps[1]:+.2g}, MLPs "
            f"{-steps[2]:+.2g}, the norm {-steps[3]:+.2g}{most} (means of {study.images} images; "
            "above 0 makes up for the head)."
        )

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        heads = self._study.layers * self._study.heads
        y, x = np.indices((heads, len(self._columns)))
        return x.ravel(), y.ravel()

    def _tapped(self, cell: int) -> None:
        self._on_head(cell // len(self._columns))

    def _on_theme(self) -> None:
        self._colours.palette = list(self._session.reader.theme.diverging)
        if self.layout.visible:
            self.show(self._session.head.number)
