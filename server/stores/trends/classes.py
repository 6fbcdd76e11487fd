"""Which heads matter more, or less, to one class than to the rest. Pure."""

from dataclasses import dataclass

import numpy as np

from headbrush.server.stores.trends.statistics.effect_size import hedges_g, standardized
from headbrush.server.stores.trends.statistics.false_discovery import adjusted

LEVEL = 0.01
"""A store without any trend has a family-wise p up to this with at most this probability."""
MANY = 1 << 22
"""Values, from which on single precision halves the time and the memory."""


@dataclass(frozen=True)
class ClassTrends:
    """One value per class and column, ``(classes, columns)`` float64; NaN where not defined.

    Attributes
    ----------
    g
        Hedges' g: mean of the class minus mean of the rest, in pooled standard deviations; or of
        the class's wrong predictions minus its right ones.
    p
        Two-sided permutation p of one cell, at least 1 / (permutations + 1).
    fdr
        ``p`` after Benjamini and Hochberg's correction over all cells.
    family_p
        Probability, under shuffled labels, that any cell is as extreme as this one.
    count, rest
        ``(classes,)`` images of each class, or wrong ones; and those they are compared with.
    """

    g: np.ndarray
    p: np.ndarray
    fdr: np.ndarray
    family_p: np.ndarray
    count: np.ndarray
    rest: np.ndarray

    @property
    def clearest(self) -> np.ndarray:
        """Numbers of the classes that have a result, that with the largest t first, of either sign.

        The largest g would often be that of the smallest class.
        """
        rows = np.flatnonzero(np.isfinite(self.g).any(1))
        count, rest = self.count[rows], self.rest[rows]
        largest = np.nanmax(np.abs(self.g[rows]), 1, initial=0)
        return rows[np.argsort(-largest * np.sqrt(count * rest / (count + rest)), kind="stable")]


def class_trends(
    values: np.ndarray, label: np.ndarray, classes: int, permutations: int = 1000, seed: int = 0
) -> ClassTrends:
    """Compare each class with all other images, in every column.

    Parameters
    ----------
    values
        ``(images, columns)``, for instance one column per head and metric. A column that is
        constant or not finite everywhere has no result.
    label
        ``(images,)`` class of each image, −1 unknown: such images are left out.
    classes
        How many classes there are; those with fewer than two images, inside or outside, have no
        result.
    permutations
        How often the labels are shuffled, at least 1.
    seed
        Of the shuffling; the result depends on nothing else.

    Raises
    ------
    ValueError
        If ``permutations`` is below 1.
    """
    if permutations < 1:
        raise ValueError(f"permutations must be at least 1, not {permutations}")
    is_known = label >= 0
    label = label[is_known]
    count = np.bincount(label, minlength=classes)
    total = len(label)
    z = standardized(values[is_known])
    columns = np.flatnonzero(np.isfinite(z).all(0)) if total else np.array([], int)
    rows = np.flatnonzero((count >= 2) & (total - count >= 2))
    if not len(rows) or not len(columns):
        nothing = np.full((classes, values.shape[1]), np.nan)
        return ClassTrends(nothing, nothing, nothing, nothing, count, total - count)
    kind = np.float32 if z.size >= MANY else np.float64
    kept = np.ascontiguousarray(z[:, columns], kind)
    results = _tested(kept, label, count, rows, permutations, seed)
    place, shape = np.ix_(rows, columns), (classes, values.shape[1])
    g, p, fdr, family_p = (_placed(result, place, shape) for result in results)
    return ClassTrends(g, p, fdr, family_p, count, total - count)


def _tested(
    z: np.ndarray,
    label: np.ndarray,
    count: np.ndarray,
    rows: np.ndarray,
    permutations: int,
    seed: int,
) -> tuple[np.ndarray, ...]:
    """g, p, its correction and the family-wise p of the classes ``rows``."""
    from scipy.sparse import csc_array  # a server would start later

    total = len(label)
    scale = np.sqrt(count[rows] * (total - count[rows]))[:, None]
    ones, begins = np.ones(total, z.dtype), np.arange(total + 1)

    def correlation(label: np.ndarray) -> np.ndarray:
        """Of belonging to a class with the values; reads the values in order, which is quick."""
        members = csc_array((ones, label, begins), shape=(len(count), total))
        return (members @ z)[rows] / scale

    observed = correlation(label)
    equal = 1e-9 if z.dtype == np.float64 else 1e-7
    extreme = np.abs(observed) - equal  # sums in another order count as equal
    reached = np.zeros(observed.shape, np.int64)
    largest = np.empty(permutations)
    random = np.random.default_rng(seed)
    for number in range(permutations):
        shuffled = np.abs(correlation(random.permutation(label)))
        reached += shuffled >= extreme
        largest[number] = shuffled.max()
    p = (1 + reached) / (1 + permutations)
    beyond = permutations - np.searchsorted(np.sort(largest), extreme)
    fdr = adjusted(p.ravel()).reshape(p.shape)
    return (
        hedges_g(observed, count[rows][:, None], total),
        p,
        fdr,
        (1 + beyond) / (1 + permutations),
    )


def _placed(values: np.ndarray, place: tuple, shape: tuple[int, int]) -> np.ndarray:
    result = np.full(shape, np.nan)
    result[place] = values
    return result
