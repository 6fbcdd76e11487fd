"""The best and worst predicted classes."""

import numpy as np
import pytest

from headbrush.analysis.images.class_selection import (
    SamplingError,
    best_and_worst,
    class_accuracy,
    demand_classes,
    parse_select,
)

NAN = float("nan")


def test_accuracy_is_counted_class_by_class():
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(-1, 5, 300), rng.integers(0, 5, 300)
    labels[labels == 3] = 2
    found = class_accuracy(labels, predicted, 6)
    for label in range(6):
        own = predicted[labels == label]
        expected = np.mean(own == label) if len(own) else NAN
        np.testing.assert_allclose(found[label], expected, rtol=1e-6)
    assert np.isnan(found[[3, 5]]).all()


def test_the_best_and_the_worst_are_chosen_and_classes_without_images_never():
    accuracy = np.array([0.5, NAN, 0.9, 0.1, 0.9, 0.7])
    assert best_and_worst(accuracy, 1).tolist() == [2, 3]
    assert best_and_worst(accuracy, 2).tolist() == [0, 2, 3, 4]
    demand_classes(2, 5)
    with pytest.raises(SamplingError, match="needs 6 classes with images, and 5 have some"):
        demand_classes(3, 5)


@pytest.mark.parametrize("text", ["best:3", "best-worst", "best-worst:0", "best-worst:-1", "x"])
def test_other_choices_are_refused(text):
    with pytest.raises(SamplingError, match="expected best-worst:K"):
        parse_select(text)
    assert parse_select("best-worst:10") == 10
    assert parse_select(None) is None
