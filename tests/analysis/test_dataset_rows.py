"""Datasets as people make them: rows, labels and pictures of every usual form."""

import threading
from collections import namedtuple
from dataclasses import replace
from enum import IntEnum
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from torch.utils.data import (
    ChainDataset,
    ConcatDataset,
    DataLoader,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
)

from headbrush.analysis.images.dataset import dataset_images
from headbrush.analysis.images.decoding import ImageError
from headbrush.analysis.images.labelling import align_labels
from headbrush.analysis.images.labels.class_list import ClassList
from headbrush.analysis.images.reading.rules import Reading
from headbrush.analysis.images.reading_check import drop_unreadable

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 6, 3)).astype(np.uint8)
GREY = PIXELS[..., 0]
NAMES = ("cat", "dog", "owl")
CLASSES = ClassList(names=NAMES)
Row = namedtuple("Row", "image label")
Turned = namedtuple("Turned", "label image")


def png(pixels):
    file = BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


ROWS = {
    "pair": (PIXELS, 2), "triple": (PIXELS, 2, "extra"), "list": [PIXELS, 2],
    "dict": {"image": PIXELS, "label": 2}, "img, labels": {"img": PIXELS, "labels": 2},
    "cifar100": {"img": PIXELS, "fine_label": 2, "coarse_label": 1},
    "webdataset": {"__key__": "7", "cls": 2, "jpg": PIXELS},
    "named": Row(PIXELS, 2), "named, turned": Turned(2, PIXELS),
}  # fmt: skip


@pytest.mark.parametrize("kind", ROWS)
def test_rows_of_every_form_are_read(kind):
    images = dataset_images([ROWS[kind]], CLASSES, 3)
    assert images.labels.tolist() == [2]
    np.testing.assert_array_equal(np.asarray(images.load(0)), PIXELS)


LABELS = {
    "numpy": (np.int64(2), 2), "0-d": (torch.tensor(2), 2), "one element": (torch.tensor([2]), 2),
    "uint8": (np.uint8(2), 2), "float": (2.0, 2), "bool": (True, 1), "name": ("dog", 1),
    "digits": ("2", 2), "one-hot": ([0, 0, 1], 2), "one-hot tensor": (torch.tensor([0.0, 1, 0]), 1),
    "none": (None, -1), "nan": (float("nan"), -1), "several": ([1, 0, 1], -1),
    "soft": (np.array([0.2, 0.8, 0]), -1), "boxes": ({"boxes": []}, -1), "numpy name":
    (np.str_("owl"), 2), "bytes": (b"owl", 2), "one-hot of other length": ([1, 0], -1),
    "pair": ((1, 0), -1), "path": (Path("owl"), -1), "set": ({2}, -1), "complex": (1j, -1),
    "ragged": ([[1], [1, 2]], -1), "enum": (IntEnum("Kind", "cat dog").dog, 2),
}  # fmt: skip


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_every_form_are_read_and_unknown_ones_are_said(kind):
    label, wanted = LABELS[kind]
    images = dataset_images([(PIXELS, label), (PIXELS, 0)], CLASSES, 3)
    assert images.labels.tolist() == [wanted, 0]
    assert ("1 of 2 images have no label" in "".join(images.notes)) == (wanted == -1)


def test_labels_none_of_which_is_a_class_are_said_and_none_at_all_are_not():
    assert "2 of 2 images" in dataset_images([(PIXELS, {1}), (PIXELS, {2})], CLASSES, 3).notes[0]
    assert dataset_images([PIXELS, (PIXELS, None)], CLASSES, 3).notes == ()


@pytest.mark.parametrize(
    ("label", "words"),
    [("cow", "'cow' is no class"), (1.5, "label 1.5"), (2**70, "label 118"), (np.inf, "label inf"),
     ("9" * 5000, "label 9999"), (10**400, "label 1000")],
)  # fmt: skip
def test_labels_that_are_no_class_are_refused(label, words):
    with pytest.raises(ImageError, match=words):
        dataset_images([(PIXELS, label)], CLASSES, 3)


PICTURES = {
    "bytes": (png(PIXELS), PIXELS), "undecoded": ({"bytes": png(PIXELS), "path": None}, PIXELS),
    "grey": (GREY, GREY), "grey with an axis": (GREY[..., None], GREY),
    "channels first": (PIXELS.transpose(2, 0, 1), PIXELS),
    "0 to 1": (PIXELS / 255, PIXELS), "int64": (PIXELS.astype(np.int64), PIXELS),
    "tensor int64": (torch.from_numpy(PIXELS).movedim(-1, 0).long(), PIXELS),
    "palette": (Image.fromarray(GREY).convert("P"), GREY), "bool": (GREY > 99, (GREY > 99) * 255),
    "alpha": (np.dstack([PIXELS, GREY]), PIXELS), "12 bit": (GREY.astype("u2") * 16, None),
}  # fmt: skip


