"""Trends of a store by a metric, computed in a thread; pages share the answers."""

from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from headbrush.analysis.store.errors import InputError
from headbrush.server.stores.metrics import METRIC_NAMES
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.classes import ClassTrends, class_trends
from headbrush.server.stores.trends.consistency import Consistency, class_consistency
from headbrush.server.stores.trends.statistics.normal_scores import normal_scores
from headbrush.server.stores.trends.statistics.seriation import seriated
from headbrush.server.stores.trends.unlike import Unlike, nearest, unlike_their_class
from headbrush.server.stores.trends.within_class import within_class_trends

TREND_GROUPS = ("class", "wrong")
"""What is compared: each class with the rest, or its wrong predictions with its right ones."""
PERMUTATIONS = 1000
MOST_CLASSES = 40
"""Classes that are shown together."""
MOST_SIMILAR = 24
_NO_CLASSES = (
    "This store does not have two classes of at least two images each, so there are no classes to "
    "compare."
)
_NO_LABELS = "No image of this store has a label, so there are no classes to compare."
_NO_WRONG = (
    "No class has two wrong and two right predictions, so there is nothing to compare within "
    "classes."
)


@dataclass(frozen=True)
class TrendMatrix:
    """Trends of all classes, and what of them is shown first.

    Attributes
    ----------
    rows
        The classes with the clearest effects, at most ``MOST_CLASSES``; alike ones are neighbours.
    columns
        ``(L·H,)`` all heads, those with alike effects on these classes side by side.
    mean, mean_rest
        ``(classes, L·H)`` means of the metric in the two groups that are compared.
    """

    trends: ClassTrends
    rows: np.ndarray
    columns: np.ndarray
    mean: np.ndarray
    mean_rest: np.ndarray


@dataclass(frozen=True)
class Similar:
    """The images nearest to one, and how far away they are, see :func:`nearest`."""

    images: np.ndarray
    distance: np.ndarray


def trend_values(data: StoreData, metric: str) -> np.ndarray:
    """``(m, L·H)`` of a metric.

    Raises
    ------
    InputError
        If the store has no such metric, or no values of it.
    """
    if metric not in METRIC_NAMES:
        raise InputError(f"--metric {metric}: choose one of {', '.join(METRIC_NAMES)}.")
    values = data.importance(metric)
    if not np.isfinite(values).any():
        if "importance" in data.store.pending:
            raise InputError("Trends are not known yet: the analysis still prunes the heads.")
        raise InputError(data.why_undefined(metric))
    return values


def known_labels(data: StoreData) -> np.ndarray:
    """``(m,)`` true class, −1 where it is unknown."""
    return np.where(data.is_labelled, data.labels, -1)


