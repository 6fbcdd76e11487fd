"""Correction of many p values; scipy.stats has it too, and would make a server start later."""

import numpy as np


def adjusted(p: np.ndarray) -> np.ndarray:
    """``p`` ``(n,)`` after Benjamini and Hochberg's correction; NaN is left out and stays."""
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    result = np.full(len(p), np.nan)
    result[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return result
