"""What the model computes on demand equals what the analysis does, or says why it cannot."""

import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from PIL import Image, ImageChops, ImageOps
from rich.console import Console

from headbrush.analysis.explain.explaining import explain
from headbrush.analysis.explain.words import MAPS, OF_HEADS, random_orders
from headbrush.analysis.images.decoding import load_image
from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.model.pruning.modes import MODES
from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.pipeline import Request, analyze
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.store.attention_file import MAX_RELATIVE_ERROR
from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.analysis.store.store import Store
from headbrush.server.stores.model.errors import LiveError
from headbrush.server.stores.model.live_model import LiveModel
from headbrush.server.stores.model.process import LiveProcess
from headbrush.server.stores.model.process_main import StoreModel, demand_source
from headbrush.server.stores.model.stored_pruning import stored_pruning
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.pending_answer import when_done
from tests.models import save_images, save_tiny_model
from tests.stores import make_store

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    request = Request(
        images=save_images(folder / "images"),
        out=folder / "s.headbrush",
        model=str(save_tiny_model(folder / "model")),
        attention=None,
        all_modes=True,
    )
    analyze(request, StageProgress(Console(quiet=True)))
    return folder


@pytest.fixture
def store(folder):
    return Store(folder / "s.headbrush")


@pytest.fixture
def fresh():
    """A process that has loaded no model."""
    with patch("headbrush.server.stores.model.live_model._PROCESS", LiveProcess()) as process:
        yield process


def test_loading_may_take_longer_than_an_answer(store, fresh):
    with patch.object(fresh, "ask", wraps=fresh.ask) as asked:
        LiveModel(store).attention(0, 0, 0).result()
    limits = {call.args[0]["ask"]: call.kwargs.get("limit") for call in asked.call_args_list}
    assert limits == {"load": 900, "attention": None}


def test_live_attention_is_that_of_the_store(store):
    live = LiveModel(store)
    for image, layer, head in ((0, 0, 0), (5, 1, 1), (11, 1, 0)):
        computed = live.attention(image, layer, head).result()
        stored = store.attention(image, layer, head)
        np.testing.assert_allclose(stored, computed, rtol=MAX_RELATIVE_ERROR * 1.01)


def test_where_the_store_holds_all_modes_it_answers_as_the_model_does(store):
    data, live = StoreData(store), LiveModel(store)
    for image, layer, head in ((3, 0, 1), (10, 1, 0)):
        asked = live.partial_pruning(image, layer, head).result()
        found = stored_pruning(data, image, data.head_at(layer, head).number)
        np.testing.assert_allclose(found.metrics, asked.metrics, atol=1e-6)
        label = data.labels[image]
        np.testing.assert_allclose(
            found.probability[:, label], asked.probability[:, label], atol=1e-6
        )
        np.testing.assert_allclose(found.probability[0], asked.probability[0], atol=1e-6)
        assert np.isnan(np.delete(found.probability[1:], label, axis=1)).all()


def test_live_pruning_is_leave_one_out_in_every_mode(store, folder):
    live = LiveModel(store)
    model = load_model(str(folder / "model"), device="cpu")
    for image, layer, head in ((3, 0, 1), (10, 1, 0)):
        picture = load_image(folder / "images" / store.read("name")[image])
        traced = trace(model, model.transform(picture)[None])
        label = torch.tensor([int(store.read("label")[image])])
        expected = leave_one_out(model, traced, label, list(MODES))[:, :, 0, layer, head]
        found = live.partial_pruning(image, layer, head).result()
        np.testing.assert_allclose(found.metrics, expected, atol=1e-6)
        stored = store.read("importance")[: len(PRUNING_METRICS), image, layer, head]
        np.testing.assert_allclose(found.metrics[:, 1], stored, atol=1e-6)
        kept = found.probability[:, label.item()]
        lost = expected[PRUNING_METRICS.index("probability")]
        np.testing.assert_allclose(kept[0] - kept, lost, atol=1e-6)


