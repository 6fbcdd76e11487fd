"""Pages that are left: taken to pieces at once, and what remains found later."""

import gc
import weakref

import pytest
from bokeh.document import Document
from bokeh.io import curdoc

from headbrush.server.pages.explore import explore
from headbrush.server.session.url_state import default_state
from headbrush.server.tools.bokeh.teardown import Pages, soon


class Listener:
    """What Bokeh's session is to a document."""

    def _document_patched(self, event):
        pass


@pytest.fixture(autouse=True)
def thaw():
    """What a test has put out of sight comes back."""
    yield
    gc.enable()
    gc.unfreeze()
    gc.collect()


@pytest.fixture
def open_page(data):
    def make(pages):
        document, session = Document(), Listener()
        shown = explore(document, data, default_state(data), "", {}, "")
        document.on_change_dispatch_to(session)
        pages.made(document, [part for one in shown for part in (one.history, one)])
        return document, session, shown

    return make


def test_a_page_that_is_left_is_gone_without_a_search_for_garbage(open_page):
    gc.disable()
    pages = Pages()
    pages.open = 1  # another page is open, so that none is looked for
    document, session, shown = open_page(pages)
    models = len(document.models)
    values = weakref.ref(shown[0].images.data["share"])
    del shown
    before = gc.get_freeze_count()
    document.destroy(session)
    del document
    assert values() is None
    assert before - gc.get_freeze_count() > 10 * models
    assert pages.open == 1


def test_what_remains_is_found_when_the_last_page_is_left_or_many(open_page):
    pages = Pages(many=2)
    opened = [open_page(pages)[:2] for _ in range(4)]
    left = [weakref.ref(document) for document, _ in opened]
    gone = []
    while opened:
        document, session = opened.pop()
        document.destroy(session)
        del document
        gone.append([ref() for ref in left].count(None))
    assert gone == [0, 1, 1, 3]  # the page that is being left is still held by who leaves it
    assert pages.open == 0


def test_a_list_of_stores_has_no_session():
    pages, document, session = Pages(), Document(), Listener()
    document.on_change_dispatch_to(session)
    pages.made(document, ())
    document.destroy(session)
    assert pages.open == 0


def test_an_answer_to_a_page_that_is_left_is_dropped(open_page):
    pages = Pages()
    document, session, _shown = open_page(pages)
    heard = []
    tell = soon(document, pages)
    tell(lambda: heard.append(1))
    assert len(document.session_callbacks) == 1
    document.destroy(session)
    tell(lambda: heard.append(2))
    assert heard == []
    assert curdoc() is not document
