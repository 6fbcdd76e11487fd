"""B1 under a prune set: what pruning one more head changes then, beside what it changed before."""

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import ColumnDataSource, HoverTool, Paragraph, Range1d, Select, Span
from bokeh.plotting import figure

from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.server.session.palette import NEUTRAL, SELECTED
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.metrics import METRIC_AXES, METRIC_NAMES, NOISE
from headbrush.server.tools.bokeh.bokeh_types import number_range
from headbrush.server.views.common.choice import labelled
from headbrush.server.views.common.figure_tools import make_figure, on_line_moved, short_numbers
from headbrush.server.views.common.layer_axis import LayerAxis
from headbrush.server.views.common.legend import make_legend, swatches
from headbrush.server.views.what_if.given_question import Given, GivenQuestion
from headbrush.server.views.what_if.set_answer import SetAnswer

_COLUMNS = ("number", "label", "before", "given", "state", "gone")
_MARGIN = 0.06
_LEGEND = 210
"""Pixels that both names of the legend need in one line."""
_USUAL, _HEADLESS = "jsd", "patch"
"""What is shown for metrics of single heads only; the second of a model without classifier."""
_LATER = "asked when the predictions are known …"


class GivenImportance:
    """Two lines over the heads: importance before, and given that the prune set is gone."""

    name = "given_importance"
    title = "What matters now?"
    help = (
        "What pruning one more head changes when the heads of the prune set are gone already: "
        "e(b | S) = f(S) − f(S ∪ b), dark, beside what pruning it changes in the whole model, "
        "grey, over the same images. A head that rises takes over what the set did; one that "
        "falls depended on it. For the selected image, or as a mean over the brushed ones. "
        "Crosses mark pruned heads, which have no further effect. Click or drag the red line to "
        "select a head, and press x to prune it too."
    )

    def __init__(self, session: Session, answer: SetAnswer) -> None:
        self._session = session
        self._source = ColumnDataSource({name: [] for name in _COLUMNS}, name="given_lines")
        self._question = GivenQuestion(session, answer, self._draw)
        self._metric = Select(
            options=[(name, METRIC_NAMES[name]) for name in PRUNING_METRICS], width=158, height=24,
            name="given_metric", css_classes=["hb-small"], margin=(4, 3, 2, 3),
            html_attributes=labelled("Metric"),
        )  # fmt: skip
        self._metric.on_change("value", self._choose_metric)
        self._legend = make_legend("given_legend")
        self._legend.min_width = _LEGEND
        self._note = Paragraph(
            text="", name="given_note", sizing_mode="stretch_width", styles={"margin": "2px 6px"}
        )
        self._plot = self._figure()
        controls = row(
            self._metric, self._legend, sizing_mode="stretch_width",
            styles={"align-items": "center", "flex-wrap": "wrap"},
        )  # fmt: skip
        self.layout = column(
            controls, self._note, self._plot, sizing_mode="stretch_both", name=self.name
        )
        session.history.follow(["metric"], self.react_to_metric)
        session.history.follow(["pruned", "image", "clauses"], self.react)
        session.history.follow(["layer", "head"], self.react_to_head)
        session.reader.follow_theme(self._on_theme)

    def _figure(self) -> figure:
        data = self._session.data
        plot = make_figure(
            "given_plot",
            x_range=Range1d(start=-1, end=data.num_heads, bounds=(-1, data.num_heads)),
            y_range=Range1d(start=0, end=1),
        )
        plot.toolbar.active_drag = None
        plot.yaxis.formatter = short_numbers()
        LayerAxis(data, plot).put_on(plot)
        self._before = plot.line(
            "number", "before", source=self._source, color=NEUTRAL, line_width=2
        )
        self._given = plot.line("number", "given", source=self._source, line_width=2)
        self._dots = plot.scatter("number", "given", source=self._source, size=5)
        self._gone = plot.scatter(
            "number", "gone", source=self._source, size=8, marker="x", line_width=2,
            line_color=NEUTRAL,
        )  # fmt: skip
        self._cursor = Span(
            dimension="height", line_color=SELECTED, line_width=3, name="given_cursor"
        )
        plot.add_layout(self._cursor)
        tips = [("head", "@label"), ("before", "@before"), ("given the set", "@state")]
        plot.add_tools(HoverTool(renderers=[self._dots, self._gone], tooltips=tips))
        on_line_moved(plot, self._cursor, self._on_cursor, 0, data.num_heads - 1, whole=True)
        return plot

    @property
    def _shown_metric(self) -> str:
        metric = self._session.state.metric
        usual = _USUAL if self._session.data.has_classifier else _HEADLESS
        return metric if metric in PRUNING_METRICS else usual

    def react(self, state: ViewState) -> None:
        """Ask about the new set, image or brush."""
        self._question.ask(state)

    def react_to_metric(self, _state: ViewState) -> None:
        """Show another metric of the answer."""
        self._metric.value = self._shown_metric
        self._draw()

    def react_to_head(self, _state: ViewState) -> None:
        """Move the line to the selected head."""
        self._cursor.location = float(self._session.head.number)

    def _draw(self) -> None:
        question, result = self._question, self._question.result
        if result is None:
            self._say(
                question.fault or question.waits_for or "asked when the predictions are known …"
            )
            if question.fault:
                self._source.data = {name: [] for name in _COLUMNS}
            return
        place = PRUNING_METRICS.index(self._shown_metric)
        before, given = result.before[place], result.given[place].copy()
        gone = self._pruned()
        given[gone] = np.nan
        self._show_lines(before, given, gone)
        self._say(self._sentence(result, before, given))

    def _pruned(self) -> np.ndarray:
        """``(L·H,)`` bool: the heads that are pruned as a whole."""
        whole = {part.place for part in self._session.state.pruned if part.mode == 1}
        return np.array([(head.layer, head.head) in whole for head in self._session.data.heads])

    def _show_lines(self, before: np.ndarray, given: np.ndarray, gone: np.ndarray) -> None:
        values = np.concatenate([before, given])
        known = values[np.isfinite(values)]
        low = min(0.0, float(known.min())) if len(known) else 0.0
        high = max(float(known.max()), NOISE) if len(known) else 1.0
        room = _MARGIN * (high - low)
        number_range(self._plot.y_range).update(start=low - room, end=high + room)
        told = ["pruned" if out else f"{value:.3g}" for value, out in zip(given, gone, strict=True)]
        self._source.data = {
            "number": np.arange(len(before)), "label": self._session.data.head_labels,
            "before": before, "given": given, "state": told, "gone": np.where(gone, low, np.nan),
        }  # fmt: skip
        axis = METRIC_AXES[self._shown_metric]
        drop = "drop of P[true class]"
        label = drop if self._shown_metric == "probability" else axis
        self._plot.yaxis[0].axis_label = label

    def _sentence(self, result: Given, before: np.ndarray, given: np.ndarray) -> str:
        state, labels = self._session.state, self._session.data.head_labels
        other = ""
        if self._session.state.metric != self._shown_metric:
            what, shown = (METRIC_NAMES[one] for one in (state.metric, self._shown_metric))
            other = f" “{what}” is known of single heads only, so {shown} is shown."
        if not np.isfinite(given).any():
            return f"{self._session.data.why_undefined(self._shown_metric)}{other}"
        first = int(np.nanargmax(given))
        most = f"{labels[first]} matters most now: {given[first]:.2g}"
        if not state.pruned:
            most = f"No head is pruned. {labels[first]} matters most: {given[first]:.2g}"
            return f"{most}; {result.of}.{other}"
        rise = given - before
        up = int(np.nanargmax(rise))
        rises = ""
        if rise[up] > NOISE:
            who = "it" if up == first else labels[up]
            rises = f"; {who} rises most: {before[up]:.2g} → {given[up]:.2g}"
        return f"{most}{rises}; {result.of}.{other}"

    def _say(self, words: str) -> None:
        self._note.text = words
        self._session.summaries.describe(self.name, words)

    def _choose_metric(self, _attribute: str, _old: str, new: str) -> None:
        if new in PRUNING_METRICS and new != self._shown_metric:
            self._session.history.change(metric=new)

    def _on_cursor(self, place: float, final: bool) -> None:
        head = self._session.data.head(round(place))
        self._session.history.preview(layer=head.layer, head=head.head)
        if final:
            self._session.history.settle()

    def _on_theme(self) -> None:
        ink = self._session.reader.theme.ink
        self._given.glyph.line_color = ink
        self._dots.glyph.update(fill_color=ink, line_color=ink)
        self._legend.text = swatches(["in the whole model", "given the set"], [NEUTRAL, ink])
