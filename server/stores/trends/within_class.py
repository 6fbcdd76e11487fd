"""Which heads matter more, or less, where a class is predicted wrongly than where rightly. Pure."""

import numpy as np

from headbrush.server.stores.trends.classes import ClassTrends
from headbrush.server.stores.trends.statistics.effect_size import hedges_g, standardized, t_of
from headbrush.server.stores.trends.statistics.false_discovery import adjusted

_CHUNK_BYTES = 32 << 20


def within_class_trends(
    values: np.ndarray,
    label: np.ndarray,
    is_wrong: np.ndarray,
    classes: int,
    permutations: int = 1000,
    seed: int = 0,
) -> ClassTrends:
    """Compare the wrong predictions of each class with its right ones, in every column.

    Right and wrong are shuffled within each class. The family-wise p is that of the least p of
    Student's t over all cells, as classes differ in size.

    Parameters
    ----------
    values
        ``(images, columns)``, as of :func:`class_trends`.
    label
        ``(images,)`` class of each image, −1 unknown: such images are left out.
    is_wrong
        ``(images,)`` bool.
    classes
        How many classes there are; one with fewer than two wrong or two right images has no result.
    permutations, seed
        As of :func:`class_trends`.
    """
    wrong = np.bincount(label[(label >= 0) & is_wrong], minlength=classes)
    right = np.bincount(label[(label >= 0) & ~is_wrong], minlength=classes)
    shape = (classes, values.shape[1])
    g, p, of_t = (np.full(shape, np.nan) for _ in range(3))
    least = np.ones(permutations)
    for one in np.flatnonzero((wrong >= 2) & (right >= 2)).tolist():
        is_of_class = label == one
        z = standardized(values[is_of_class])
        columns = np.flatnonzero(np.isfinite(z).all(0))
        if len(columns):
            random = np.random.default_rng([seed, one])
            found = _tested(z[:, columns], is_wrong[is_of_class], permutations, random, least)
            for result, values_of_class in zip((g, p, of_t), found, strict=True):
                result[one, columns] = values_of_class
    ordered = np.sort(least)
    reached = np.searchsorted(ordered, of_t * (1 + 1e-9), side="right")
    family_p = np.where(np.isfinite(of_t), (1 + reached) / (1 + permutations), np.nan)
    return ClassTrends(g, p, adjusted(p.ravel()).reshape(shape), family_p, wrong, right)


def _tested(
    z: np.ndarray,
    is_wrong: np.ndarray,
    permutations: int,
    random: np.random.Generator,
    least: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """g, p and Student's p of one class; ``least`` of each permutation gets its least p."""
    total, count = len(z), int(is_wrong.sum())
    scale = np.sqrt(count * (total - count))
    observed = is_wrong @ z / scale
    reached = np.zeros(len(observed), int)
    size = max(1, _CHUNK_BYTES // (8 * total))
    for start in range(0, permutations, size):
        part = slice(start, min(start + size, permutations))
        rows = np.tile(is_wrong, (part.stop - start, 1))
        shuffled = np.abs(random.permuted(rows, axis=1) @ z / scale)
        reached += (shuffled >= np.abs(observed) - 1e-9).sum(0)
        np.minimum(least[part], _two_sided(shuffled.max(1), total), out=least[part])
    p = (1 + reached) / (1 + permutations)
    return hedges_g(observed, count, total), p, _two_sided(observed, total)


def _two_sided(correlation: np.ndarray, total: int) -> np.ndarray:
    from scipy.special import stdtr  # a server would start later

    return 2 * stdtr(total - 2, -np.abs(t_of(correlation, total)))
