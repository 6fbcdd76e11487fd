"""A callback's changes travel together, in order, and none is lost."""

import re

import numpy as np
import pytest
from bokeh.core.json_encoder import serialize_json
from bokeh.document import Document
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, Div
from bokeh.protocol import Protocol
from bokeh.protocol.messages.patch_doc import patch_doc
from bokeh.server.session import ServerSession

from headbrush.server.tools.bokeh.connection import Connection, message_of
from tests.server.fakes import finished


class Socket:
    def __init__(self):
        self.sent = []

    async def send_message(self, message):
        self.sent.append(message)


def page():
    """A document of a text and a column, its session, its copy in the browser, and the socket."""
    document = Document()
    document.add_root(Div(text="old", name="text"))
    document.add_root(ColumnDataSource({"x": np.zeros(3)}, name="source"))
    copy = Document.from_json(document.to_json())
    session, socket = ServerSession("id", document), Socket()
    Connection(Protocol(), socket, None, session)
    return document, session, copy, socket


def shown(copy):
    text = copy.get_model_by_name("text").text
    return text, copy.get_model_by_name("source").data["x"].tolist()


def test_all_that_a_callback_changes_is_one_message_and_the_page_ends_alike():
    document, session, copy, socket = page()

    def change():
        text, source = map(document.get_model_by_name, ("text", "source"))
        text.text = "first"
        source.data = {"x": np.arange(3.0)}
        source.patch({"x": [(1, 7.0)]})
        text.text = "last"
        document.add_root(Div(text="new", name="new"))
        document.get_model_by_name("new").text = "newer"

    finished(session.with_document_locked(change))
    (message,) = socket.sent
    copy.apply_json_patch(message.payload)
    assert shown(copy) == ("last", [0, 7, 2])
    assert copy.get_model_by_name("new").text == "newer"


def test_each_callback_has_a_message_of_its_own():
    document, session, copy, socket = page()

    async def twice():
        for word in ("one", "two"):
            await session.with_document_locked(
                setattr, document.get_model_by_name("text"), "text", word
            )
        await session.with_document_locked(lambda: None)

    finished(twice())
    assert len(socket.sent) == 2
    copy.apply_json_patch(socket.sent[0].payload)
    assert shown(copy)[0] == "one"


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_what_changed_before_a_callback_failed_comes_with_the_next():
    document, session, copy, socket = page()

    def fail():
        document.get_model_by_name("text").text = "half"
        raise ValueError("too early")

    async def go():
        with pytest.raises(ValueError, match="too early"):
            await session.with_document_locked(fail)
        source = document.get_model_by_name("source")
        await session.with_document_locked(source.patch, {"x": [(0, 5.0)]})

    finished(go())
    (message,) = socket.sent
    copy.apply_json_patch(message.payload)
    assert shown(copy) == ("half", [5, 0, 0])


def test_a_message_is_the_one_that_bokeh_makes_of_the_same_changes():
    """New models are written whole once, known ones and those written before as references."""
    original = Document()
    original.add_root(column(Div(text="old", name="text"), name="all"))
    written = original.to_json()

    def contents(message_for):
        document, changes = Document.from_json(written), []
        document.on_change(changes.append)
        text, every = map(document.get_model_by_name, ("text", "all"))
        new = Div(text="new")
        steps = [
            lambda: every.update(children=[new, text, new]),
            lambda: (setattr(new, "text", "newer"), every.update(children=[text, new])),
            lambda: every.update(children=[text]),
            lambda: every.update(children=[Div(), column(text, new)]),
        ]
        for step in steps:
            step()
            yield numbered(message_for(document, changes).payload)
            changes.clear()

    ours = list(contents(lambda document, changes: message_of(document.models, changes)))
    assert ours == list(contents(lambda _document, changes: patch_doc.create(changes)))
    assert ["Div" in one for one in ours] == [True, False, False, True]


def numbered(payload):
    """Its JSON with the ids of models numbered in order, as new ones have others each time."""
    text, found = serialize_json(payload), {}
    return re.sub(r'"id":"(\w+)"', lambda at: f"id {found.setdefault(at[1], len(found))}", text)
