"""A whole analysis: its store agrees with the model, and a stopped run ends the same."""

import json

import numpy as np
import pytest
import torch
from rich.console import Console

import headbrush
from headbrush.analysis import pipeline
from headbrush.analysis.images import folder as folder_images
from headbrush.analysis.images.decoding import load_image
from headbrush.analysis.images.folder import list_images
from headbrush.analysis.images.labelling import find_images
from headbrush.analysis.images.labels.class_list import ClassList
from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.measures.layouts.fidelity import fidelity
from headbrush.analysis.measures.names.class_token import class_names
from headbrush.analysis.measures.names.measured import name_seconds
from headbrush.analysis.measures.names.naming import LABELS, name_patterns
from headbrush.analysis.measures.offset_kernel import between_patches, offset_kernel
from headbrush.analysis.measures.strength import hop_strength
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.model.pruning.modes import PRUNING_MODES
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.pipeline import analyze
from headbrush.analysis.preflight import inputs as preflight_inputs
from headbrush.analysis.run import shards, store_summary
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.request import Request
from headbrush.analysis.run.stages import summaries
from headbrush.analysis.run.work_folder import WorkFolder
from headbrush.analysis.store.attention_file import MAX_RELATIVE_ERROR
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.facts.store_info import facts_of
from headbrush.analysis.store.schema import VARIABLES
from headbrush.analysis.store.store import Store
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


def test_names_are_those_of_the_stored_attention(store):
    labels = store.read("pattern_label").tolist()
    assert labels == list(LABELS)
    for image in store.kept_images.tolist():
        for layer, head in np.ndindex(store.sizes["layer"], store.sizes["head"]):
            attention = torch.from_numpy(store.attention(image, layer, head))[None]
            patches = between_patches(attention, store.num_prefix_tokens)
            named = name_patterns(patches, store.grid)
            place = image, layer, head
            assert store.read("pattern_name")[place] == named.number
            assert store.read("pattern_fit")[place] == pytest.approx(
                float(named.excess) * 1e4, abs=2
            )
            assert store.read("pattern_rows")[place] == pytest.approx(
                float(named.rows) * 1e4, abs=1
            )
            bits = class_names(attention, store.num_prefix_tokens, store.grid)
            assert store.read("class_token_names")[place] == bits


def test_the_offset_kernel_is_the_mean_over_all_images(inputs, store):
    model = load_model(str(inputs[0]))
    pictures = [load_image(inputs[1] / name) for name in store.read("name")]
    traced = trace(model, torch.stack([model.transform(picture) for picture in pictures]))
    for layer, record in enumerate(traced.layers):
        patches = between_patches(record.attention(slice(None)), store.num_prefix_tokens)
        expected = offset_kernel(patches, store.grid).mean(0)
        np.testing.assert_allclose(store.read("offset_kernel")[layer], expected, rtol=1e-4)
    seconds = name_seconds(store.read("offset_kernel"), store.grid)
    np.testing.assert_array_equal(store.read("pattern_second"), seconds)


def test_a_head_that_mixes_two_patterns_has_a_second_name():
    patches = (
        0.5 * torch.eye(49) + 0.5 * torch.eye(7).repeat_interleave(7, 0).repeat_interleave(7, 1) / 7
    )
    kernel = offset_kernel(patches[None, None], (7, 7)).numpy()  # itself and its row, by halves
    assert LABELS[name_seconds(kernel, (7, 7)).item()] == "self"


def test_bits_are_those_of_the_attention_of_the_plain_model(inputs, store):
    model = load_model(str(inputs[0]))
    pictures = [load_image(inputs[1] / name) for name in store.read("name")]
    traced = trace(model, torch.stack([model.transform(picture) for picture in pictures]))
    for layer, record in enumerate(traced.layers):
        patches = between_patches(record.attention(slice(None)), store.num_prefix_tokens)
        others = (patches.sum(0) - patches) / (len(patches) - 1)
        surprise = (patches * (patches / others).log2()).sum(-1).mean(-1)
        np.testing.assert_allclose(store.read("surprise")[:, layer], surprise, atol=1e-3)
        moved = (patches - others).abs().sum(-1).mean((0, 2)) / 2
        np.testing.assert_allclose(store.read("moved")[layer], moved, atol=1e-3)
    np.testing.assert_allclose(store.read("bits").sum(0), 4, atol=1e-5)  # of 16 patches


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
        if spec.dtype == "str" or not store.has(name):
            continue
        values = store.read(name)
        if name == "anomaly":  # what heads of random weights do is not fixed
            continue
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

    begun = {
        "one": ("analyze_shard", "prune_shard"),
        "other": ("fit_to_sample", "encode_shard", "finish_layout"),
    }
    for name, stages in begun.items():
        for stage in stages:
            with monkeypatch.context() as patch:
                patch.setattr(pipeline, stage, stop)
                with pytest.raises(KeyboardInterrupt):
                    run(inputs, tmp_path / name)
        assert_same(whole, run(inputs, tmp_path / name))


