"""Whole analyses with a probe or texts: the store agrees with the model, and loads it again."""

import pickle
import shutil

import numpy as np
import pytest
import torch

import headbrush
from headbrush.analysis.images.decoding import load_image
from headbrush.analysis.model.loading import load_model, load_recipe
from headbrush.analysis.model.modules.classifiers.ridge import fit_ridge
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.prune.errors import LiveError
from headbrush.analysis.prune.stored_model import load_stored
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.schema import VARIABLES
from headbrush.analysis.store.store import Store, write_summary
from tests.analysis.oracles import softmax
from tests.models import CLASSES, save_images, save_tiny_model

QUICK = {"attention": "none", "no_autoencoder": True, "batch_size": 5, "quiet": True}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    model = save_tiny_model(folder / "model", num_classes=0)
    rng = np.random.default_rng(2)
    embedding = rng.normal(size=(3, 16))
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    np.savez(folder / "t.npz", embedding=embedding, name=np.array(CLASSES), scale=20.0)
    return model, save_images(folder / "images"), folder / "t.npz"


def analyzed(inputs, folder, **options):
    model, images, _ = inputs
    return headbrush.analyze(model, images, folder / "s.headbrush", **(QUICK | options))


@pytest.fixture(scope="module")
def probed(inputs, tmp_path_factory):
    return analyzed(inputs, tmp_path_factory.mktemp("probed"), probe=True)


@pytest.fixture(scope="module")
def texted(inputs, tmp_path_factory):
    return analyzed(inputs, tmp_path_factory.mktemp("texted"), texts=inputs[2])


@pytest.fixture(scope="module")
def features(inputs, probed):
    model, folder, _ = inputs
    body = load_model(str(model), device="cpu")
    pictures = [body.transform(load_image(folder / name)) for name in probed.read("name")]
    with torch.inference_mode():
        return body.module(torch.stack(pictures)).numpy()


def test_a_probe_is_the_ridge_fit_of_the_features_of_the_images(probed, features):
    labels = probed.read("label")
    fit = fit_ridge(features, labels, 3)
    np.testing.assert_allclose(probed.read("classifier_weight"), fit.weight, rtol=2e-3, atol=1e-4)
    expected = softmax(features @ fit.weight.T + fit.bias)
    np.testing.assert_allclose(probed.read("probability"), expected, atol=1e-4)
    left_out = probed.read("probe_left_out")
    np.testing.assert_array_equal(left_out, fit.left_out.argmax(1))
    right = left_out == labels
    for number, share in enumerate(probed.read("class_accuracy")):
        assert share == pytest.approx(right[labels == number].mean())
    assert (
        f"on 12 images, leave-one-out accuracy {100 * right.mean():.1f}\u00a0%"
        in (probed.attrs["classifier_words"])
    )
    assert probed.read("class_name").tolist() == list(CLASSES)


def test_texts_are_the_classes_of_a_store(inputs, texted, features):
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    expected = softmax(20 * unit @ np.load(inputs[2])["embedding"].T)
    np.testing.assert_allclose(texted.read("probability"), expected, atol=1e-5)
    assert texted.attrs["classifier"] == "texts"
    assert texted.attrs["classifier_words"] == "3 texts of t.npz, scale 20"
    assert not texted.has("probe_left_out")


@pytest.mark.parametrize("kind", ["probed", "texted"])
def test_everything_is_measured_and_the_model_is_loaded_again_with_its_classifier(kind, request):
    store = request.getfixturevalue(kind)
    assert np.isfinite(store.read("importance")).all()
    assert "missing" not in store.attrs
    stored = load_stored(Store(store.path))
    traced = trace(stored.model, stored.batch(range(12)))
    np.testing.assert_allclose(traced.probability, store.read("probability"), atol=1e-5)
    assert stored.model.class_names == CLASSES


