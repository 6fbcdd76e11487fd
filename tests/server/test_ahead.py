"""A page is written before the browser asks, and again if it has changed meanwhile."""

import gc
import json
from contextlib import nullcontext
from unittest.mock import patch

import pytest
from bokeh.core.json_encoder import serialize_json
from bokeh.core.property.wrappers import PropertyValueContainer
from bokeh.document import Document
from bokeh.models import Paragraph

from headbrush.server.pages.explore import explore
from headbrush.server.session.url_state import default_state
from headbrush.server.tools.bokeh import defaults
from headbrush.server.tools.bokeh.first_message import write_ahead


@pytest.fixture
def text():
    return Paragraph(text="before")


@pytest.fixture
def written(text):
    document = Document()
    document.add_root(text)
    write_ahead(document)
    return document


def told(document):
    return serialize_json(document.to_json().content)


def test_what_was_written_ahead_is_told_once_without_work(written):
    with patch("bokeh.document.document.Serializer") as writing:
        assert "before" in told(written)
        writing.assert_not_called()
    with patch.object(Document, "to_json") as again:
        written.to_json()
        again.assert_called_once()


def test_a_page_that_has_changed_is_written_again(written, text):
    text.text = "after"
    assert "after" in told(written)
    assert "before" not in told(written)


def test_a_timer_is_no_change_of_the_page(written):
    written.add_timeout_callback(lambda: None, 1000)
    with patch("bokeh.document.document.Serializer") as writing:
        told(written)
        writing.assert_not_called()


def test_a_new_root_is_told(written):
    written.add_root(Paragraph(text="new"))
    assert len(json.loads(told(written))["roots"]) == 2


@pytest.mark.parametrize("is_quick", [False, True])
def test_what_was_only_read_is_let_go_and_the_page_is_written_again_the_same(data, is_quick):
    document, others = Document(), containers()
    with defaults.used() if is_quick else nullcontext():
        explore(document, data, default_state(data), "", {}, "")
        first = serialize_json(document.to_json(deferred=False))
        before = containers() - others
        write_ahead(document)
        assert containers() - others < before / 5
        assert serialize_json(document.to_json(deferred=False)) == first


def containers():
    """How many lists and dicts the models of this process hold."""
    gc.collect()
    # isinstance() would ask what torch.distributed forbids to ask: a class that is deprecated.
    return sum(issubclass(type(one), PropertyValueContainer) for one in gc.get_objects())


def test_a_list_that_was_let_go_can_still_be_changed_in_place(text):
    document = Document()
    document.add_root(text)
    write_ahead(document)
    text.tags.append("mine")
    assert text.tags == ["mine"]
    assert "mine" in told(document)


def test_a_whole_page_is_what_it_would_be_later(data):
    document = Document()
    explore(document, data, default_state(data), "", {}, "")
    later = document.to_json(deferred=False)
    write_ahead(document)
    assert document.to_json(deferred=False) == later
    write_ahead(document)
    ahead, now = document.to_json(), document.to_json()
    assert len(ahead.buffers) == len(now.buffers) > 0
    assert [bytes(b.data) for b in ahead.buffers] == [bytes(b.data) for b in now.buffers]
