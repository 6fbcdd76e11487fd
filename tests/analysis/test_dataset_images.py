"""A dataset of this process instead of a folder."""

import numpy as np
import pytest
import torch
from PIL import Image

from headbrush.analysis.images.dataset import dataset_images
from headbrush.analysis.images.decoding import ImageError
from headbrush.analysis.images.labels.class_list import ClassList
from headbrush.analysis.images.reading_check import drop_unreadable

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)


class Listed(list):
    """A dataset with the attributes that torchvision's have."""

    classes = ("a", "b")


def test_every_kind_of_picture_is_the_same_picture():
    kinds = [Image.fromarray(PIXELS), PIXELS, torch.from_numpy(PIXELS).movedim(-1, 0)]
    images = dataset_images([(kind, 1) for kind in kinds], ClassList(names=("a", "b")), 2)
    for index in range(3):
        np.testing.assert_array_equal(np.asarray(images.load(index)), PIXELS)
        assert images.fingerprint(index) == images.fingerprint(0)
    assert images.labels.tolist() == [1, 1, 1]
    grey = dataset_images([torch.zeros(1, 4, 4, dtype=torch.uint8)], ClassList(), 2)
    assert grey.load(0).mode == "L"
    ready = torch.randn(3, 4, 4)
    loaded = dataset_images([ready], ClassList(), 2).load(0)
    assert isinstance(loaded, torch.Tensor)
    assert loaded.equal(ready)


def test_names_are_indices_and_classes_come_from_the_dataset():
    images = dataset_images(Listed([(PIXELS, i % 2) for i in range(11)]), ClassList(), 2)
    assert images.names[:2] == ("00", "01")
    assert images.class_names == ("a", "b")
    chosen = images.take([10])
    assert chosen.names == ("10",)
    np.testing.assert_array_equal(np.asarray(chosen.load(0)), PIXELS)


def test_an_item_that_cannot_be_had_is_skipped_with_the_reason():
    class Torn(Listed):
        targets = (0, 1, 0)

        def __getitem__(self, index):
            if index == 1:
                raise KeyError("torn")
            return super().__getitem__(index)

    images = drop_unreadable(dataset_images(Torn([(PIXELS, 0)] * 3), ClassList(), 2))
    assert images.names == ("0", "2")
    assert images.skipped == (("1", "KeyError: 'torn'"),)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ([], "is empty"),
        (iter([]), "expected a folder, or a dataset"),
        ([(PIXELS, 2)], "image 0 of the dataset has the label 2; expected an output"),
    ],
)
def test_what_is_no_dataset_of_this_model_is_refused(dataset, message):
    with pytest.raises(ImageError, match=message):
        dataset_images(dataset, ClassList(), 2)