def test_a_classifier_of_its_own_is_taken_off_for_a_probe(inputs, tmp_path):
    whole = save_tiny_model(tmp_path / "model")  # the same seed, but a head
    store = headbrush.analyze(
        whole, inputs[1], tmp_path / "s.headbrush", probe=True, importance="gradient", **QUICK
    )
    assert "its own classifier of 3 classes was taken off" in store.attrs["notes"]
    assert store.sizes["feature"] == 16
    assert load_stored(store).model.num_classes == 3


def test_facts_name_the_classifier_and_leave_each_image_out_of_the_accuracy(probed, texted):
    facts = dict(headbrush.info(probed))
    assert "leave-one-out accuracy" in facts["classifier"]
    share = (probed.read("probe_left_out") == probed.read("label")).mean()
    assert (
        facts["accuracy"]
        == f"{100 * share:.1f}\u00a0% of 12 labelled images, each left out of the fit"
    )
    assert dict(headbrush.info(texted))["classifier"] == "3 texts of t.npz, scale 20"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"probe": True, "texts": "t.npz"}, "--probe and --texts both give"),
        ({"probe": True, "outputs": "sigmoid"}, "--outputs sigmoid does not fit --probe"),
        ({"texts": "none.npz"}, "cannot be read"),
        ({"texts": 5}, "expected the path of a file"),
        ({"probe": "yes"}, "expected True or False"),
        ({"probe": True, "select": "best-worst:1"}, "needs a model with a classifier"),
        ({"probe": True, "per_class": 1}, "two of one of them; found 3 labelled images of 3"),
        ({"probe": True, "class_names": ["a", "b"]}, "leave out --probe"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_nothing_is_written(
    inputs, tmp_path, options, expected
):
    with pytest.raises(InputError) as refused:
        analyzed(inputs, tmp_path, **options)
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "s.headbrush").exists()


def test_a_probe_needs_labels_and_a_module_without_a_classifier(inputs, tmp_path):
    images = save_images(tmp_path / "images") / "star"
    with pytest.raises(InputError, match="found 0 labelled images of 0 classes"):
        headbrush.analyze(inputs[0], images, tmp_path / "s", probe=True, **QUICK)
    module = load_model(str(save_tiny_model(tmp_path / "model"))).module
    with pytest.raises(InputError, match="has a classifier of 3 classes, and --probe fits"):
        headbrush.analyze(module, inputs[1], tmp_path / "s", probe=True, **QUICK)


def test_an_export_says_that_the_classifier_is_no_part_of_the_checkpoint(probed, tmp_path):
    with pytest.raises(InputError, match="its classes come from ridge probe on 12 images"):
        headbrush.export(probed, "0.1", tmp_path / "out")


def test_a_recipe_takes_the_classifier_along_to_another_process(probed):
    model = load_stored(probed).model
    assert model.recipe is not None
    sent = pickle.loads(pickle.dumps(model.recipe))
    assert sent == model.recipe
    assert hash(sent) == hash(model.recipe)
    images = load_stored(probed).batch(range(3))
    np.testing.assert_array_equal(load_recipe(sent).outputs(images), model.outputs(images))
    assert "weight" not in model.recipe.as_json()


@pytest.mark.parametrize("lost", ["classifier_weight", "classifier_bias"])
def test_a_store_that_lost_its_classifier_does_not_run_the_model(probed, tmp_path, lost):
    path = tmp_path / "s.headbrush"
    shutil.copytree(probed.path, path)
    kept = {name: probed.read(name) for name in VARIABLES if probed.has(name) and name != lost}
    write_summary(path, kept, probed.attrs)
    with pytest.raises(LiveError, match="lacks the weights of its probe"):
        load_stored(Store(path))


def test_a_dry_run_names_the_probe_and_writes_nothing(inputs, tmp_path):
    model, images, _ = inputs
    told = headbrush.preflight(model, images, tmp_path / "s", probe=True)
    assert "ridge probe on 12 images" in dict(told.lines)["classifier"]
    assert not (tmp_path / "s").exists()
