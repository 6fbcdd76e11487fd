"""A small store as the server sees it."""

import pytest
from bokeh.document import Document
from bokeh.io import curdoc
from bokeh.io.doc import set_curdoc

from headbrush.analysis.store.store import Store
from headbrush.server.session.session import Session
from headbrush.server.stores.store_data import StoreData
from tests.server.fakes import FakeModel, live_models, prompt_queues
from tests.server.pages import image_state
from tests.stores import make_store


@pytest.fixture(scope="session")
def store_path(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("store") / "small.headbrush")


@pytest.fixture(scope="session")
def data(store_path):
    store = Store(store_path)
    with prompt_queues():
        return StoreData(store)


@pytest.fixture
def session(data):
    """A page on which an image is selected."""
    return Session(data, image_state(data))


@pytest.fixture(autouse=True)
def document():
    """The document of the page that the views belong to."""
    before, fresh = curdoc(), Document()
    set_curdoc(fresh)
    yield fresh
    set_curdoc(before)


@pytest.fixture(autouse=True)
def prompt_disk():
    """A disk so quick that what is read is there at once; nobody waits for a thread."""
    with prompt_queues():
        yield


@pytest.fixture
def model():
    """What live pruning asks, in place of a model."""
    fake = FakeModel()
    with live_models(lambda _store: fake):
        yield fake
