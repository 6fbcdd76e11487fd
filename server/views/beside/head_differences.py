"""What differs between two stores, head by head."""

from collections.abc import Sequence

from bokeh.layouts import column
from bokeh.models import Paragraph, Row, Select

from headbrush.server.session.beside.matched_heads import MatchedHeads
from headbrush.server.session.brush.clauses import Combine
from headbrush.server.session.state import BESIDE_ORDERS, Stage, ViewState
from headbrush.server.stores.metrics import METRIC_NAMES
from headbrush.server.stores.trends.beside import (
    HeadsBeside,
    beside_words,
    rows_of,
    share_metric,
)
from headbrush.server.stores.trends.matches import ask_beside
from headbrush.server.views.beside.difference_plot import DifferencePlot
from headbrush.server.views.common.choice import controls_line, labelled, small_buttons
from headbrush.server.views.trends.trend_question import TrendQuestion

_ORDERS = ("by difference", "by layer")


class HeadDifferences:
    """All matched heads by one metric: the second store's mean without the first's."""

    name = "head_differences"
    title = "What differs, head by head?"
    help = (
        "Each dot is a head of the first store beside its partner in the second: the difference of "
        "their means by the chosen metric, second − first, with its 95 % interval. Images of the "
        "same name are compared in pairs (Student's t); where the stores share fewer than two, all "
        "images of either are compared (Welch's t). Coloured and larger: the head differs, with p "
        "≤ 5 % after Benjamini and Hochberg over all heads shown; orange: it matters more in the "
        "second store, blue: less. While images are brushed, only these count. Click a dot to "
        "select the head on both sides, drag a box or a lasso to brush heads."
    )

    def __init__(self, matched: MatchedHeads, names: Sequence[str]) -> None:
        self._matched, self._names = matched, (names[0], names[1])
        self._first, self._second = matched.sessions
        session = self._first
        self._note = Paragraph(
            text="", name="differences_note", sizing_mode="stretch_width",
            styles={"margin": "2px 6px"},
        )  # fmt: skip
        self._question: TrendQuestion[HeadsBeside] = TrendQuestion(session.document, self._draw)
        self._drawn = DifferencePlot(session, self._names, session.select_head, self._brush)
        self.layout = column(
            self._controls(), self._note, self._drawn.plot, sizing_mode="stretch_both",
            name=self.name,
        )  # fmt: skip
        session.history.follow(
            ["metric", "clauses", "beside_order", "match", "partners"], self.react, Stage.PAGE
        )
        session.history.on_change(["layer", "head"], self.react_to_head)

    def _controls(self) -> Row:
        history = self._first.history
        metric = Select(
            options=[(name, words) for name, words in METRIC_NAMES.items()], width=158, height=24,
            name="differences_metric", css_classes=["hb-small"], margin=(4, 3, 2, 3),
            html_attributes=labelled("Metric of the differences"),
        )  # fmt: skip
        history.bind(metric, "metric")
        order = small_buttons("beside_order", _ORDERS, margin=(4, 3, 2, 3))
        history.bind(order, "beside_order", BESIDE_ORDERS)
        return controls_line(metric, order)

    def react(self, state: ViewState) -> None:
        """Compare the matched heads, over the brushed images."""
        if why := self._why_none(state.metric):
            self._question.drop(why)
            return
        brushed = self._first.brush("heads").images, self._second.brush("heads").images
        stores = self._first.data, self._second.data
        self._question.ask(ask_beside(*stores, state.metric, self._matched.pairs, brushed))

    def _draw(self) -> None:
        found, state = self._question.result, self._first.state
        self._drawn.plot.visible = found is not None
        if found is None:
            self._drawn.clear()
            self._say(self._question.words)
            return
        self._drawn.show(
            found, (self._first.data, self._second.data), state.beside_order == "layer",
            self._first.brush().heads, self._matched.correlations(found.heads, found.others),
        )  # fmt: skip
        self._say(self._words(found))

    def _why_none(self, metric: str) -> str:
        """Why nothing can be compared; empty if something can."""
        stores = self._first.data, self._second.data
        for session, name in zip((self._first, self._second), self._names, strict=True):
            if session.waiting.words("importance"):
                return f"{name}: {session.waiting.words('importance')}"
        if not share_metric(*stores, metric):
            return f"The two stores do not both have values of {METRIC_NAMES[metric]}."
        if not (self._matched.pairs >= 0).any():
            return "No head of one store matches one of the other."
        return ""

    def _words(self, found: HeadsBeside) -> str:
        """How many heads differ, the largest, and what is left out."""
        stores = self._first.data, self._second.data
        told = beside_words(rows_of(found, stores), self._matched.words_of_match, self._names)
        said = [one.strip() for one in told]
        left = self._first.data.num_heads - len(found.heads)
        words = " Largest: ".join(said[:2])
        if left:
            have = "head" if left == 1 else "heads", "has" if left == 1 else "have"
            words += f" {left} {have[0]} of {self._names[0]} {have[1]} no partner."
        if not all(one.brush("heads").images.all() for one in (self._first, self._second)):
            words += " Only the brushed images count."
        return words

    def react_to_head(self, _state: ViewState) -> None:
        """Move the line to the selected head."""
        self._drawn.mark(self._first.head.number)

    def _brush(self, heads: list[int], combine: Combine) -> None:
        if heads or combine != "replace":
            self._first.brush_ids("heads", heads, combine)
        else:
            self._first.drop_clauses("heads")

    def _say(self, words: str) -> None:
        self._note.text = words
        self._first.summaries.describe(self.name, words)