@pytest.mark.parametrize("kind", PICTURES)
def test_pictures_of_every_form_are_read(kind):
    given, wanted = PICTURES[kind]
    images = drop_unreadable(dataset_images([(given, 0)], CLASSES, 3))
    picture = images.load(0)
    assert isinstance(picture, Image.Image)
    seen = np.asarray(picture.convert("RGB"))
    if wanted is None:
        wanted = (GREY.astype(float) * 16 * 255 / 4095).round()
    np.testing.assert_array_equal(seen, wanted if wanted.ndim == 3 else np.dstack([wanted] * 3))


def test_a_path_is_read_as_a_file(tmp_path):
    (tmp_path / "1.png").write_bytes(png(PIXELS))
    for path in (tmp_path / "1.png", str(tmp_path / "1.png")):
        np.testing.assert_array_equal(
            np.asarray(dataset_images([path], CLASSES, 3).load(0)), PIXELS
        )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_float_tensors_are_the_model_s_input_in_float32(dtype):
    given = torch.ones(3, 4, 4, dtype=dtype, requires_grad=True)
    loaded = dataset_images([given], CLASSES, 3).load(0)
    assert isinstance(loaded, torch.Tensor)
    assert loaded.dtype == torch.float32
    assert not loaded.requires_grad


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (torch.zeros(3, 4, 5), r"a float tensor \(3, 4, 5\), and the model takes \(3, 4, 4\)"),
        (torch.zeros(4, 4), "model takes"),
        (torch.full((3, 4, 4), torch.nan), "NaN"),
        (np.zeros((2, 3, 4, 5), np.uint8), "expected .H, W."),
        (torch.zeros(1, 3, 4, 4), r"a float tensor \(1, 3, 4, 4\), and the model takes"),
        (torch.zeros(3, 4, 4).to_sparse(), "NotImplementedError: Could not run"),
        (torch.zeros(2, 4, 9, dtype=torch.uint8), r"an array \(2, 4, 9\)"),
        (PIXELS * 300.5, "expected integers 0 to 255"),
        (PIXELS.astype(object), "expected uint8"),
        (PIXELS.tolist(), "an image of the type list"),
        (object(), "an image of the type object"),
        (None, "an image of the type NoneType"),
        (b"", "0 bytes: an empty file"),
        (b"<html>", "6 bytes: not an image"),
        ("nowhere.png", "nowhere.png"),
    ],
)
def test_an_image_that_does_not_fit_is_skipped_and_none_left_is_one_line(image, words):
    fine = torch.zeros(3, 4, 4)
    images = drop_unreadable(dataset_images([image, fine], CLASSES, 3, (3, 4, 4)))
    assert images.names == ("1",)
    with pytest.raises(ImageError, match=words) as refused:
        drop_unreadable(dataset_images([image], CLASSES, 3, (3, 4, 4)))
    assert len(str(refused.value).splitlines()) == 1
    assert not str(refused.value).endswith("..")


PAIRS: Any = [(PIXELS, 0), (PIXELS, 1), (PIXELS, 2)]
TENSORS = TensorDataset(torch.zeros(3, 3, 4, 4), torch.arange(3))


@pytest.mark.parametrize(
    ("dataset", "labels"),
    [
        (Subset(PAIRS, [2, 0]), [2, 0]), (ConcatDataset([PAIRS, PAIRS]), [0, 1, 2] * 2),
        (TENSORS, [0, 1, 2]), (np.stack([PIXELS] * 2), [-1, -1]), ([Image.fromarray(GREY)], [-1]),
        (np.stack([GREY] * 2), [-1, -1]), (StackDataset(image=[GREY] * 2, label=[1, 0]), [1, 0]),
        (torch.zeros(2, 3, 4, 4), [-1, -1]),
    ],
)  # fmt: skip
def test_containers_of_every_kind_are_read(dataset, labels):
    images = drop_unreadable(dataset_images(dataset, CLASSES, 3))
    assert images.labels.tolist() == labels


class Stream(IterableDataset):
    def __iter__(self):
        return iter(PAIRS)


class Endless:
    def __len__(self):
        raise NotImplementedError

    def __getitem__(self, _index):
        return PAIRS[0]


class Frame(list):
    iloc = None


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (DataLoader(TENSORS), "give its .dataset"), ((row for row in PAIRS), r"list\(…\)"),
        ({"train": PAIRS}, "parts, train"), (Frame(PAIRS), "make a list"),
        (7, "of the type int"), (None, "NoneType"), (Stream(), r"list\(…\)"),
        (ChainDataset([Stream()]), r"list\(…\)"), (Endless(), r"list\(…\)"),
        (Image.fromarray(PIXELS), r"give \[image\]"), (PIXELS, r"\[image\]"),
        (torch.zeros(3, 9, 9), r"\[image\]"), ({"image": PAIRS, "label": [0]}, "zip"),
        ((np.stack([PIXELS] * 2), np.arange(2)), "zip"),
    ],
)  # fmt: skip
def test_what_is_no_dataset_is_refused_with_the_way_on(dataset, words):
    with pytest.raises(ImageError, match=words):
        dataset_images(dataset, CLASSES, 3)


class Listed(list):
    targets: Any = (0,)