def test_without_an_autoencoder_the_patch_layout_is_made_from_offsets(inputs, store, tmp_path):
    bare = Store(run(inputs, tmp_path / "s", autoencoder="none"))
    assert not bare.has("patch_latent")
    assert (bare.attrs["autoencoder"], bare.attrs["patch_layout_by"]) == ("none", "offset")
    assert (store.attrs["autoencoder"], store.attrs["patch_layout_by"]) == ("linear", "autoencoder")
    assert "autoencoder_average_precision" not in bare.attrs
    np.testing.assert_array_equal(bare.read("patch_embedding"), bare.read("offset_embedding"))
    same = ("importance", "offset_embedding", "cls_embedding", "image_embedding", "pattern_name")
    for name in same:
        np.testing.assert_array_equal(bare.read(name), store.read(name), err_msg=name)
    report = headbrush.report(bare, views=["pattern_layout"])
    assert "made from how far, and to which patches, each head attends" in report.html
    assert report.save_data(tmp_path / "s.nc")
    assert ("autoencoder", "none") in facts_of(bare, 1)


def test_the_store_says_how_faithful_its_layouts_are(store):
    heads = np.tile(np.arange(store.sizes["layer"] * store.sizes["head"]), store.sizes["image"])
    for name in ("offset_embedding", "patch_embedding", "cls_embedding"):
        xy = store.read(name).reshape(-1, 2)
        found = fidelity(store.read("patch_latent").reshape(len(xy), -1), xy, heads, seed=0)
        assert store.attrs[f"{name}_same_head"] == pytest.approx(found.same_group, abs=1e-3)
        assert 0 <= store.attrs[f"{name}_preservation"] <= 1
        if name == "patch_embedding":
            assert store.attrs[f"{name}_same_head_features"] == pytest.approx(
                found.same_group_features, abs=0.02
            )  # of the layout's 50 principal components
    assert "image_embedding_same_head" not in store.attrs


def test_the_same_seed_gives_the_same_store_and_another_seed_another(inputs, tmp_path):
    first, second = (run(inputs, tmp_path / name) for name in "ab")
    assert_same(first, second)
    third = run(inputs, tmp_path / "c", seed=1)
    one, other = Store(first), Store(third)
    assert not np.array_equal(one.read("patch_latent"), other.read("patch_latent"))
    np.testing.assert_array_equal(one.read("importance"), other.read("importance"))


def test_two_runs_are_equal_bit_for_bit(inputs, tmp_path):
    first, second = (run(inputs, tmp_path / name) for name in "ab")
    for path in (first / "attention").iterdir():
        assert path.read_bytes() == (second / "attention" / path.name).read_bytes()
    one, other = Store(first).attrs, Store(second).attrs
    assert {key: one[key] for key in one if key != "created"} == {
        key: other[key] for key in other if key != "created"
    }


def test_all_modes_hold_the_plain_importance_first(inputs, store, tmp_path):
    every = Store(run(inputs, tmp_path / "s", all_modes=True))
    assert every.read("mode").tolist() == [1, 2, 3, 4, 5, 6, 7]
    by_mode = every.read("importance_by_mode")
    np.testing.assert_array_equal(by_mode[0], store.read("importance"))
    model = load_model(str(inputs[0]))
    images = find_images(inputs[1], ClassList(names=CLASSES))
    batch = torch.stack([model.transform(images.load(index)) for index in (0, 7)])
    labels = torch.from_numpy(images.labels[[0, 7]])
    expected = leave_one_out(model, trace(model, batch), labels, PRUNING_MODES)
    np.testing.assert_allclose(by_mode[:, :4, [0, 7]], expected.swapaxes(0, 1), atol=1e-5)


def test_a_headless_model_is_analysed_and_says_what_it_lacks(inputs, tmp_path):
    headless = save_tiny_model(tmp_path / "model", num_classes=0)
    store = Store(run((headless, inputs[1]), tmp_path / "s"))
    importance = dict(zip(store.read("metric"), store.read("importance"), strict=True))
    for metric, values in importance.items():
        missing = metric in ("probability", "jsd", "gradient")
        assert np.isnan(values).all() if missing else np.isfinite(values).all(), metric
    assert "the model has no classifier" in store.attrs["missing"]
    assert np.isnan(store.read("probability")).all()
    assert np.isnan(store.read("class_accuracy")).all()
    assert store.read("class_name").tolist() == list(CLASSES)
    assert np.isfinite(store.read("image_embedding")).all()