def test_live_predictions_and_importance_under_a_set_are_those_of_the_model(store, folder):
    live, pruned = LiveModel(store), PruneSet.parse("0.1,1.0")
    model = load_model(str(folder / "model"), device="cpu")
    names, images = store.read("name"), [7, 2, 9]
    inputs = torch.stack(
        [model.transform(load_image(folder / "images" / names[image])) for image in images]
    )
    expected = trace(model, inputs, pruned)
    found = live.predictions(images, pruned).result()
    np.testing.assert_allclose(found, expected.probability, atol=1e-6)
    again = live.predictions(images, PruneSet()).result()
    np.testing.assert_allclose(again, store.read("probability")[images], atol=1e-6)
    labels = torch.from_numpy(store.read("label")[images])
    every = leave_one_out(model, expected, labels)[:, 0, 1]
    np.testing.assert_allclose(live.importance(2, pruned).result(), every, atol=1e-6)
    with pytest.raises(LiveError, match=r"head 2\.0 is not in this model"):
        live.predictions(images, PruneSet.parse("2.0")).result()


def test_an_explanation_in_steps_is_the_whole_one(store, folder):
    live, image, which = LiveModel(store), 4, 1
    model = load_model(str(folder / "model"), device="cpu")
    picture = load_image(folder / "images" / store.read("name")[image])
    whole = explain(model, trace(model, model.transform(picture)[None]), which, list(MAPS))
    maps, sources = dict(zip(MAPS, whole.maps, strict=True)), live.sources(image, which).result()
    for name in ("says", "parts", "logit", "probability", "sinks", "outliers"):
        np.testing.assert_allclose(getattr(sources, name), getattr(whole, name), atol=1e-5)
    found = {kind: sources.of(kind) for kind in OF_HEADS}
    for kind in ("rollout", "generic", "lens"):
        found[kind] = live.patch_map(image, which, kind).result()
    for step in (0, 1, 2):  # 4 × 4, 2 × 2, single patches
        found["ablation"], is_done = live.ablation(image, which, step).result()
        if is_done:
            break
    assert is_done
    with pytest.raises(LiveError, match="no finer map"):
        live.ablation(image, which, step + 1).result()
    for kind, values in found.items():
        np.testing.assert_allclose(values, maps[kind], atol=1e-5)
    orders = [np.argsort(-maps[kind], kind="stable").tolist() for kind in MAPS]
    orders += random_orders(len(orders[0]))
    means = np.empty((2, 0))
    while means.shape[1] < len(orders):
        more = live.faithfulness(image, which, orders[means.shape[1] :]).result()
        means = np.concatenate([means, more], 1)
    expected = np.stack([np.r_[whole.deletion, whole.random_deletion],
                         np.r_[whole.insertion, whole.random_insertion]])  # fmt: skip
    np.testing.assert_allclose(means, expected, atol=1e-6)
    whole_tile, is_done = live.ablation(image, which, 0, "4").result()
    assert is_done
    assert len(np.unique(whole_tile)) == 1  # the image has 4 × 4 patches
    np.testing.assert_allclose(live.total_effects(image, which).result(), whole.total, atol=1e-5)
    some = live.patch_map(image, which, "rollout", [True, *[False] * (whole.says.size - 1)])
    assert not np.allclose(some.result(), maps["rollout"])


def test_a_known_answer_is_there_at_once(store):
    live = LiveModel(store)
    for ask in (live.attention, live.partial_pruning):
        first = ask(0, 0, 0).result()
        again = ask(0, 0, 0)
        assert again.done()
        assert again.result() is first


@pytest.mark.usefixtures("fresh")
def test_other_weights_are_refused(store, folder):
    saved = (folder / "model" / "model.safetensors").read_bytes()
    save_tiny_model(folder / "model", seed=1)
    with pytest.raises(LiveError, match="weights have changed"):
        LiveModel(store).attention(0, 0, 0).result()
    (folder / "model" / "model.safetensors").write_bytes(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: Image.new("L", picture.size, 255),
        ImageChops.invert,
        ImageOps.mirror,
        lambda picture: ImageChops.offset(picture, 1),
        lambda picture: picture.resize((20, 30)),
    ],
    ids=["white", "inverted", "mirrored", "moved by one pixel", "of another size"],
)
def test_another_picture_under_the_same_name_is_refused(store, folder, change):
    file = folder / "images" / store.read("name")[2]
    saved = file.read_bytes()
    change(load_image(file)).save(file)
    try:
        with pytest.raises(LiveError, match="image no longer matches the stored one"):
            LiveModel(store).partial_pruning(2, 0, 0).result()
    finally:
        file.write_bytes(saved)


