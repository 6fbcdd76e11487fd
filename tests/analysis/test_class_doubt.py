"""A warning where the classes are in another order; none where they are not, or by chance."""

import numpy as np
import pytest

from headbrush.analysis.images.class_folders import classes_of_folders
from headbrush.analysis.images.labels.class_doubt import doubt
from headbrush.analysis.images.labels.class_list import ClassList

IMAGES = 8


def mapped(tmp_path, folders, outputs, order="number"):
    classes = ClassList(names=tuple(map(str, range(outputs))))
    counts = dict.fromkeys(folders, IMAGES)
    return classes_of_folders(tmp_path, counts, classes, order=order).mapping


def said(mapping, output_of, outputs, accuracy, rng):
    """The doubt about a model that predicts ``output_of[folder]`` with some accuracy."""
    labels = np.repeat([one.index for one in mapping], IMAGES)
    right = np.repeat([output_of[one.folder] for one in mapping], IMAGES)
    wrong = rng.integers(0, outputs, len(right))
    predicted = np.where(rng.random(len(right)) < accuracy, right, wrong)
    return doubt(mapping, labels, predicted, outputs)


@pytest.mark.parametrize("outputs", [12, 30, 200])
@pytest.mark.parametrize("accuracy", [0.6, 1.0])
def test_a_model_in_text_order_is_noticed(tmp_path, outputs, accuracy):
    rng = np.random.default_rng(0)
    folders = [str(number) for number in range(outputs)]
    place = {name: index for index, name in enumerate(sorted(folders))}
    by_number = mapped(tmp_path, folders, outputs)
    assert "--class-order text" in said(by_number, place, outputs, accuracy, rng)
    by_text = mapped(tmp_path, folders, outputs, "text")
    assert said(by_text, place, outputs, accuracy, rng) == ""
    number = {name: int(name) for name in folders}
    assert said(by_number, number, outputs, accuracy, rng) == ""
    assert "leave out --class-order" in said(by_text, number, outputs, accuracy, rng)


def test_counting_from_one_is_noticed(tmp_path):
    rng = np.random.default_rng(0)
    folders = [str(number) for number in range(1, 10)]
    mapping = mapped(tmp_path, folders, 10)
    off = {name: int(name) - 1 for name in folders}
    assert "--class-order from-1" in said(mapping, off, 10, 0.8, rng)
    more = {name: int(name) + 1 for name in folders[:-1]} | {"9": 0}
    assert "one higher: give --classes" in said(mapping, more, 10, 0.8, rng)


def test_labels_of_a_dataset_that_are_one_off_are_noticed():
    labels = np.repeat(np.arange(1, 11), IMAGES)
    assert "one lower: change the dataset" in doubt((), labels, labels - 1, 11)
    assert doubt((), labels, labels, 11) == ""
    assert doubt((), np.full(9, -1), np.zeros(9, int), 11) == ""


@pytest.mark.parametrize("kind", ["constant", "by image", "by class", "two outputs"])
def test_untrained_models_are_not_suspected(tmp_path, kind):
    rng, outputs, warned = np.random.default_rng(1), 12, 0
    mapping = mapped(tmp_path, [str(number) for number in range(outputs)], outputs)
    labels = np.repeat([one.index for one in mapping], IMAGES)
    for _ in range(300):
        predicted = {
            "constant": np.full(len(labels), rng.integers(outputs)),
            "by image": rng.integers(0, outputs, len(labels)),
            "by class": rng.integers(0, outputs, outputs)[labels],
            "two outputs": rng.integers(0, outputs, 2)[rng.integers(0, 2, len(labels))],
        }[kind]
        warned += doubt(mapping, labels, predicted, outputs) != ""
    assert warned <= 2


@pytest.mark.parametrize("accuracy", [0.1, 0.3, 1.0])
def test_a_trained_model_is_not_suspected_however_weak(tmp_path, accuracy):
    rng = np.random.default_rng(2)
    folders = [str(number) for number in range(20)]
    mapping = mapped(tmp_path, folders, 20)
    number = {name: int(name) for name in folders}
    assert not any(said(mapping, number, 20, accuracy, rng) for _ in range(100))
