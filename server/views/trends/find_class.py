"""Classes of F1 and F2 are found by words in their names."""

from typing import Any

import numpy as np
from bokeh.models import TextInput

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.session.url_state import MOST_WORDS
from headbrush.server.stores.trends.questions import MOST_CLASSES
from headbrush.server.views.common.choice import labelled


def class_search(session: Session) -> TextInput:
    """A field bound to the words of the state, seen where a store has more classes than rows.

    What is typed is shown at once, and is one step to undo.
    """
    field = TextInput(
        value="", placeholder=session.data.worded("find a class"), width=120, height=24,
        name="trends_find", css_classes=["hb-small"], margin=(4, 3, 2, 3), max_length=MOST_WORDS,
        html_attributes=labelled("Find a class"),
        visible=len(session.data.class_names) > MOST_CLASSES,
    )  # fmt: skip
    history = session.history

    def show(state: ViewState) -> None:
        if field.value_input != state.trend_words:  # else it is being typed
            field.update(value=state.trend_words, value_input=state.trend_words)

    def typed(_attribute: str, _old: Any, new: str) -> None:
        history.preview(trend_words=new[:MOST_WORDS])

    history.follow(["trend_words"], show)
    field.on_change("value_input", typed)
    field.on_change("value", lambda _attribute, _old, _new: history.settle())
    return field


def found_classes(session: Session, classes: np.ndarray) -> np.ndarray:
    """Those of ``classes``, numbers, whose name holds each word, in the same order; else all.

    Case does not count.
    """
    words = session.state.trend_words.casefold().split()
    names = session.data.class_names
    found = [one for one in classes if all(word in names[one].casefold() for word in words)]
    return np.array(found, int)


def shown_words(session: Session, shown: int, total: int) -> str:
    """How many classes are shown, after a space; empty where all are."""
    what, words = session.data.worded("classes"), session.state.trend_words.strip()
    if shown == total:
        return ""
    if not shown:
        return f" None of {grouped(total)} {what} has a name with “{words}”."
    found = f" with “{words}”" if words else ""
    return f" {grouped(shown)} of {grouped(total)} {what} are shown{found}."
