"""A store that is opened before its analysis is finished: what it holds, and how it fills."""

import json
import shutil

import numpy as np
import pytest
from rich.console import Console

from headbrush.analysis import pipeline
from headbrush.analysis.doctor.diagnose import DAMAGED, diagnose
from headbrush.analysis.pipeline import analyze
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.request import Request
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.facts.news import NEWS, Awaited, News, read_news
from headbrush.analysis.store.facts.store_info import facts_of
from headbrush.analysis.store.schema import VARIABLES
from headbrush.analysis.store.store import Store
from tests.analysis.test_pipeline import assert_same
from tests.models import save_images, save_tiny_model
from tests.stores import make_store

LAYOUTS = {"image_embedding", "offset_embedding", "patch_embedding", "cls_embedding"}
PENDING = LAYOUTS | {"importance", "patch_latent"}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    return save_tiny_model(folder / "model"), save_images(folder / "images")


def run(inputs, out, when_open=lambda: None):
    model, images = inputs
    request = Request(images=images, out=out, model=str(model), batch_size=4, attention=5)
    return analyze(request, StageProgress(Console(quiet=True)), when_open)


@pytest.fixture(scope="module")
def both(inputs, tmp_path_factory):
    """The store when it could first be opened, and when it was finished."""
    folder = tmp_path_factory.mktemp("stores")
    out, first = folder / "s.headbrush", folder / "first.headbrush"
    run(inputs, out, lambda: shutil.copytree(out, first))
    return first, out


@pytest.fixture
def first(both, tmp_path):
    return shutil.copytree(both[0], tmp_path / "s.headbrush")


def finish(path, both):
    """Put the finished summary where the unfinished store is."""
    shutil.copy(both[1] / "summary.nc", path / "summary.nc")
    shutil.rmtree(path / "parts")


def test_only_who_asks_for_it_opens_an_unfinished_store(both):
    with pytest.raises(StoreError, match="not finished"):
        Store(both[0])
    assert Store(both[0], unfinished=True).pending == PENDING
    assert Store(both[1], unfinished=True).pending == set()


def test_what_is_not_pending_has_its_final_values(both):
    early, final = Store(both[0], unfinished=True), Store(both[1])
    for name in VARIABLES:
        if early.has(name) and name not in PENDING:
            np.testing.assert_array_equal(early.read(name), final.read(name), err_msg=name)
    assert np.isnan(early.read("importance")[:4]).all()
    np.testing.assert_array_equal(early.read("importance")[4], final.read("importance")[4])
    for name in LAYOUTS - {"image_embedding"}:
        assert np.isnan(early.read(name)).all(), name
    assert np.isfinite(early.read("image_embedding")).all()  # by the gradient
    assert early.kept_images.tolist() == final.kept_images.tolist()
    np.testing.assert_array_equal(early.attention(0, 1, 1), final.attention(0, 1, 1))


def test_an_open_store_catches_up_with_its_analysis(first, both):
    store, final = Store(first, unfinished=True), Store(both[1])
    store.read_all(name for name in VARIABLES if store.has(name))
    assert not store.catch_up()
    finish(first, both)
    assert store.catch_up()
    assert not store.pending
    for name in filter(final.has, VARIABLES):
        np.testing.assert_array_equal(store.read(name), final.read(name), err_msg=name)
    assert store.attrs == final.attrs
    assert not store.catch_up()
    np.testing.assert_array_equal(store.attention(0, 1, 1), final.attention(0, 1, 1))


def test_another_store_in_its_place_is_not_taken_over(first):
    store = Store(first, unfinished=True)
    before = store.read("importance")
    shutil.rmtree(first)
    make_store(first)
    with pytest.raises(StoreError, match="another analysis"):
        store.catch_up()
    np.testing.assert_array_equal(store.read("importance"), before)
    shutil.rmtree(first)
    with pytest.raises(StoreError, match="no such store"):
        store.catch_up()


def test_an_analysis_stopped_when_its_store_could_be_opened_ends_the_same(inputs, both, tmp_path):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(inputs, tmp_path / "s", stop)
    assert read_news(tmp_path / "s").stopped
    assert Store(tmp_path / "s", unfinished=True).pending == PENDING
    assert_same(run(inputs, tmp_path / "s"), both[1])


def test_a_layout_that_fails_is_told_and_the_rest_is_there(inputs, both, tmp_path, monkeypatch):
    finish_layout = pipeline.finish_layout

    def fail(name, *given):
        if name == "cls_embedding":
            raise MemoryError("no room")
        finish_layout(name, *given)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "finish_layout", fail)
        with pytest.raises(MemoryError):
            run(inputs, tmp_path / "s")
    news = read_news(tmp_path / "s")
    assert news.stopped
    assert news.awaited["cls_embedding"].fault == "MemoryError: no room"
    assert not news.awaited["importance"].fault
    store = Store(tmp_path / "s", unfinished=True)
    assert store.pending == {"cls_embedding"}
    np.testing.assert_array_equal(
        store.read("offset_embedding"), Store(both[1]).read("offset_embedding")
    )
    assert_same(run(inputs, tmp_path / "s"), both[1])


def test_facts_and_doctor_say_that_it_is_not_finished(first):
    store = Store(first, unfinished=True)
    assert str(dict(facts_of(store, 1))["not finished"]).split(", ") == [
        "autoencoder", "importance", "layout by offset", "layout of CLS patterns",
        "layout of images", "layout of patch patterns",
    ]  # fmt: skip
    said = Console(record=True, quiet=False, file=None, width=200)
    with said.capture() as told:
        assert diagnose([first], said, Console(quiet=True)) == DAMAGED
    assert "not finished" in told.get()


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "null", '{"beat": 1}', '{"beat": "x", "stopped": 0, "awaited": {}}',
        '{"beat": 1, "stopped": false, "awaited": {"a": 3}}', "[" * 10_000, "9" * 70_000,
        '{"beat": Infinity, "stopped": false, "awaited": {}}',
        '{"beat": 1, "stopped": false, "awaited": {"a": ["x", 1, ""]}}',
    ],
)  # fmt: skip
def test_news_that_cannot_be_used_are_none(tmp_path, text):
    (tmp_path / NEWS).parent.mkdir()
    (tmp_path / NEWS).write_text(text)
    assert read_news(tmp_path) == News()


def test_news_come_back_within_bounds(tmp_path):
    (tmp_path / NEWS).parent.mkdir()
    news = News(3, True, {"importance": Awaited(0.25, 4.5, "a fault")})
    (tmp_path / NEWS).write_text(news.as_json())
    assert read_news(tmp_path) == news
    strange = {"beat": 1, "stopped": 1, "awaited": {"a": [9, -2, "x " * 500]}}
    (tmp_path / NEWS).write_text(json.dumps(strange))
    found = read_news(tmp_path)
    assert not found.stopped
    assert found.awaited["a"].share == 1.0
    assert found.awaited["a"].seconds == 0.0
    assert len(found.awaited["a"].fault) <= 300
