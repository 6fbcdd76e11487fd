"""p of values beyond all permutations. Pure."""

import numpy as np


def permutation_p(drawn: np.ndarray, observed: np.ndarray, equal: float) -> np.ndarray:
    """Share of permutations that reach a value; beyond all of them, that of a fitted tail.

    The tail is Pearson's type III with the mean, variance and skewness of the permutations, as is
    usual for statistics of distances (Berry and Mielke 1983): many classes can be told apart only
    by a p far below 1 / permutations.

    Parameters
    ----------
    drawn
        ``(permutations, n)`` values under shuffled labels.
    observed
        ``(n,)``.
    equal
        Values that differ by less are equal.

    Returns
    -------
    ``(n,)``: (1 + reached) / (1 + permutations); where none reached it, at most that.
    """
    reached = (drawn >= observed - equal).sum(0)
    p = (1 + reached) / (1 + len(drawn))
    return np.where(reached == 0, np.minimum(p, _pearson(drawn, observed)), p)


def _pearson(drawn: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Upper tail of Pearson's type III; 1 where the draws do not vary."""
    from scipy.special import gammaincc, ndtr  # a server would start later

    spread = drawn.std(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (observed - drawn.mean(0)) / spread
        skew = (((drawn - drawn.mean(0)) / spread) ** 3).mean(0)
        shape = 4 / skew**2
        gamma = gammaincc(shape, np.maximum(shape + 2 * z / skew, 0))
    # of a negative skewness the tail is bounded, of the normal distribution it is longer
    return np.where(spread > 0, np.where(skew > 1e-3, gamma, ndtr(-z)), 1.0)
