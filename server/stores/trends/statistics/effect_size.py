"""Hedges' g of belonging to a group, by its correlation with the values. Pure."""

import numpy as np


def standardized(values: np.ndarray) -> np.ndarray:
    """Columns of ``(n, columns)`` with mean 0 and variance 1; NaN where a column is constant."""
    values = np.asarray(values, float)
    if not len(values):
        return values
    is_equal = (values == values[0]).all(0)  # rounding would leave some variance
    with np.errstate(invalid="ignore"):
        centered = values - values.mean(0)
        return centered / np.where(is_equal, np.nan, np.sqrt((centered**2).mean(0)))


def t_of(correlation: np.ndarray, total: np.ndarray | int) -> np.ndarray:
    """Student's t, with ``total`` − 2 degrees of freedom, of a correlation over so many images."""
    with np.errstate(divide="ignore"):
        return correlation * np.sqrt((total - 2) / np.maximum(1 - correlation**2, 0))


def hedges_g(correlation: np.ndarray, count: np.ndarray | int, total: int) -> np.ndarray:
    """Mean within the group less mean outside, in pooled standard deviations, bias corrected.

    Parameters
    ----------
    correlation
        Of belonging to a group of ``count`` among ``total`` images with the values; g is a
        monotonic function of it.
    """
    correct = 1 - 3 / (4 * (total - 2) - 1)
    return t_of(correlation, total) * np.sqrt(1 / count + 1 / (total - count)) * correct
