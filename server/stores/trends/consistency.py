"""Whether the images of one class use the heads alike: energy distance between classes. Pure."""

from dataclasses import dataclass

import numpy as np

from headbrush.server.stores.trends.classes import LEVEL
from headbrush.server.stores.trends.statistics.false_discovery import adjusted
from headbrush.server.stores.trends.statistics.normal_scores import normal_scores

MOST_IMAGES = 1000
"""Pairs of so many images are compared; of more, a sample is drawn."""


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
        Of the energy distance under shuffled labels, at least 1 / (permutations + 1).
    fdr
        ``p`` after Benjamini and Hochberg's correction.
    count
        ``(classes,)`` images that were compared.
    images
        ``(n,)`` numbers of all images that were compared.
    """

    within: np.ndarray
    between: np.ndarray
    energy: np.ndarray
    p: np.ndarray
    fdr: np.ndarray
    count: np.ndarray
    images: np.ndarray

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
        As of :func:`class_trends`; the seed also draws the sample of many images.
    """
    from scipy.spatial.distance import cdist  # a server would start later

    random = np.random.default_rng(seed)
    known = np.flatnonzero(label >= 0)
    if len(known) > MOST_IMAGES:
        known = np.sort(random.choice(known, MOST_IMAGES, replace=False))
    label = label[known]
    z = normal_scores(values[known])
    count = np.bincount(label, minlength=classes)
    rows = np.flatnonzero((count >= 2) & (len(known) - count >= 2))
    results = [np.full(classes, np.nan) for _ in range(4)]
    if len(rows) and z.shape[1]:
        distance = cdist(z, z) / np.sqrt(z.shape[1])
        found = _tested(distance, label, count, permutations, random)
        for result, of_all in zip(results, found, strict=True):
            result[rows] = of_all[rows]
    within, between, energy, p = results
    return Consistency(within, between, energy, p, adjusted(p), count, known)


def _tested(
    distance: np.ndarray,
    label: np.ndarray,
    count: np.ndarray,
    permutations: int,
    random: np.random.Generator,
) -> tuple[np.ndarray, ...]:
    """Within, between, energy distance and p of all classes; some are not defined."""
    rest = len(label) - count
    with np.errstate(invalid="ignore", divide="ignore"):
        inside, across, energy = _sums(distance, label, count)
        reached = np.zeros(len(count))
        for _ in range(permutations):
            reached += _sums(distance, random.permutation(label), count)[2] >= energy - 1e-12
        p = (1 + reached) / (1 + permutations)
        return inside / (count * (count - 1)), across / (count * rest), energy, p


def _sums(
    distance: np.ndarray, label: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums of distances within each class and across, and the energy distance."""
    from scipy.sparse import csc_array  # a server would start later

    total, rest = len(label), len(label) - count
    begins = np.arange(total + 1)
    members = csc_array((np.ones(total), label, begins), shape=(len(count), total))
    to_class = members @ distance
    of_own = to_class[label, begins[:-1]]
    inside = np.bincount(label, weights=of_own, minlength=len(count))
    across = to_class.sum(1) - inside
    outside = distance.sum() - inside - 2 * across
    return inside, across, 2 * across / (count * rest) - inside / count**2 - outside / rest**2
