"""Attention computed on demand equals what the analysis stored, or says why it cannot."""

import numpy as np
import pytest
from rich.console import Console

from analysis.attention_file import MAX_RELATIVE_ERROR
from analysis.pipeline import Request, analyze
from analysis.progress import StageProgress
from analysis.store import Store
from server.live import LiveError, LiveModel, when_done
from tests.models import save_images, save_tiny_model
from tests.stores import make_store


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    request = Request(
        images=save_images(folder / "images"),
        out=folder / "s.headbrush",
        model=str(save_tiny_model(folder / "model")),
        attention=None,
    )
    analyze(request, StageProgress(Console(quiet=True)))
    return folder


@pytest.fixture
def store(folder):
    return Store(folder / "s.headbrush")


def test_live_attention_is_that_of_the_store(store):
    live = LiveModel(store)
    for image, layer, head in ((0, 0, 0), (5, 1, 1), (11, 1, 0)):
        computed = live.attention(image, layer, head).result()
        stored = store.attention(image, layer, head)
        np.testing.assert_allclose(stored, computed, rtol=MAX_RELATIVE_ERROR * 1.01)


def test_other_weights_are_refused(store, folder):
    saved = (folder / "model" / "model.safetensors").read_bytes()
    save_tiny_model(folder / "model", seed=1)
    with pytest.raises(LiveError, match="weights have changed"):
        LiveModel(store).attention(0, 0, 0).result()
    (folder / "model" / "model.safetensors").write_bytes(saved)


def test_a_missing_model_and_a_missing_image_are_named(store, folder, tmp_path):
    (folder / "model").rename(tmp_path / "away")
    with pytest.raises(LiveError, match="The model is not at hand"):
        LiveModel(store).attention(0, 0, 0).result()
    (tmp_path / "away").rename(folder / "model")
    name = folder / "images" / store.read("name")[0]
    name.rename(tmp_path / "picture")
    with pytest.raises(LiveError, match="The image is not at hand"):
        LiveModel(store).attention(0, 0, 0).result()
    (tmp_path / "picture").rename(name)


def test_a_name_that_leads_out_of_the_folder_is_refused(store):
    live = LiveModel(store)
    live._names = ["../../secret.png"]
    with pytest.raises(LiveError, match="outside the image folder"):
        live._file(0)


def test_a_store_without_a_model_source_says_so(tmp_path):
    store = Store(make_store(tmp_path / "s"))
    failed = LiveModel(store).attention(1, 0, 0)
    seen = []
    when_done(failed, lambda *given: seen.append(given), lambda run: run())
    failed.exception()
    LiveModel(store)._worker.shutdown(wait=True)
    with pytest.raises(LiveError, match="does not say how to load its model"):
        failed.result()


def test_results_and_faults_are_delivered_by_the_scheduler(store):
    live = LiveModel(store)
    waiting, seen = [], []
    when_done(live.attention(2, 1, 1), lambda *given: seen.append(given), waiting.append)
    live._worker.shutdown(wait=True)
    assert seen == []
    waiting.pop()()
    matrix, fault = seen.pop()
    assert fault == ""
    np.testing.assert_allclose(matrix.sum(1), 1, rtol=1e-5)