def _of_known(data: StoreData, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Values ``(m, L·H)`` of a metric and labels ``(m,)``, −1 also where an image has no value."""
    values, label = trend_values(data, metric), known_labels(data)
    return values, np.where(np.isfinite(values).any(1), label, -1)


def compared_classes(
    data: StoreData, metric: str, group: str, permutations: int = PERMUTATIONS, seed: int = 0
) -> ClassTrends:
    """Each ``class`` with the rest, or what is predicted ``wrong`` of it with what is right.

    Raises
    ------
    InputError
        If there is nothing to compare.
    """
    values, label = _of_known(data, metric)
    classes = len(data.class_names)
    if group == "wrong":
        label = np.where(data.predicted >= 0, label, -1)
        found = within_class_trends(values, label, ~data.correct, classes, permutations, seed)
    else:
        found = class_trends(values, label, classes, permutations, seed)
    if not np.isfinite(found.g).any():
        raise InputError(_NO_WRONG if group == "wrong" else _why_none(label))
    return found


def means_of(data: StoreData, metric: str, group: str) -> tuple[np.ndarray, np.ndarray]:
    """``(classes, L·H)`` means of the metric in the two groups that are compared."""
    values, label = _of_known(data, metric)
    classes = len(data.class_names)
    if group == "wrong":
        label = np.where(data.predicted >= 0, label, -1)
        inside = _sums(values, np.where(data.correct, -1, label), classes)
        outside = _sums(values, np.where(data.correct, label, -1), classes)
    else:
        inside = _sums(values, label, classes)
        outside = inside[0].sum(0) - inside[0], inside[1].sum() - inside[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return inside[0] / inside[1][:, None], outside[0] / outside[1][:, None]


def _sums(values: np.ndarray, label: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums ``(classes, columns)`` and counts ``(classes,)``; a label of −1 counts nowhere."""
    known = np.flatnonzero(label >= 0)
    order = known[np.argsort(label[known], kind="stable")]
    count = np.bincount(label[known], minlength=classes)
    sums = np.zeros((classes, values.shape[1]))
    present = np.flatnonzero(count)
    if len(present):
        begins = (np.cumsum(count) - count)[present]
        sums[present] = np.add.reduceat(values[order].astype(float), begins, axis=0)
    return sums, count


def ask_matrix(data: StoreData, metric: str, group: str) -> "Future[TrendMatrix]":
    """Ask for the trends of all classes; the future may hold an ``InputError``."""
    return data.trends.ask("matrix", (data.version, metric, group), _matrix, data, metric, group)


def ask_consistency(data: StoreData, metric: str) -> "Future[Consistency]":
    """Ask whether the images of a class use the heads alike; may hold an ``InputError``."""
    return data.trends.ask("consistency", (data.version, metric), _consistency, data, metric)


def ask_unlike(data: StoreData, metric: str) -> "Future[Unlike]":
    """Ask which images are unlike their class; the future may hold an ``InputError``."""
    return data.trends.ask(
        "unlike",
        (data.version, metric),
        lambda: unlike_their_class(*_of_known(data, metric)),
    )


def ask_similar(data: StoreData, metric: str, image: int) -> "Future[Similar]":
    """Ask for the images nearest to one; the future may hold an ``InputError``."""
    return data.trends.ask(
        "similar",
        (data.version, metric, image),
        lambda: _similar(data, metric, image),
    )


def _similar(data: StoreData, metric: str, image: int) -> Similar:
    key = (data.version, metric)
    scores = data.trends.ask("scores", key, _scores, data, metric).result()
    (known,) = np.nonzero(np.isfinite(scores).all(1))
    if image not in known:
        raise InputError("This image has no value of the metric, so nothing to compare.")
    found, distance = nearest(scores[known], int(np.searchsorted(known, image)), MOST_SIMILAR)
    return Similar(known[found], distance)


def _scores(data: StoreData, metric: str) -> np.ndarray:
    """``(m, columns)`` float32 normal scores among the images with values; NaN of the others."""
    values = trend_values(data, metric)
    known = np.isfinite(values).any(1)
    of_known = normal_scores(values[known])
    scores = np.full((len(values), of_known.shape[1]), np.nan, np.float32)
    scores[known] = of_known
    return scores


def _matrix(data: StoreData, metric: str, group: str) -> TrendMatrix:
    found = compared_classes(data, metric, group)
    rows = found.clearest[:MOST_CLASSES]
    columns = seriated(found.g[rows].T)
    return TrendMatrix(found, alike(found, rows), columns, *means_of(data, metric, group))


def alike(trends: ClassTrends, rows: np.ndarray) -> np.ndarray:
    """Classes so ordered that those with alike effects are neighbours."""
    return rows[seriated(trends.g[rows])]


def _consistency(data: StoreData, metric: str) -> Consistency:
    values, label = _of_known(data, metric)
    found = class_consistency(values, label, len(data.class_names), PERMUTATIONS)
    if not np.isfinite(found.p).any():
        raise InputError(_why_none(label))
    return found


def _why_none(label: np.ndarray) -> str:
    """Why no classes can be compared."""
    return _NO_CLASSES if (label >= 0).any() else _NO_LABELS
