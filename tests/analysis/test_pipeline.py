"""A whole analysis: its store agrees with the model, and a stopped run ends the same."""

import json

import numpy as np
import pytest
import torch
from rich.console import Console

from analysis import pipeline, shards
from analysis.attention_file import MAX_RELATIVE_ERROR
from analysis.images import ClassList, find_images, load_image
from analysis.models import load_model
from analysis.pipeline import Request, analyze
from analysis.progress import StageProgress
from analysis.schema import VARIABLES
from analysis.store import Store
from analysis.strength import hop_strength
from tests.models import CLASSES, save_images, save_tiny_model


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    return save_tiny_model(folder / "model"), save_images(folder / "images")


def run(inputs, out, **options):
    model, images = inputs
    request = Request(images=images, out=out, model=str(model), **({"batch_size": 3} | options))
    return analyze(request, StageProgress(Console(quiet=True)))


@pytest.fixture(scope="module")
def store(inputs, tmp_path_factory):
    path = run(inputs, tmp_path_factory.mktemp("store") / "s.headbrush", attention=5)
    return Store(path)


def test_names_labels_and_classes_are_those_of_the_folder(inputs, store):
    images = find_images(inputs[1], ClassList(names=CLASSES))
    assert store.read("name").tolist() == list(images.names)
    np.testing.assert_array_equal(store.read("label"), images.labels)
    assert store.read("class_name").tolist() == list(CLASSES)


def test_probabilities_are_those_of_the_plain_model(inputs, store):
    model = load_model(str(inputs[0]))
    pictures = [load_image(inputs[1] / name) for name in store.read("name")]
    batch = torch.stack([model.transform(picture) for picture in pictures])
    with torch.inference_mode():
        expected = model.module(batch).softmax(1).numpy()
    np.testing.assert_allclose(store.read("probability"), expected, atol=1e-6)


def test_strength_agrees_with_the_attention_that_is_stored(store):
    kept = store.kept_images
    assert len(kept) == 5
    stored = np.stack([store.attention(int(image), 1, 1) for image in kept])
    expected = hop_strength(torch.from_numpy(stored), 1, (4, 4)).numpy()
    measured = store.read("strength")[kept, 1, 1]
    np.testing.assert_allclose(measured, expected, rtol=2 * MAX_RELATIVE_ERROR)


def test_every_value_is_finite_and_in_its_range(store):
    for name, spec in VARIABLES.items():
        if spec.dtype == "str":
            continue
        values = store.read(name)
        assert np.isfinite(values).all(), name
        if spec.valid_range is not None:
            assert values.min() >= spec.valid_range[0] - 1e-6, name
            assert values.max() <= spec.valid_range[1] + 1e-6, name


def test_the_store_says_how_to_load_its_model_again(store):
    source = json.loads(store.attrs["model_source"])
    assert load_model(source["name"]).checkpoint_sha256 == store.attrs["checkpoint_sha256"]
    assert not (store.path / "parts").exists()


def test_a_stopped_run_ends_with_the_same_store(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD_IMAGES", 4)
    whole = run(inputs, tmp_path / "whole")

    def stop(*_arguments):
        raise KeyboardInterrupt

    for stage in ("analyse_shard", "train_on_sample", "encode_patterns", "lay_out", "_summary"):
        with monkeypatch.context() as patch:
            patch.setattr(pipeline, stage, stop)
            with pytest.raises(KeyboardInterrupt):
                run(inputs, tmp_path / "stopped")
    stopped = run(inputs, tmp_path / "stopped")
    assert_same(whole, stopped)


def test_the_same_seed_gives_the_same_store_and_another_seed_another(inputs, tmp_path):
    first, second = (run(inputs, tmp_path / name) for name in "ab")
    assert_same(first, second)
    third = run(inputs, tmp_path / "c", seed=1)
    one, other = Store(first), Store(third)
    assert not np.array_equal(one.read("patch_latent"), other.read("patch_latent"))
    np.testing.assert_array_equal(one.read("importance"), other.read("importance"))


def assert_same(one, other):
    first, second = Store(one), Store(other)
    for name in VARIABLES:
        np.testing.assert_array_equal(first.read(name), second.read(name), err_msg=name)
    for image in first.kept_images:
        np.testing.assert_array_equal(
            first.attention(int(image), 0, 1), second.attention(int(image), 0, 1)
        )
    assert first.kept_images.tolist() == second.kept_images.tolist()
