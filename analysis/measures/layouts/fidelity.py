"""How faithful a layout is: what of a point's neighbourhood it shows, measured on a sample."""

from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors

from headbrush.analysis.store.schema import NEAREST

_SAMPLE = 2_000
"""Points whose neighbours are looked for, at most."""


@dataclass(frozen=True)
class Fidelity:
    """Shares of a point's nearest others, in [0, 1]; NaN where there are none, or no groups.

    Attributes
    ----------
    kept
        Of the nearest by the features, those that are among the nearest in the layout.
    same_group, same_group_features
        Of the nearest in the layout, and of the nearest by the features, those of the point's
        own group.
    """

    kept: float = float("nan")
    same_group: float = float("nan")
    same_group_features: float = float("nan")


def fidelity(
    features: np.ndarray,
    xy: np.ndarray,
    groups: np.ndarray | None = None,
    *,
    seed: int,
    nearest: int = NEAREST,
) -> Fidelity:
    """Compare the nearest of a seeded sample of points among all others, in both spaces.

    Parameters
    ----------
    features, xy
        ``(n, d)`` and ``(n, 2)``.
    groups
        ``(n,)`` int: which head each pattern belongs to. None: no groups.
    """
    nearest = min(nearest, len(features) - 1)
    if nearest < 1:
        return Fidelity()
    sample = np.sort(np.random.default_rng(seed).permutation(len(features))[:_SAMPLE])
    of_features, of_layout = (_others(space, sample, nearest) for space in (features, xy))
    kept = [
        len(set(one) & set(other))
        for one, other in zip(of_features.tolist(), of_layout.tolist(), strict=True)
    ]
    same = (float("nan"),) * 2
    if groups is not None:
        own = groups[sample, None]
        same = tuple(float((groups[near] == own).mean()) for near in (of_layout, of_features))
    return Fidelity(float(np.mean(kept) / nearest), *same)


def _others(space: np.ndarray, sample: np.ndarray, nearest: int) -> np.ndarray:
    """The nearest other points of every point of the sample, ``(sample, nearest)``."""
    found = NearestNeighbors(n_neighbors=nearest + 1).fit(space).kneighbors(space[sample])[1]
    is_self = found == sample[:, None]
    is_self[~is_self.any(1), -1] = True  # hidden among equal points: the last one goes instead
    return found[~is_self].reshape(len(sample), nearest)
