"""Stores that are opened, replaced, removed, damaged or slow while they are served."""

import os
import shutil
import threading
import weakref
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.pages.store_card import card_of
from headbrush.server.stores.shelf import Shelf
from headbrush.server.stores.store_data import StoreData
from tests.stores import attributes, make_store, values
from tests.waiting import SOON, until


@pytest.fixture(autouse=True)
def prompt_disk():
    """Here the disk is as slow as it is."""


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def path(tmp_path):
    return make_store(tmp_path / "s.headbrush")


def opened(shelf, path):
    return shelf.ask(path).result(SOON)


def replace(path, **sizes):
    """Put another analysis in the place of a store, as a repeated analysis does."""
    shutil.rmtree(path)
    return make_store(path, **sizes)


def test_a_store_is_opened_once_for_all_pages(shelf, path):
    asked = [shelf.ask(path) for _ in range(5)]
    assert len({id(future.result(SOON)) for future in asked}) == 1


def test_what_pages_show_is_read_before_the_first_page(shelf, path):
    data = opened(shelf, path)
    shutil.rmtree(path)
    for variable in ("thumbnail", "patch_embedding", "strength", "class_accuracy"):
        assert len(data.store.read(variable))


def test_a_replaced_store_is_opened_again_and_old_pages_keep_theirs(shelf, path):
    old = opened(shelf, path)
    replace(path, images=12)
    new = opened(shelf, path)
    assert (old.num_images, new.num_images) == (24, 12)
    with pytest.raises(StoreError, match="replaced or removed after it was opened; reload"):
        old.matrices.ask(0, 0, 0).result(SOON)
    assert new.matrices.ask(0, 0, 0).result(SOON).shape == (17, 17)
    assert old.strength.shape[0] == 24


def test_a_removed_store_says_so_to_the_next_page(shelf, path):
    opened(shelf, path)
    shutil.rmtree(path)
    with pytest.raises(StoreError, match="no such store"):
        opened(shelf, path)


def test_no_variable_of_another_analysis_is_mixed_in(path):
    store = Store(path)
    store.read("name")
    replace(path)
    with pytest.raises(StoreError, match="replaced or removed"):
        store.read("importance")


def test_damaged_values_are_said_to_be_no_readable_file(path):
    file = path / "summary.nc"
    file.write_bytes(file.read_bytes().replace(b"\x78\x01", b"\0\0"))  # where packed values begin
    with pytest.raises(StoreError, match="not a readable netCDF-4 file"):
        StoreData(Store(path)).prepare()


def test_one_missing_attention_file_is_said_where_it_is_needed(shelf, tmp_path):
    path = make_store(tmp_path / "s.headbrush", kept=24)
    (path / "attention" / "00000.nc").rename(path / "attention" / "00001.nc")
    data = opened(shelf, path)
    assert data.matrices.ask(3, 0, 0).result(SOON) is not None
    (path / "attention" / "00001.nc").unlink()
    with pytest.raises(StoreError, match=r"00001.nc: missing, damaged or foreign"):
        data.matrices.ask(4, 0, 0).result(SOON)
    assert data.matrices.ask(3, 0, 0).result(SOON) is not None  # kept


def test_a_card_tells_what_the_store_holds(shelf, path):
    card = shelf.ask_for(path, card_of).result(SOON)
    data = StoreData(Store(path))
    assert card.images == "24 images of nowhere"
    assert card.heads == "3 layers × 2 heads"
    assert (
        card.accuracy
        == f"{100 * (np.mean(data.predicted == data.labels)):.1f}\u00a0% predicted correctly"
    )
    assert card.created == "2026-01-01"
    assert card.picture.startswith("data:image/png;base64,")
    assert shelf.ask_for(path, card_of).result(SOON) is card
    replace(path, images=12)
    assert shelf.ask_for(path, card_of).result(SOON).images.startswith("12 ")


def test_a_card_has_the_notes_of_the_analysis_in_few_words(tmp_path):
    write_summary(tmp_path, values(), attributes(warning="The classes.", notes="n" * 400))
    notes = card_of(StoreData(Store(tmp_path))).notes
    assert notes.startswith("The classes. nnn")
    assert notes.endswith("n…")
    assert len(notes) == 300


