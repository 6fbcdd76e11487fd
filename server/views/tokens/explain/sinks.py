"""Sinks of the selected image: which heads attend to one token, and what they do with it."""

from html import escape
from typing import Any

import numpy as np
from bokeh.layouts import column
from bokeh.models import Paragraph

from headbrush.analysis.explain.words import BROADCASTS, IDLE, MIXED, NONE, SINK_KINDS, sink_words
from headbrush.server.session.session import Session
from headbrush.server.session.state import SINKS, ViewState
from headbrush.server.views.common.choice import small_buttons
from headbrush.server.views.common.written import button, written
from headbrush.server.views.tokens.explain.explanation_answer import ExplanationAnswer

_COMMA = '<span class="hb-comma">, </span> '
"""Seen in reports, which have no buttons."""
_KINDS = (IDLE, BROADCASTS, MIXED)


class SinkCard:
    """Sinks in words, with buttons that brush their heads and a switch that leaves them out."""

    name = "sink_card"
    title = "Which heads attend to a sink?"
    help = (
        "A sink is a token with at least ten times the attention that even attention would pay, "
        "in one head. The head does nothing with it if its value is at most a fifth of the median "
        "value; it broadcasts it if one direction explains at least 80 % of the head's output. A "
        "token of high norm is more than 3 medians, and more than 6 median deviations above the "
        "median. Without sinks, nothing is drawn of what is paid to a head's sink: here in the "
        "maps “attends” and “moves”, and in the attention of D2 to D5."
    )

    def __init__(self, session: Session, answer: ExplanationAnswer) -> None:
        self._session, self._answer = session, answer
        self._switch = small_buttons("sinks", ("with sinks", "without"), margin=(4, 6, 2, 6))
        session.history.bind(self._switch, "sinks", SINKS)
        self._note = Paragraph(
            text="", name="sink_note", sizing_mode="stretch_width", styles={"margin": "2px 6px"}
        )
        self._list = written("sink_list", scrolls=True, margin=(2, 6))
        self.layout = column(
            self._switch, self._note, self._list, sizing_mode="stretch_both", name=self.name
        )
        session.asks.answer("sinks", self._brush)
        answer.changed.follow(self._draw)
        session.history.on_change(["clauses", "layer", "head"], self.react)

    def react(self, _state: ViewState) -> None:
        """Mark the selected head."""
        self._draw()

    def _draw(self) -> None:
        answer = self._answer
        sources = answer.sources
        self._list.visible = not answer.why_none
        if answer.why_none or answer.fault or sources is None:
            self._list.text = ""
            self._say(answer.instead)
            return
        self._list.text = "".join(self._row(kind, sources.sinks, sources.sink_token)
                                  for kind in _KINDS)  # fmt: skip
        self._say(sink_words(sources.sinks, sources.outliers))

    def _row(self, kind: int, sinks: np.ndarray, tokens: np.ndarray) -> str:
        """The heads of one kind: a button that brushes them all, one that selects each."""
        numbers = np.flatnonzero(sinks.ravel() == kind)
        if not len(numbers):
            return ""
        data, chosen = self._session.data, self._session.head.number
        names = [
            button("head", number, "", f"Select {data.head_labels[number]}",
                   f"{data.head_labels[number]} → {self._token(int(tokens.ravel()[number]))}",
                   number == chosen)
            for number in numbers.tolist()
        ]  # fmt: skip
        words = f"{SINK_KINDS[kind]}: {len(numbers)} head{'s' * (len(numbers) > 1)}"
        brush = button("sinks", kind, "", "Brush these heads", escape(words))
        return f"<p>{brush} {_COMMA.join(names)}</p>"

    def _token(self, token: int) -> str:
        store = self._session.data.store
        if token >= store.num_prefix_tokens:
            return f"patch {token - store.num_prefix_tokens}"
        return "CLS" if not token and store.attrs["has_class_token"] else f"prefix {token}"

    def _say(self, words: str) -> None:
        self._note.text = words
        self._session.summaries.describe(self.name, words)

    def _brush(self, kind: Any) -> None:
        sources = self._answer.sources
        if sources is None or kind not in _KINDS:
            return
        numbers = np.flatnonzero((sources.sinks != NONE) & (sources.sinks == kind))
        self._session.brush_ids("heads", numbers.tolist(), "replace")
