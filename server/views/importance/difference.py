"""How the mean effect of each head differs between two brushes: Welch's t test. Pure."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from headbrush.server.stores.trends.false_discovery import adjusted

_LEVEL = 0.975
"""Of a two-sided interval of 95 %."""


@dataclass(frozen=True)
class Differences:
    """One value per head, ``(L·H,)`` float64; NaN where it is not defined.

    Attributes
    ----------
    first, second
        Means of the two brushes.
    difference
        ``first`` − ``second``.
    low, high
        Ends of its 95 % interval; none with fewer than two images in a brush, or where a head has
        the same value in all images of both: the spread is then unknown.
    p
        Two-sided, by Welch's t; undefined where the interval is.
    adjusted
        ``p`` after Benjamini and Hochberg's correction over the heads.
    """

    first: np.ndarray
    second: np.ndarray
    difference: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    adjusted: np.ndarray


def head_differences(first: np.ndarray, second: np.ndarray) -> Differences:
    """Compare two brushes.

    Parameters
    ----------
    first, second
        ``(n, L·H)`` values of the images of each brush.
    """
    means, errors, freedoms = zip(
        *(_of_brush(np.asarray(v, float)) for v in (first, second)), strict=True
    )
    difference = means[0] - means[1]
    squared = errors[0] + errors[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        squared = np.where(squared > 0, squared, np.nan)
        freedom = squared**2 / sum(e**2 / f for e, f in zip(errors, freedoms, strict=True))
        error = np.sqrt(squared)
        reach = stdtrit(freedom, _LEVEL) * error
        p = 2 * stdtr(freedom, -np.abs(difference / error))
    return Differences(
        means[0], means[1], difference, difference - reach, difference + reach, p, adjusted(p)
    )


def _of_brush(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Means, their squared standard errors, and degrees of freedom; NaN where there are none."""
    count, heads = values.shape
    nothing = np.full(heads, np.nan)
    if count < 2:
        return (values[0] if count else nothing), nothing, np.nan
    is_equal = (values == values[0]).all(0)  # rounding would leave some variance
    return values.mean(0), np.where(is_equal, 0, values.var(0, ddof=1)) / count, count - 1
