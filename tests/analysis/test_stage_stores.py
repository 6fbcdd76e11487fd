"""The store of a stage of a Swin Transformer: what is in it, who opens it, who refuses it."""

import numpy as np
import pytest
import torch
from rich.console import Console
from timm.models import save_for_hf

import headbrush
from headbrush.analysis.doctor.diagnose import diagnose
from headbrush.analysis.prune.stored_model import load_stored
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.facts.store_info import facts_of
from headbrush.analysis.store.matrices.windows import Windows
from headbrush.analysis.store.store import write_summary
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.words import heads_words, within_words
from tests.analysis import swins
from tests.models import CLASSES, save_images
from tests.stores import attributes, values

ARGUMENTS = swins.SMALL | {
    "img_size": 32, "window_size": 4, "depths": (2, 1), "num_heads": (2, 3), "in_chans": 1,
    "num_classes": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def analyzed(tmp_path_factory):
    """Timm's own model, and the store of its first stage."""
    folder = tmp_path_factory.mktemp("swin")
    made = swins.module(**ARGUMENTS)
    data = {"input_size": (1, 32, 32), "mean": (0.5,), "std": (0.5,), "crop_pct": 1.0}
    made.pretrained_cfg = {**made.pretrained_cfg, **data}
    save_for_hf(
        made, str(folder / "model"), model_args=ARGUMENTS, safe_serialization=True,
        model_config={"label_names": list(CLASSES)},
    )  # fmt: skip
    images = save_images(folder / "images", 2)
    store = headbrush.analyze(folder / "model", images, folder / "s.headbrush", stage=1, quiet=True)
    return made, store


def test_its_attention_is_zero_outside_the_windows_of_each_layer(analyzed):
    _, store = analyzed
    assert store.windows == tuple(Windows((8, 8), (4, 4), shift) for shift in ((0, 0), (2, 2)))
    for layer, windows in enumerate(store.windows):
        matrix = store.attention(0, layer, 1)
        assert (matrix[~windows.seen()] == 0).all()
        np.testing.assert_allclose(matrix.sum(1), 1, atol=0.01)


def test_hops_kernels_and_bits_are_those_of_a_window(analyzed):
    _, store = analyzed
    assert store.sizes["hop"] == 4
    assert store.read("offset_kernel").shape == (2, 2, 7, 7)
    np.testing.assert_allclose(store.read("bits").sum(0), np.log2(16), atol=0.02)


def test_bits_of_all_images_are_those_of_a_brush_of_all(analyzed):
    _, store = analyzed
    every = np.ones(6, bool)
    found = StoreData(store).matrices.divide(1, 0, every).result().bits
    kept = store.read("bits")[:, 1, 0]
    assert found.spread == pytest.approx(float(kept[3]), abs=0.02)


def test_its_model_is_loaded_again_as_this_stage(analyzed):
    made, store = analyzed
    stored = load_stored(store)
    assert stored.model.stage == 1
    images = stored.batch([0, 1])
    with torch.inference_mode():
        torch.testing.assert_close(stored.model.outputs(images), made(images), atol=1e-5, rtol=0)


def test_it_is_sound_and_says_what_it_is(analyzed):
    _, store = analyzed
    quiet = Console(quiet=True)
    assert diagnose([store.path], quiet, quiet) == 0
    facts = dict(facts_of(store, 1))
    assert facts["heads"] == "2 layers × 2 heads of stage 1, windows of 4×4"
    assert "--stage 2 shows their heads" in facts["notes"]
    data = StoreData(store)
    assert heads_words(data) == facts["heads"]
    assert within_words(data, "so") == "Patches attend within windows of 4×4: so."


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"stage": 1}, "needs stage, window_height, window_width, window_shifts"),
        ({"window_shifts": "0,0 1,1"}, "do not fit a grid of 4×4 in 3 layers"),
        ({"window_shifts": "0,0 1,1 2,2"}, "do not fit"),
        ({"window_shifts": "0,0 1,1 x"}, "do not fit"),
        ({"window_height": 3, "window_shifts": "0,0 1,1 1,1"}, "do not fit"),
    ],
)
def test_windows_that_contradict_the_rest_are_refused(tmp_path, changed, reason):
    whole = {"stage": 1, "window_height": 2, "window_width": 2}
    given = whole | changed if "window_shifts" in changed else changed
    with pytest.raises(StoreError, match=reason):
        write_summary(tmp_path, values(), attributes(**given))