def test_targets_of_another_length_are_not_believed():
    assert dataset_images(Listed(PAIRS), CLASSES, 3).labels.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "targets", ["abc", {0: 1, 1: 1, 2: 1}, [2, 1, 0], 7, torch.tensor(5), None]
)
def test_targets_that_are_not_the_labels_of_the_rows_are_not_believed(targets):
    dataset = Listed(PAIRS)
    dataset.targets = targets
    for one in (dataset, Subset(dataset, range(3))):
        assert dataset_images(one, CLASSES, 3).labels.tolist() == [0, 1, 2]


class Counted(list):
    """Rows with ``targets``, that count how often they are read."""

    targets = tuple(number % 3 for number in range(100))
    count = 0

    def __getitem__(self, index):
        self.count += 1
        return PIXELS, index % 3


@pytest.mark.parametrize("is_subset", [False, True])
def test_where_targets_are_kept_few_rows_are_read_for_their_labels(is_subset):
    rows = Counted([0] * 100)
    found = dataset_images(Subset(rows, range(100)) if is_subset else rows, CLASSES, 3)
    assert found.labels.tolist() == list(Counted.targets)
    assert rows.count < 20


def test_a_tensor_of_a_picture_may_have_its_channels_first_or_last():
    given = torch.from_numpy(PIXELS)
    images = dataset_images([given, given.movedim(-1, 0)], CLASSES, 3)
    for index in range(2):
        np.testing.assert_array_equal(np.asarray(images.load(index)), PIXELS)


def test_arrays_of_other_libraries_are_arrays():
    other = type("Other", (), {"__array__": lambda _self, *_args, **_options: PIXELS})()
    np.testing.assert_array_equal(np.asarray(dataset_images([other], CLASSES, 3).load(0)), PIXELS)


@pytest.mark.parametrize(("low", "high", "is_said"), [(0, 1, True), (0, 255, True), (-2, 2, False)])
def test_tensors_that_nothing_normalized_are_said(low, high, is_said):
    given = torch.linspace(low, high, 48).reshape(3, 4, 4)
    images = drop_unreadable(dataset_images([given], CLASSES, 3, (3, 4, 4)))
    assert any("have the dataset normalize" in note for note in images.notes) == is_said
    plain = drop_unreadable(dataset_images([given], CLASSES, 3, (3, 4, 4), takes_plain=True))
    assert bool(plain.notes) == (high == 255)


def test_only_the_calling_thread_reads_a_dataset():
    readers = set()

    class Bound(list):
        def __getitem__(self, index):
            readers.add(threading.get_ident())
            return super().__getitem__(index)

    drop_unreadable(dataset_images(Bound(PAIRS), CLASSES, 3))
    assert readers == {threading.get_ident()}


def test_an_image_that_can_no_longer_be_read_is_one_line():
    rows: Any = list(PAIRS)
    images = drop_unreadable(dataset_images(rows, CLASSES, 3))
    rows.clear()
    with pytest.raises(ImageError, match="image 1 of the dataset: IndexError: list index out of"):
        images.load(1)


@pytest.mark.parametrize("form", ["opened", "bytes", "path"])
def test_a_dataset_s_files_are_read_as_those_of_a_folder(tmp_path, form):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    path = tmp_path / "1.png"
    Image.fromarray(PIXELS).save(path, exif=exif)
    with Image.open(path) as opened:
        given = {"opened": opened, "bytes": path.read_bytes(), "path": path}[form]
        images = drop_unreadable(dataset_images([given], CLASSES, 3))
        assert "EXIF rotation" in images.notes[0]
        turned = replace(images, reading=Reading(exif_rotation=True)).load(0)
    np.testing.assert_array_equal(np.asarray(turned), np.rot90(PIXELS, -1))


class Shaken:
    def __len__(self):
        return 1

    def __getitem__(self, _index):
        return np.random.default_rng().integers(0, 256, (5, 6, 3)).astype(np.uint8), 0


def test_random_augmentation_is_said_and_does_not_change_the_fingerprint():
    images = dataset_images(Shaken(), CLASSES, 3)
    assert "two loads of one image differ" in images.notes[0]
    assert images.fingerprint(0) == images.fingerprint(0)
    assert dataset_images(PAIRS, CLASSES, 3).notes == ()


class Named(list):
    classes = ("owl", "cat", "dog")


class Features(list):
    features: ClassVar = {"label": SimpleNamespace(names=["owl", "cat", "dog"])}


@pytest.mark.parametrize("kind", [Named, Features])
@pytest.mark.parametrize("label", [0, "owl"])
@pytest.mark.parametrize("is_subset", [False, True])
def test_labels_are_the_model_s_outputs_by_name_wherever_a_dataset_keeps_names(
    kind, label, is_subset
):
    dataset: Any = kind([(PIXELS, label), (PIXELS, "dog")])
    found = dataset_images(Subset(dataset, [0, 1]) if is_subset else dataset, CLASSES, 3)
    assert align_labels(found, found, CLASSES).labels.tolist() == [2, 1]
