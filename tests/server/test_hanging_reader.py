"""A store whose reader hangs while it looks for its images keeps no other store waiting."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from headbrush.analysis.store.attention_file import AttentionReader
from headbrush.analysis.store.store import Store
from headbrush.server.stores.shelf import Shelf
from headbrush.server.stores.store_data import StoreData
from tests.stores import make_store
from tests.waiting import SOON


@pytest.fixture(autouse=True)
def prompt_disk():
    """Here the disk is as slow as it is."""


class HangingReader(AttentionReader):
    """Answers nothing about files of a slow store until it may."""

    def __init__(self):
        self.begun, self.may = threading.Event(), threading.Event()

    def read_images(self, path):
        if "slow.headbrush" in path.parts:
            self.begun.set()
            self.may.wait()
        return super().read_images(path)


@pytest.fixture
def reader():
    reader = HangingReader()
    yield reader
    reader.may.set()


@pytest.fixture
def paths(tmp_path):
    return [make_store(tmp_path / name) for name in ("slow.headbrush", "quick.headbrush")]


@pytest.fixture
def threads(reader):
    """Threads that end with the test, as the reader does not hang any longer."""
    with ThreadPoolExecutor(4) as threads:
        yield threads
        reader.may.set()


def test_another_store_says_what_it_keeps_and_reads_attention(paths, reader, threads):
    slow, quick = (Store(path, reader) for path in paths)
    waiting = threads.submit(lambda: slow.kept_images)
    assert reader.begun.wait(SOON)
    kept = threads.submit(lambda: quick.kept_images).result(SOON)
    assert threads.submit(quick.attention, int(kept[0]), 0, 0).result(SOON).shape == (17, 17)
    assert not waiting.done()
    reader.may.set()
    assert waiting.result(SOON).tolist() == kept.tolist()


def test_the_data_of_another_store_is_prepared(paths, reader, threads):
    slow, quick = (StoreData(Store(path, reader)) for path in paths)
    waiting = threads.submit(slow.prepare)
    assert reader.begun.wait(SOON)
    threads.submit(quick.prepare).result(SOON)
    assert threads.submit(lambda: slow.probability).result(SOON).shape[0] == 24  # of the same store
    assert not waiting.done()


def test_the_shelf_opens_another_store(paths, reader, monkeypatch):
    monkeypatch.setattr("headbrush.server.stores.shelf.ProcessReader", lambda: reader)
    shelf = Shelf()
    waiting = shelf.ask(paths[0])
    assert reader.begun.wait(SOON)
    data = shelf.ask(paths[1]).result(SOON)
    assert data.matrices.ask(int(data.store.kept_images[0]), 0, 0).result(SOON) is not None
    assert not waiting.done()
    reader.may.set()
    assert waiting.result(SOON).first.head == data.first.head