class HungFile:
    """A file on a disk that does not answer: a pipe into which nobody writes."""

    def __init__(self, path):
        path.unlink()
        os.mkfifo(path)
        self._path = path

    def close(self):
        """Let the disk answer: with rubbish."""
        wakes_readers = os.open(self._path, os.O_RDWR)  # waits for nobody
        self._path.unlink()
        self._path.write_bytes(b"damaged")
        os.close(wakes_readers)


@pytest.fixture
def hanging_disk(tmp_path):
    """A store of which no file is read until ``answers`` is set; ``begun`` is set by the first."""
    slow = make_store(tmp_path / "slow.headbrush")
    answers, begun, read = threading.Event(), threading.Event(), Path.open

    def open_slowly(path, *words, **options):
        if path.is_relative_to(slow):
            begun.set()
            answers.wait()
        return read(path, *words, **options)

    with patch.object(Path, "open", open_slowly):
        yield slow, begun, answers
        answers.set()


def test_a_store_on_a_hanging_disk_keeps_no_other_waiting(shelf, path, hanging_disk):
    slow, begun, answers = hanging_disk
    waiting = shelf.ask(slow)
    assert begun.wait(SOON)
    data = opened(shelf, path)
    image = int(data.store.kept_images[0])
    assert data.matrices.ask(image, 0, 0).result(SOON) is not None
    assert not waiting.done()
    answers.set()
    assert waiting.result(SOON).num_images == 24


def test_a_pipe_for_attention_is_refused_and_keeps_no_other_store_waiting(shelf, path, tmp_path):
    slow = opened(shelf, make_store(tmp_path / "slow.headbrush"))
    quick = opened(shelf, path)
    with closing(HungFile(slow.store.path / "attention" / "00000.nc")):
        with pytest.raises(StoreError, match="not a regular file"):
            slow.matrices.ask(0, 0, 0).result(SOON)
        assert quick.matrices.ask(0, 0, 0).result(SOON) is not None


def test_few_stores_stay_open_when_no_page_shows_them(shelf, tmp_path):
    paths = [make_store(tmp_path / f"{number}.headbrush") for number in range(10)]
    shown = opened(shelf, paths[0])
    others = [weakref.ref(opened(shelf, path)) for path in paths[1:]]
    until(lambda: others[0]() is None)
    assert [other() is not None for other in others] == [False] + 8 * [True]
    assert opened(shelf, paths[0]) is shown


def test_threads_end_with_what_they_worked_for(path):
    before = set(threading.enumerate())
    data = StoreData(Store(path))
    data.matrices.ask(0, 0, 0).result(SOON)
    (thread,) = set(threading.enumerate()) - before
    del data
    thread.join(SOON)
    assert not thread.is_alive()


@pytest.fixture
def large():
    """Any store counts as large."""
    with patch("headbrush.server.stores.store_data.LARGE_FROM", 1):
        yield


@pytest.mark.usefixtures("large")
def test_a_page_of_a_large_store_waits_only_for_what_it_shows(path):
    data = StoreData(Store(path))
    data.prepare()
    with patch.object(Store, "read_all", side_effect=AssertionError("read")):
        for variable in ("importance", "strength", f"{data.layouts[0]}_embedding"):
            assert len(data.store.read(variable))
        with pytest.raises(AssertionError, match="read"):
            data.store.read("attention_distance")


@pytest.mark.usefixtures("large")
def test_the_rest_of_a_large_store_is_read_beside_its_pages(shelf, path):
    done, prepare_rest = threading.Event(), StoreData.prepare_rest

    def told(data):
        prepare_rest(data)
        done.set()

    with patch.object(StoreData, "prepare_rest", told):
        data = opened(shelf, path)
        assert done.wait(SOON)
    shutil.rmtree(path)
    assert len(data.store.read("attention_distance")) == len(data.pixels(np.arange(24))) == 24


@pytest.mark.usefixtures("large")
def test_what_is_damaged_of_a_large_store_is_said_to_a_later_page(shelf, path):
    def is_said():
        try:
            return not opened(shelf, path)
        except StoreError as error:
            return str(error) == "damaged"

    with patch.object(StoreData, "prepare_rest", side_effect=StoreError("damaged")):
        until(is_said)
