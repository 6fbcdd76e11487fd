"""A small store as the server sees it."""

import pytest

from analysis.store import Store
from server.data import StoreData
from server.link import default_state
from server.session import Session
from tests.stores import make_store


@pytest.fixture(scope="session")
def store_path(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("store") / "small.headbrush")


@pytest.fixture(scope="session")
def data(store_path):
    store = Store(store_path)
    return StoreData(store)


@pytest.fixture
def session(data):
    return Session(data, default_state(data))
