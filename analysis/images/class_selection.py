"""The paper's sampling: the classes that the model predicts best and worst (its Sec. 6)."""

from collections.abc import Sequence

import numpy as np

from headbrush.analysis.images.choosing import choose
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.store.errors import InputError


class SamplingError(InputError):
    """A class selection that these images or this model cannot provide."""


def class_accuracy(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Share of each class's images that are predicted correctly, ``(classes,)`` float32.

    NaN of a class without images. Labels of -1 do not count.
    """
    known = labels >= 0
    total = np.bincount(labels[known], minlength=num_classes)
    right = np.bincount(labels[known & (labels == predicted)], minlength=num_classes)
    with np.errstate(invalid="ignore"):
        return (right / total).astype(np.float32)


def predicted_classes(probability: np.ndarray) -> np.ndarray:
    """The most probable class of every image ``(m,)``; -1 where there is none, or not known.

    ``probability`` is ``(m, classes)``, without classes for a headless model.
    """
    if not probability.shape[1]:
        return np.full(len(probability), -1)
    return np.where(np.isfinite(probability).all(1), probability.argmax(1), -1)


def parse_select(text: str | None) -> int | None:
    """K of ``best-worst:K``; None if the option was not given.

    Raises
    ------
    SamplingError
        If it is anything else.
    """
    if text is None:
        return None
    name, _, number = text.partition(":")
    if name != "best-worst" or not number.isdecimal() or not 0 < int(number[:9]) < 10**6:
        raise SamplingError(f"--select {text}: expected best-worst:K, for example best-worst:10.")
    return int(number)


def demand_classes(count: int, found: int) -> None:
    """Check that enough classes have images.

    Raises
    ------
    SamplingError
        If fewer than twice ``count`` do.
    """
    if found < 2 * count:
        raise SamplingError(
            f"--select best-worst:{count} needs {2 * count} classes with images, and {found} "
            "have some; give a smaller number."
        )


def best_and_worst(accuracy: np.ndarray, count: int) -> np.ndarray:
    """Sorted indices of the ``count`` best and ``count`` worst predicted classes.

    Of equally good classes the earlier one counts as the better; those without images are neither.
    """
    known = np.flatnonzero(np.isfinite(accuracy))
    order = known[np.argsort(-accuracy[known], kind="stable")]
    return np.sort(np.concatenate([order[:count], order[-count:]]))


def choose_classes(
    images: ImageSet, classes: Sequence[int] | np.ndarray, limit: int | None, per_class: int | None
) -> ImageSet:
    """The images of some classes, at most ``per_class`` each and ``limit`` in all."""
    wanted = images.take(np.flatnonzero(np.isin(images.labels, classes)).tolist())
    return choose(wanted, limit, per_class)
