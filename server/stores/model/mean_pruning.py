"""Means over images of what pruning one head changes. Pure."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headbrush.analysis.model.pruning.modes import MODES, PrunedHead
from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.server.stores.store_data import StoreData

MOST_COMPUTED = 300
"""Images that the model is asked about for one mean, at most."""
_FAULTS_AT_FIRST = 3
"""So many more images without than with an answer end a mean: the model is not available."""


@dataclass(frozen=True)
class MeanPruned:
    """Mean effect of pruning one head, under every mode; NaN where it is not known.

    Attributes
    ----------
    metrics
        ``(metric, mode)``: means of the pruning metrics.
    probability
        ``(mode, classes)``: means of P', row 0 of P; without classes if headless.
    label_probability
        ``(mode,)``: mean P' of the true class, of the predicted one where that is unknown.
    changed
        ``(mode,)``: share of the images whose most probable class is another.
    count
        How many images these are means of.
    """

    metrics: np.ndarray
    probability: np.ndarray
    label_probability: np.ndarray
    changed: np.ndarray
    count: int

    @property
    def has_all_modes(self) -> bool:
        """Whether every metric that is known is known under every mode."""
        known = np.isfinite(self.metrics)
        return bool((known == known[:, :1]).all())


class RunningMean:
    """A mean that grows image by image, in an order that represents all from the start.

    Pages that look at the same head and brush share it: what one has asked for, all have, also a
    report that is made of them in a thread.

    Attributes
    ----------
    total
        How many images are brushed.
    fault
        Why the last image without an answer has none.
    skipped
        How many images have none.
    """

    def __init__(self, brushed: np.ndarray) -> None:
        images = np.random.default_rng(0).permutation(np.flatnonzero(brushed))
        self.total = len(images)
        self.fault, self.skipped = "", 0
        self._order: list[int] = images[:MOST_COMPUTED].tolist()
        self._place = self._count = 0
        self._lock = threading.Lock()
        self._metrics = np.zeros((len(PRUNING_METRICS), len(MODES)))
        self._label, self._changed = np.zeros(len(MODES)), np.zeros(len(MODES))
        self._probability: np.ndarray | None = None

    @property
    def asked(self) -> int:
        """How many images have been asked about."""
        return self._place

    @property
    def next_image(self) -> int | None:
        """The image to ask about; None at the end, or where the model is not available."""
        if self._place == len(self._order) or self.skipped >= self._count + _FAULTS_AT_FIRST:
            return None
        return self._order[self._place]

    def add(self, image: int, result: PrunedHead, label: int) -> None:
        """Take an answer about ``next_image``; another page's late one is known already."""
        with self._lock:
            if image != self.next_image:
                return
            self._place, self._count = self._place + 1, self._count + 1
            probability = result.probability.astype(float)
            if self._probability is None:
                self._probability = np.zeros_like(probability)
            self._metrics += result.metrics
            self._probability += probability
            if probability.shape[1]:
                self._label += probability[:, label]
                self._changed += probability.argmax(1) != probability[0].argmax()

    def skip(self, image: int, fault: str) -> None:
        """Leave out ``next_image``, which has no answer."""
        with self._lock:
            if image == self.next_image:
                self._place, self.skipped, self.fault = self._place + 1, self.skipped + 1, fault

    @property
    def mean(self) -> MeanPruned | None:
        """The mean of the images so far, None without any."""
        with self._lock:
            if self._probability is None:
                return None
            has_classes = bool(self._probability.shape[1])
            of_label = (self._label, self._changed)
            label, changed = (
                part / self._count if has_classes else part + np.nan for part in of_label
            )
            parts = self._metrics / self._count, self._probability / self._count
            return MeanPruned(*parts, label, changed, self._count)


def stored_mean(data: StoreData, brushed: np.ndarray, number: int) -> MeanPruned:
    """What the store holds of the mean over brushed images ``(m,)`` bool.

    It always knows of pruning the whole head, of the other modes after ``analyze --modes all``; of
    pruned predictions the true class alone.
    """
    images = np.flatnonzero(brushed)
    metrics = np.full((len(PRUNING_METRICS), len(MODES)), np.nan)
    modes = data.importance_by_mode(images, number)
    for row, metric in enumerate(PRUNING_METRICS):
        metrics[row, 1] = _mean(data.importance(metric)[images, number])
        metrics[row, 0] = np.where(np.isnan(metrics[row, 1]), np.nan, 0)
    if modes is not None:
        metrics[:, 1:] = _mean(modes)
    probability = np.full((len(MODES), data.probability.shape[1]), np.nan)
    probability[0] = _mean(data.probability[images].T)
    lost = metrics[PRUNING_METRICS.index("probability")]
    label = _mean(data.label_probability[images]) - lost
    return MeanPruned(metrics, probability, label, np.full(len(MODES), np.nan), len(images))


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis, in float64; NaN of none."""
    if not values.shape[-1]:
        return np.full(values.shape[:-1], np.nan)
    return values.mean(-1, dtype=float)


def label_words(data: StoreData, images: Sequence[int] | np.ndarray) -> str:
    """What class ``label_probability`` is of."""
    known = data.is_labelled[images]
    if known.all():
        return "true class"
    return "true class (else the predicted one)" if known.any() else "predicted class"
