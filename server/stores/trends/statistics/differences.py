"""How the mean effect of each head differs between two sets of images. Pure."""

from dataclasses import dataclass

import numpy as np

from headbrush.server.stores.trends.statistics.false_discovery import adjusted

LEVEL = 0.975
"""Of a two-sided interval of 95 %."""


@dataclass(frozen=True)
class Differences:
    """One value per head, ``(L·H,)`` float64; NaN where it is not defined.

    Attributes
    ----------
    first, second
        Means of the two sets.
    difference
        ``first`` − ``second``.
    low, high
        Ends of its 95 % interval; none with fewer than two images in a set, or where there is no
        spread: it is then unknown.
    p
        Two-sided, by Welch's t, or Student's of pairs; undefined where the interval is.
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
    """Compare two sets of images by Welch's t.

    Parameters
    ----------
    first, second
        ``(n, L·H)`` values of the images of each set.
    """
    means, errors, freedoms = zip(
        *(_of_set(np.asarray(v, float)) for v in (first, second)), strict=True
    )
    squared = errors[0] + errors[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = squared**2 / sum(e**2 / f for e, f in zip(errors, freedoms, strict=True))
    return _tested(means[0], means[1], squared, freedom)


def paired_differences(first: np.ndarray, second: np.ndarray) -> Differences:
    """Compare the same images twice by Student's t of pairs.

    Parameters
    ----------
    first, second
        ``(n, columns)`` values of the same images, n at least 1.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    _, squared, freedom = _of_set(first - second)
    return _tested(first.mean(0), second.mean(0), squared, np.asarray(freedom))


def _tested(
    first: np.ndarray, second: np.ndarray, squared: np.ndarray, freedom: np.ndarray
) -> Differences:
    """Interval and p of Student's t; none without spread."""
    from scipy.special import stdtr, stdtrit  # a server would start later

    difference = first - second
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(np.where(squared > 0, squared, np.nan))
        reach = stdtrit(freedom, LEVEL) * error
        p = 2 * stdtr(freedom, -np.abs(difference / error))
    return Differences(
        first, second, difference, difference - reach, difference + reach, p, adjusted(p)
    )


def _of_set(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Means, their squared standard errors, and degrees of freedom; NaN where there are none."""
    count, heads = values.shape
    nothing = np.full(heads, np.nan)
    if count < 2:
        return (values[0] if count else nothing), nothing, np.nan
    is_equal = (values == values[0]).all(0)  # rounding would leave some variance
    return values.mean(0), np.where(is_equal, 0, values.var(0, ddof=1)) / count, count - 1