@pytest.mark.usefixtures("fresh")
def test_a_missing_model_and_a_missing_image_are_named_with_their_place(store, folder, tmp_path):
    name = Path(store.read("name")[0])
    for missing, what in (
        (folder / "model", "The model"),
        (folder / "images", "The image folder"),
        (folder / "images" / name, "The image"),
    ):
        missing.rename(tmp_path / "away")
        with pytest.raises(LiveError) as caught:
            LiveModel(store).partial_pruning(0, 0, 0).result()
        assert f"{what} was not found: it was at {missing.resolve()} when" in str(caught.value)
        (tmp_path / "away").rename(missing)


@pytest.mark.usefixtures("fresh")
def test_a_model_that_is_back_answers(store, folder, tmp_path):
    live = LiveModel(store)
    (folder / "model").rename(tmp_path / "away")
    assert isinstance(live.attention(0, 0, 0).exception(), LiveError)
    (tmp_path / "away").rename(folder / "model")
    assert live.attention(0, 0, 0).exception() is None


def test_random_weights_are_refused():
    demand_source({"name": "vit_tiny_patch16_224", "checkpoint": None, "pretrained": True})
    with pytest.raises(LiveError, match="random weights, which were not stored"):
        demand_source({"name": "vit_tiny_patch16_224", "checkpoint": None, "pretrained": False})


@pytest.mark.parametrize(
    "arguments",
    [{"pretrained_cfg_overlay": {"url": "http://evil.example/x"}}, {"checkpoint_path": "/x"},
     {"img_size": 32, "cache_dir": "/x"}, ["img_size"], "img_size"],
)  # fmt: skip
def test_no_store_chooses_how_timm_loads(arguments):
    source = {"name": "vit_tiny_patch16_224", "checkpoint": None, "pretrained": True}
    demand_source(source | {"arguments": {"img_size": [32, 32]}})
    with pytest.raises(LiveError, match="options that no analysis sets"):
        demand_source(source | {"arguments": arguments})


def test_a_name_that_leads_out_of_the_folder_is_refused(store):
    read, names = store.read, np.array(["../../secret.png"])
    with patch.object(
        store, "read", lambda variable: names if variable == "name" else read(variable)
    ):
        model = StoreModel(store)
        model.load()  # which reads the names
    with pytest.raises(LiveError, match="outside the image folder"):
        model.attention(0, 0, 0)


def test_images_that_were_in_memory_cannot_be_seen_again(store):
    model = StoreModel(store)
    with (
        patch.dict(store.attrs, {"images": "MNIST of 5 images, in memory"}),
        pytest.raises(LiveError, match=r"not files \(MNIST of 5 images, in memory\)"),
    ):
        model.attention(0, 0, 0)


def test_a_store_without_a_model_source_says_so(tmp_path):
    store = Store(make_store(tmp_path / "s"))
    with pytest.raises(LiveError, match="does not record how to load its model"):
        LiveModel(store).attention(1, 0, 0).result()


def test_results_and_faults_are_delivered_by_the_scheduler(store):
    live = LiveModel(store)
    waiting, seen = [], []
    when_done(live.attention(2, 1, 1), lambda *given: seen.append(given), waiting.append)
    live.wait()
    assert seen == []
    waiting.pop()()
    matrix, fault = seen.pop()
    assert fault == ""
    np.testing.assert_allclose(matrix.sum(1), 1, rtol=1e-5)


def test_the_process_that_asks_never_loads_torch(folder):
    code = """
import sys
from pathlib import Path
from headbrush.analysis.store.store import Store
from headbrush.server.stores.model.live_model import live_model
found = live_model(Store(Path(sys.argv[1]))).partial_pruning(0, 0, 0).result()
print(found.metrics.shape[1], "torch" in sys.modules)
"""
    words = [sys.executable, "-c", code, str(folder / "s.headbrush")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(len(MODES)), "False"]
