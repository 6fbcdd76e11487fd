"""What a prune set does to the brushed images of a store, as it grows answer by answer. Pure."""

from collections.abc import Sequence

import numpy as np

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.prune.summary import PruneEffect, RunningEffect
from headbrush.server.stores.store_data import StoreData

MOST_PREDICTED = 1000
"""Images that the model predicts under one prune set, at most; the interval says how exact."""
MOST_GIVEN = 100
"""Images over which the importance of further heads is averaged, at most."""
_LARGEST = 48
"""Images of one question, at most."""
_SOON_S, _LATE_S = 0.4, 1.0
"""A question answered sooner is followed by one of twice as many images, one later of half: on a
busy machine asking takes longer than computing, so few images a question never end."""
_FAULTS_AT_FIRST = 3
"""So many more failures than answers end the questions: the model is not available."""


class _Running:
    """Images in an order that represents all from the start, and how far it is known.

    Pages that look at the same set and brush share it: what one has asked for, all have.

    Attributes
    ----------
    total
        How many images are brushed.
    fault
        Why the last images without an answer have none; ``skipped`` is their number.
    """

    def __init__(self, brushed: np.ndarray, most: int, largest: int) -> None:
        images = np.random.default_rng(0).permutation(np.flatnonzero(brushed))
        self.total, self.fault, self.skipped = len(images), "", 0
        self._order: list[int] = images[:most].tolist()
        self._largest, self._size = largest, 1  # one image first, so that there is a number soon
        self._asked = self._place = self._faults = 0

    @property
    def next_images(self) -> list[int]:
        """The images to ask about; empty at the end, or where the model is not available."""
        if self._faults >= self._asked - self._faults + _FAULTS_AT_FIRST:
            return []
        return self._order[self._place : self._place + self._size]

    @property
    def wanted(self) -> int:
        """How many images are asked about in the end."""
        return len(self._order)

    def pace(self, seconds: float) -> None:
        """Take how long an answer took: few images a question are slow, many make others wait."""
        if seconds < _SOON_S:
            self._size = min(2 * self._size, self._largest)
        elif seconds > _LATE_S:
            self._size = max(self._size // 2, 1)

    def skip(self, images: Sequence[int], fault: str) -> None:
        """Leave out ``next_images``, which have no answer."""
        if self._take(images):
            self._faults, self.skipped, self.fault = (
                self._faults + 1,
                self.skipped + len(images),
                fault,
            )

    def _take(self, images: Sequence[int]) -> bool:
        """Whether these are the next; another page's late answer is known already."""
        if not images or list(images) != self.next_images:
            return False
        self._place, self._asked = self._place + len(images), self._asked + 1
        return True


class RunningSet(_Running):
    """The effect of one prune set on the predictions of brushed images ``(m,)`` bool."""

    def __init__(self, data: StoreData, brushed: np.ndarray) -> None:
        super().__init__(brushed, MOST_PREDICTED, _LARGEST)
        labels = data.store.read("label")
        self._effect = RunningEffect(data.probability, labels, is_multilabel(data))

    def add(self, images: Sequence[int], probability: np.ndarray) -> None:
        """Take the probabilities ``(n, classes)`` of ``next_images``."""
        if self._take(images):
            self._effect.add(np.asarray(images, int), probability)

    @property
    def effect(self) -> PruneEffect:
        """Of the images so far."""
        return self._effect.effect


class RunningGiven(_Running):
    """Mean of what pruning one more head changes, over brushed images ``(m,)`` bool."""

    def __init__(self, brushed: np.ndarray) -> None:
        super().__init__(brushed, MOST_GIVEN, 1)
        self._sum: np.ndarray | float = 0.0
        self.images: list[int] = []

    def add(self, images: Sequence[int], metrics: np.ndarray) -> None:
        """Take the metrics ``(metric, L, H)`` of the next image."""
        if self._take(images):
            self._sum = self._sum + metrics.astype(float)
            self.images += images

    @property
    def mean(self) -> np.ndarray | None:
        """``(metric, L, H)`` over ``images``, None without any."""
        return np.asarray(self._sum / len(self.images)) if self.images else None


def is_multilabel(data: StoreData) -> bool:
    """Whether several classes can be true of one image."""
    chances = data.probability
    is_sigmoid = data.store.attrs.get("outputs") == "sigmoid"
    return is_sigmoid and not np.allclose(chances.sum(1), 1, atol=1e-3)


def running_set(data: StoreData, pruned: PruneSet, brushed: np.ndarray) -> RunningSet:
    """The effect that all pages share; one whose images failed is begun again."""
    key = ("set", str(pruned), brushed.tobytes())
    found = data.pruned_means.get(key)
    if found is None or found.skipped:
        found = RunningSet(data, brushed)
        size = brushed.nbytes + 8 * (MOST_PREDICTED + 3 * data.probability.shape[1])
        data.pruned_means.put(key, found, size)
    return found


def running_given(data: StoreData, pruned: PruneSet, brushed: np.ndarray) -> RunningGiven:
    """The mean that all pages share; one whose images failed is begun again."""
    key = ("given", str(pruned), brushed.tobytes())
    found = data.pruned_means.get(key)
    if found is None or found.skipped:
        found = RunningGiven(brushed)
        data.pruned_means.put(key, found, brushed.nbytes + 64 * data.num_heads)
    return found
