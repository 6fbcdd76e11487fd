"""What is left of a page that was closed: nothing."""

import gc
import weakref

import pytest
from bokeh.document import Document

from headbrush.server.pages.explore import explore
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state


@pytest.mark.usefixtures("model")
def test_a_closed_page_leaves_nothing_behind(data):
    page = Document()
    explore(page, data, default_state(data), "", {}, "")
    found = [one for one in gc.get_objects() if type(one) is Session and one.document is page]
    assert len(found) == 1
    left = [weakref.ref(page), weakref.ref(found.pop())]
    page.on_change(connection := lambda _event: None)
    for callback in page.callbacks.session_destroyed_callbacks:
        callback(None)
    page.destroy(connection)
    del page, callback
    gc.collect()
    assert [one() for one in left] == [None, None]
