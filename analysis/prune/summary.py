"""What a prune set does to many predictions: accuracy, divergence, flips. Without torch."""

from dataclasses import dataclass

import numpy as np

_Z = 1.959963984540054
"""Of a 95 % interval."""


def wilson(right: int, count: int) -> tuple[float, float]:
    """95 % Wilson interval of a share; NaN of none."""
    if not count:
        return float("nan"), float("nan")
    share, square = right / count, _Z**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = _Z / (1 + square / count) * np.sqrt(
        share * (1 - share) / count + square / (4 * count**2)
    )  # fmt: skip
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def divergence(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence in bits over the last axis, in [0, 1]."""
    first, second = first.astype(float), second.astype(float)
    middle = (first + second) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [
            np.where(one > 0, one * np.log2(one / middle), 0).sum(-1) for one in (first, second)
        ]
    return np.clip((parts[0] + parts[1]) / 2, 0, 1)


@dataclass(frozen=True)
class PruneEffect:
    """What a prune set does to the predictions of some images.

    Attributes
    ----------
    count
        Images, of which ``labelled`` have a true class.
    accuracy, accuracy_before
        Shares of the labelled images, NaN without any; ``interval`` is the first one's, 95 %.
    jsd
        Mean Jensen-Shannon divergence from the unpruned predictions, in bits.
    flipped, becomes
        ``(f,)`` the images whose most probable class is another, and that class.
    before, after
        ``(classes,)`` mean probabilities, NaN without images.
    """

    count: int
    labelled: int
    accuracy: float
    interval: tuple[float, float]
    accuracy_before: float
    jsd: float
    flipped: np.ndarray
    becomes: np.ndarray
    before: np.ndarray
    after: np.ndarray


class RunningEffect:
    """The effect of a prune set, which grows batch by batch.

    Parameters
    ----------
    before
        ``(m, classes)`` unpruned probabilities of every image of the store.
    labels
        ``(m,)`` true classes, -1 unknown.
    multilabel
        Whether each class is a label by itself; the divergence is then the mean over labels.
    """

    def __init__(self, before: np.ndarray, labels: np.ndarray, multilabel: bool = False) -> None:
        self._before, self._labels, self._multilabel = before, labels, multilabel
        self._flipped: list[int] = []
        self._becomes: list[int] = []
        self._sums = np.zeros((2, before.shape[1]))
        self._count = self._labelled = self._right = self._right_before = 0
        self._sum = 0.0

    def add(self, images: np.ndarray, after: np.ndarray) -> None:
        """Take the probabilities ``(n, classes)`` of some images under the set."""
        before, labels = self._before[images], self._labels[images]
        pair = (before, after)
        if self._multilabel:
            pair = tuple(np.stack([1 - one, one], -1) for one in pair)
        found = divergence(*pair)
        self._sum += float((found.mean(-1) if self._multilabel else found).sum())
        was, now, known = before.argmax(1), after.argmax(1), labels >= 0
        self._flipped += np.asarray(images)[was != now].tolist()
        self._becomes += now[was != now].tolist()
        self._sums += before.sum(0, dtype=float), after.sum(0, dtype=float)
        self._count += len(images)
        self._labelled += int(known.sum())
        self._right += int((now == labels)[known].sum())
        self._right_before += int((was == labels)[known].sum())

    @property
    def effect(self) -> PruneEffect:
        """Of the images so far."""
        nan, labelled, count = float("nan"), self._labelled, self._count
        return PruneEffect(
            count,
            labelled,
            self._right / labelled if labelled else nan,
            wilson(self._right, labelled),
            self._right_before / labelled if labelled else nan,
            self._sum / count if count else nan,
            np.array(self._flipped, int),
            np.array(self._becomes, int),
            *(self._sums / count if count else self._sums + nan),
        )
