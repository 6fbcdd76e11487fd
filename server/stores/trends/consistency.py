"""Whether the images of one class use the heads alike: energy distance between classes. Pure."""

from dataclasses import dataclass

import numpy as np

from headbrush.server.stores.trends.classes import LEVEL
from headbrush.server.stores.trends.statistics.false_discovery import adjusted
from headbrush.server.stores.trends.statistics.normal_scores import normal_scores
from headbrush.server.stores.trends.statistics.tail import permutation_p

MOST_OF_CLASS = 250
"""So many images of a class are compared; of a larger one, a sample."""
MOST_OTHERS = 1000
"""With so many images at most each of them is compared: all, or a sample of all."""
_EQUAL = 1e-6
"""Distances that differ by less differ by rounding."""
_ROWS = 2000
"""Images whose distances are in memory together."""


@dataclass(frozen=True)
class Consistency:
    """One value per class, ``(classes,)`` float64; NaN with fewer than two images in or outside.

    Attributes
    ----------
    within, between
        Mean distance of two different images of the class, and of one of it and one of the rest.
    energy
        Energy distance of the class and the rest (Székely and Rizzo 2013), of all pairs, at
        least 0: ``2·between − within − within_rest``, an image with itself counted.
    p
        Of the energy distance under shuffled labels, see :func:`permutation_p`.
    fdr
        ``p`` after Benjamini and Hochberg's correction.
    count
        ``(classes,)`` images of each class that were compared, at most ``MOST_OF_CLASS``.
    images
        How many images have a class.
    """

    within: np.ndarray
    between: np.ndarray
    energy: np.ndarray
    p: np.ndarray
    fdr: np.ndarray
    count: np.ndarray
    images: int

    @property
    def is_sampled(self) -> bool:
        """Whether not all pairs of images were compared."""
        return self.images > MOST_OTHERS or bool((self.count == MOST_OF_CLASS).any())

    @property
    def clearest(self) -> np.ndarray:
        """Numbers of the classes that have a result: those that differ, then by how alike."""
        rows = np.flatnonzero(np.isfinite(self.energy))
        nearer = (self.between - self.within)[rows]
        return rows[np.lexsort((-nearer, ~self.differs[rows]))]

    @property
    def differs(self) -> np.ndarray:
        """``(classes,)`` bool: the class differs from the rest, after correction."""
        return self.fdr <= LEVEL

    @property
    def is_alike(self) -> np.ndarray:
        """``(classes,)`` bool: it differs, and its images are nearer to one another."""
        return self.differs & (self.within < self.between)


def class_consistency(
    values: np.ndarray, label: np.ndarray, classes: int, permutations: int = 1000, seed: int = 0
) -> Consistency:
    """Distances between images, each a vector of normal scores, within and between classes.

    Distances are Euclidean, divided by the root of the number of columns.

    Parameters
    ----------
    values
        ``(images, columns)``.
    label
        ``(images,)`` class of each image, −1 unknown: such images are left out.
    permutations, seed
        As of :func:`class_trends`; the seed also draws samples.
    """
    random = np.random.default_rng(seed)
    known = np.flatnonzero(label >= 0)
    label = label[known]
    z = normal_scores(values[known])
    count = np.bincount(label, minlength=classes)
    rows = np.flatnonzero((count >= 2) & (len(known) - count >= 2))
    results = [np.full(classes, np.nan) for _ in range(4)]
    if len(rows) and z.shape[1]:
        found = _tested(z / np.sqrt(z.shape[1]), label, rows, permutations, random)
        for result, of_rows in zip(results, found, strict=True):
            result[rows] = of_rows
    within, between, energy, p = results
    compared = np.minimum(count, MOST_OF_CLASS)
    return Consistency(within, between, energy, p, adjusted(p), compared, len(known))


def _tested(
    z: np.ndarray,
    label: np.ndarray,
    rows: np.ndarray,
    permutations: int,
    random: np.random.Generator,
) -> tuple[np.ndarray, ...]:
    """Within, between, energy distance and p of the classes ``rows``; NaN without others.

    As a class is a part of all images, its energy distance to all is that to the rest times the
    squared share of the rest.
    """
    others = _drawn(np.arange(len(z)), MOST_OTHERS, random)
    to_others = _mean_distance(z, z[others])
    of_class = [_drawn(np.flatnonzero(label == one), MOST_OF_CLASS, random) for one in rows]
    size = np.array([len(members) for members in of_class])
    inside = np.array([_sums_from_first(z[members])[-1] for members in of_class])
    to_all = 2 * np.array([to_others[members].mean() for members in of_class]) - inside / size**2
    p = _shuffled(z, to_others, size, to_all, permutations, random)
    between = np.array([
        _to_rest(z[members], z[others[label[others] != one]])
        for members, one in zip(of_class, rows, strict=True)
    ])  # fmt: skip
    rest = 1 - np.bincount(label)[rows] / len(z)
    energy = np.maximum(to_all - to_others[others].mean(), 0) / rest**2
    found = inside / (size * (size - 1)), between, energy, p
    return tuple(np.where(np.isfinite(between), one, np.nan) for one in found)


def _shuffled(
    z: np.ndarray,
    to_others: np.ndarray,
    size: np.ndarray,
    observed: np.ndarray,
    permutations: int,
    random: np.random.Generator,
) -> np.ndarray:
    """p of the classes of these sizes, whose distances to all are ``observed``.

    Shuffled labels make a class a random set of images, and a random order of images begins with
    such a set of every size.
    """
    sizes, place = np.unique(size, return_inverse=True)
    energy = np.empty((permutations, len(sizes)))
    for number in range(permutations):
        drawn = random.choice(len(z), sizes[-1], replace=False)
        away = np.cumsum(to_others[drawn])[sizes - 1] / sizes
        energy[number] = 2 * away - _sums_from_first(z[drawn])[sizes - 1] / sizes**2
    return permutation_p(energy[:, place], observed, _EQUAL)


def _drawn(numbers: np.ndarray, most: int, random: np.random.Generator) -> np.ndarray:
    return numbers if len(numbers) <= most else random.choice(numbers, most, replace=False)


def _to_rest(z: np.ndarray, rest: np.ndarray) -> float:
    return float(_mean_distance(z, rest).mean()) if len(rest) else np.nan


def _mean_distance(z: np.ndarray, others: np.ndarray) -> np.ndarray:
    """``(n,)`` mean distance of each row to ``others``."""
    parts = (z[start : start + _ROWS] for start in range(0, len(z), _ROWS))
    return np.concatenate([_distances(part, others).mean(1) for part in parts])


def _sums_from_first(z: np.ndarray) -> np.ndarray:
    """``(n,)`` sums of the distances between the first 1, 2, … n rows, each pair twice."""
    return 2 * np.cumsum(np.tril(_distances(z, z), -1).sum(1))


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Euclidean distances ``(n, m)`` of rows; by a product of matrices, which is quick."""
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1) - 2 * first @ second.T
    return np.sqrt(np.maximum(squares, 0))