def test_the_quick_preview_prunes_nothing(inputs, store, tmp_path):
    quick = Store(run(inputs, tmp_path / "s", predictions=False))
    assert np.isnan(quick.read("importance")[:2]).all()
    np.testing.assert_array_equal(quick.read("importance")[2:], store.read("importance")[2:])
    assert "heads were not pruned" in quick.attrs["missing"]


def test_the_best_and_worst_predicted_classes_are_chosen(inputs, store, tmp_path):
    chosen = Store(run(inputs, tmp_path / "s", best_worst=1, per_class=2))
    accuracy = store.read("class_accuracy")
    labels, predicted = store.read("label"), store.read("probability").argmax(1)
    expected = [np.mean(predicted[labels == label] == label) for label in range(3)]
    np.testing.assert_allclose(accuracy, expected, rtol=1e-6)
    np.testing.assert_array_equal(chosen.read("class_accuracy"), accuracy)
    wanted = {int(np.argmax(accuracy)), 2 - int(np.argmin(accuracy[::-1]))}
    assert set(chosen.read("label")) == wanted
    assert chosen.sizes["image"] == 4
    assert chosen.attrs["accuracy_images"] == 12


def test_a_module_and_a_dataset_of_a_notebook_give_the_store_of_their_files(
    inputs, store, tmp_path
):
    model = load_model(str(inputs[0]))
    images = find_images(inputs[1], ClassList(names=CLASSES))
    dataset = [(images.load(index), int(images.labels[index])) for index in range(len(images))]
    mine = headbrush.analyze(
        model.module, dataset, tmp_path / "s", attention=5, batch_size=3, quiet=True
    )
    assert mine.read("class_name").tolist() == list(CLASSES)
    for name in ("importance", "patch_latent", "cls_embedding", "thumbnail", "label"):
        np.testing.assert_array_equal(mine.read(name), store.read(name), err_msg=name)
    with pytest.raises(InputError, match="no option speed"):
        headbrush.analyze(model.module, dataset, tmp_path / "t", speed=9)


def test_an_output_folder_that_is_in_the_way_is_refused_before_the_model_is_loaded(
    inputs, store, tmp_path, monkeypatch
):
    def load(*_words, **_options):
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(preflight_inputs, "load_model", load)
    with pytest.raises(InputError, match="finished store"):
        run(inputs, store.path)
    with WorkFolder(tmp_path / "s", {"seed": 5}), pytest.raises(InputError, match="another anal"):
        run(inputs, tmp_path / "s")
    with pytest.raises(InputError, match="other options"):
        run(inputs, tmp_path / "s")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file"):
        run(inputs, tmp_path / "file")


def test_the_folder_of_images_is_listed_once(inputs, tmp_path, monkeypatch):
    listed = []

    def count(folder):
        listed.append(folder)
        return list_images(folder)

    monkeypatch.setattr(preflight_inputs, "list_images", count)
    monkeypatch.setattr(folder_images, "list_images", count)
    run(inputs, tmp_path / "s", limit=3)
    assert listed == [inputs[1]]


def assert_same(one, other):
    first, second = Store(one), Store(other)
    for name in filter(first.has, VARIABLES):
        np.testing.assert_array_equal(first.read(name), second.read(name), err_msg=name)
    for image in first.kept_images:
        np.testing.assert_array_equal(
            first.attention(int(image), 0, 1), second.attention(int(image), 0, 1)
        )
    assert first.kept_images.tolist() == second.kept_images.tolist()


def test_bits_are_measured_once_for_all_summaries(inputs, tmp_path, monkeypatch):
    measured, written = [], []
    measure, write = store_summary.measure_bits, summaries.write_summary

    def counted(*arguments):
        measured.append(1)
        return measure(*arguments)

    def noted(path, values, attrs):
        written.append(values["bits"])
        write(path, values, attrs)

    monkeypatch.setattr(store_summary, "measure_bits", counted)
    monkeypatch.setattr(summaries, "write_summary", noted)
    store = Store(run(inputs, tmp_path / "s.headbrush", attention=0))
    assert len(measured) == 1
    assert len(written) > 2
    for bits in written:
        np.testing.assert_array_equal(bits.astype(np.float32), store.read("bits"))
