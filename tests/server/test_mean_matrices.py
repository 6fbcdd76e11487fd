"""The mean attention of a head over brushed images is the mean of what the store keeps."""

from unittest.mock import patch

import numpy as np
import pytest

from headbrush.analysis.store.errors import StoreError
from headbrush.server.stores.attention import mean_matrices
from headbrush.server.stores.attention.mean_matrices import MeanMatrices


class LateWorker:
    """Keeps its work until it is told to do it."""

    def __init__(self, _name):
        self.jobs = []

    def submit(self, work, *given):
        self.jobs.append((work, given))


@pytest.fixture
def means(data):
    return MeanMatrices(data.store)


def brush(data, *images):
    brushed = np.zeros(data.num_images, bool)
    brushed[list(images)] = True
    return brushed


def slow_mean(store, images, layer, head):
    total = np.zeros((store.num_tokens, store.num_tokens))
    for image in images:
        for source, row in enumerate(store.attention(image, layer, head)):
            for target, value in enumerate(row):
                total[source, target] += float(value) / len(images)
    return total


@pytest.mark.parametrize(
    ("brushed", "averaged", "words"),
    [
        (range(24), [0, 4, 8, 12, 16, 20], "mean over 6 of 24 images: those whose"),
        ((3, 4, 8, 9), [4, 8], "mean over 2 of 4 images: those whose"),
        ((8, 12), [8, 12], "mean over all 2 images"),
        ((8,), [8], "the only image"),
    ],
)
def test_it_is_the_mean_of_the_stored_matrices(data, means, brushed, averaged, words):
    found = means.ask(1, 0, brush(data, *brushed)).result()
    assert found.images.tolist() == averaged
    assert (found.stored, found.brushed) == (len(averaged), len(brushed))
    assert found.words.startswith(words)
    np.testing.assert_allclose(found.matrix, slow_mean(data.store, averaged, 1, 0), rtol=1e-6)
    np.testing.assert_allclose(found.matrix.sum(1), 1, rtol=2.0**-8)  # as stored


@pytest.mark.parametrize("brushed", [(1, 2, 3), ()])
def test_without_stored_images_there_is_none(data, means, brushed):
    assert means.ask(0, 0, brush(data, *brushed)).result() is None


@pytest.mark.parametrize("limit", ["images", "bytes"])
def test_a_sample_lies_evenly_among_very_many_and_is_said(data, means, limit):
    most = {"images": ("MOST_AVERAGED", 3), "bytes": ("_READ_BYTES", 4 * 17**2 * 3 + 1)}
    with patch.object(mean_matrices, *most[limit]):
        found = means.ask(0, 1, np.ones(data.num_images, bool)).result()
    assert found.images.tolist() == [0, 8, 20]
    assert found.words == "mean over 3 of 24 images: a sample of the 6 whose attention is stored"
    np.testing.assert_allclose(found.matrix, slow_mean(data.store, [0, 8, 20], 0, 1), rtol=1e-6)


def test_a_mean_is_read_once_for_all_who_ask(data, means):
    brushed = brush(data, 0, 4)
    first = means.ask(2, 1, brushed).result()
    with patch.object(data.store, "attention") as read:
        assert means.ask(2, 1, brushed).result() is means.known(2, 1, brushed) is first
        assert not read.called
        assert means.known(2, 1, brush(data, 0)) is None


def test_a_question_that_nobody_waits_for_ends(data):
    worker = LateWorker("late")
    with patch.object(mean_matrices, "ThreadQueue", lambda _name: worker):
        means = MeanMatrices(data.store)
    wanted, read = means.ask(0, 0, np.ones(data.num_images, bool)), []

    def cancel_at_the_second(*place):
        read.append(place)
        if len(read) == 2:
            wanted.cancel()
        return np.ones((17, 17), "f4")

    with patch.object(data.store, "attention", cancel_at_the_second):
        for work, given in worker.jobs:
            work(*given)
    assert wanted.cancelled()
    assert len(read) == 2


def test_a_damaged_file_is_told_to_whoever_asked(data, means):
    with patch.object(data.store, "attention", side_effect=StoreError("damaged")):
        wanted = means.ask(0, 0, brush(data, 16))
    with pytest.raises(StoreError, match="damaged"):
        wanted.result()
