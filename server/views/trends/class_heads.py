"""Heads × classes: how much more a head matters to a class than to the rest."""

import numpy as np
from bokeh.layouts import column
from bokeh.models import Paragraph, Row, Select

from headbrush.server.session.brush.clauses import Clause, Combine, Ids, joined
from headbrush.server.session.session import Session
from headbrush.server.session.state import TREND_ORDERS, ViewState
from headbrush.server.stores.trends.classes import LEVEL
from headbrush.server.stores.trends.questions import (
    MOST_CLASSES,
    PERMUTATIONS,
    TREND_GROUPS,
    TrendMatrix,
    alike,
    ask_matrix,
    known_labels,
)
from headbrush.server.stores.trends.words import (
    count_words,
    none_words,
    pair_words,
    test_words,
)
from headbrush.server.views.common.choice import controls_line, labelled, small_buttons
from headbrush.server.views.trends.class_grid import ClassGrid
from headbrush.server.views.trends.find_class import class_search, found_classes, shown_words
from headbrush.server.views.trends.trend_question import TrendQuestion

_GROUPS = ("class − rest", "wrong − right")
_ORDERS = ("heads by layer", "similar heads together")


class ClassHeads:
    """The matrix of effect sizes, and what is chosen of it."""

    name = "class_heads"
    title = "Which heads matter more to some classes?"
    help = (
        "Each cell compares one head between two groups of images by Hedges' g, the difference "
        "of means in pooled standard deviations: a class with all other images, or the wrong "
        "predictions of a class with its right ones. Orange: the head matters more to the class "
        "(to its wrong predictions) or says more for it, blue: less. Dots mark the cells that "
        "stand out even though so many are compared: of stores with shuffled labels, at most 1 % "
        "have any dot. Similar classes are next to each other.\n\n"
        "Click a cell to select its head and brush the images of its class; drag a box to brush "
        "heads and classes. A blue line along the left is as long as the share of a class that "
        "is brushed, one along the bottom marks brushed heads."
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._question: TrendQuestion[TrendMatrix] = TrendQuestion(session.document, self._draw)
        self._rows = np.empty(0, int)
        self._note = Paragraph(
            text="", name="trends_note", sizing_mode="stretch_width", styles={"margin": "2px 6px"}
        )
        self._grid = ClassGrid(session, self._on_cell, self._on_box)
        self.layout = column(
            self._controls(), self._note, self._grid.plot, sizing_mode="stretch_both",
            name=self.name,
        )  # fmt: skip
        session.history.follow(["metric", "trend_group"], self.react)
        session.history.on_change(["trend_order", "trend_words"], self.react_to_order)

    def _controls(self) -> Row:
        history, data = self._session.history, self._session.data
        metric = Select(
            options=list(data.metric_titles.items()),
            width=158, height=24, name="trends_metric", css_classes=["hb-small"],
            margin=(4, 3, 2, 3), html_attributes=labelled("Metric"),
        )  # fmt: skip
        history.bind(metric, "metric")
        group = small_buttons("trend_group", list(map(data.worded, _GROUPS)), margin=(4, 3, 2, 3))
        history.bind(group, "trend_group", TREND_GROUPS)
        group.visible = data.has_classifier
        order = small_buttons("trend_order", _ORDERS, margin=(4, 3, 2, 3))
        history.bind(order, "trend_order", TREND_ORDERS)
        return controls_line(metric, group, order, class_search(self._session))

    def react(self, state: ViewState) -> None:
        """Ask for the trends of another metric or comparison."""
        self._question.ask(ask_matrix(self._session.data, state.metric, state.trend_group))

    def react_to_order(self, _state: ViewState) -> None:
        """Sort the heads anew, or show other classes."""
        self._draw()

    def _draw(self) -> None:
        matrix, state = self._question.result, self._session.state
        if matrix is None:
            self._rows = np.empty(0, int)
            self._grid.plot.visible = False
            self._grid.clear()
            self._say(self._question.words)
            return
        self._rows = self._shown(matrix)
        by_layer = state.trend_order == "layer"
        self._grid.plot.visible = True
        self._grid.show(matrix, self._rows, by_layer, state.trend_group)
        self._say(self._words(matrix))

    def _shown(self, matrix: TrendMatrix) -> np.ndarray:
        """The classes with the clearest effects, of those whose name has the words."""
        if not self._session.state.trend_words.strip():
            return matrix.rows
        found = found_classes(self._session, matrix.trends.clearest)
        return alike(matrix.trends, found[:MOST_CLASSES])

    def _words(self, matrix: TrendMatrix) -> str:
        state, found = self._session.state, matrix.trends
        has_result = np.isfinite(found.g).any(1)
        total, group = int(has_result.sum()), state.trend_group
        shown = shown_words(self._session, len(self._rows), total)
        counted = has_result if group == "wrong" else np.flatnonzero(has_result)[:1]
        images = int(found.count[counted].sum() + found.rest[counted].sum())
        cells = int(np.isfinite(found.g).sum())
        worded = self._session.data.worded
        test = worded(test_words(state.metric, images, cells, PERMUTATIONS))
        outstanding = int((found.family_p <= LEVEL).sum())
        if not outstanding:
            none = none_words(group, test, float(np.nanmin(found.family_p)))
            return f"{worded(none)}{shown}"
        count = worded(count_words(outstanding, group))
        return f"{count}. The largest effect: {self._largest(matrix)} ({test}).{shown}"

    def _largest(self, matrix: TrendMatrix) -> str:
        """The largest effect that stands out, in words."""
        found, data = matrix.trends, self._session.data
        size = np.where(found.family_p <= LEVEL, np.abs(found.g), 0)
        one, number = (int(at) for at in np.unravel_index(int(size.argmax()), size.shape))
        head = data.head(number)
        row = {
            "metric": self._session.state.metric,
            "class": data.class_names[one], "layer": head.layer, "head": head.head,
            "n": found.count[one], "n_rest": found.rest[one], "mean": matrix.mean[one, number],
            "mean_rest": matrix.mean_rest[one, number], "hedges_g": found.g[one, number],
            "p_family": found.family_p[one, number],
        }  # fmt: skip
        return pair_words(row, self._session.state.trend_group).rstrip(".")

    def _say(self, words: str) -> None:
        self._note.text = words
        self._session.summaries.describe(self.name, words)

    def _on_cell(self, place: int, number: int) -> None:
        """Select the head, and brush the class's images; where both are so already, let go."""
        session = self._session
        head, images = session.data.head(number), self._images([int(self._rows[place])])
        clause = Clause("images", Ids(images))
        is_so = clause in session.state.clauses and number == session.head.number
        clauses = joined(session.state.clauses, clause)
        if is_so:
            clauses = tuple(one for one in session.state.clauses if one != clause)
        session.history.change(layer=head.layer, head=head.head, clauses=clauses)

    def _on_box(self, places: list[int], heads: list[int], combine: Combine) -> None:
        """Brush the heads and the images of the classes within a box, as one step."""
        if not places or not heads:
            return
        session = self._session
        images = self._images([int(self._rows[place]) for place in places])
        clauses = session.state.clauses
        for clause in (
            Clause("images", Ids(images), combine), Clause("heads", Ids(tuple(heads)), combine)
        ):  # fmt: skip
            clauses = joined(clauses, clause)
        session.history.change(clauses=clauses)

    def _images(self, classes: list[int]) -> tuple[int, ...]:
        return tuple(np.flatnonzero(np.isin(known_labels(self._session.data), classes)).tolist())
