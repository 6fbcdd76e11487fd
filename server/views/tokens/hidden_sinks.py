"""Attention without what is paid to sinks. Pure."""

import numpy as np

from headbrush.analysis.explain.words import HEAVY


def without_sinks(attention: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Attention ``(T, T)`` without its sinks, and their tokens.

    Each row is divided by what is left of it, so that it sums to 1 again; one that has nothing left
    is 0.
    """
    mass = attention.mean(0, dtype=float) * len(attention)
    sinks = np.flatnonzero(mass >= HEAVY)
    kept = np.array(attention, np.float32)
    kept[:, sinks] = 0
    left = kept.sum(1, keepdims=True)
    return np.divide(kept, left, out=np.zeros_like(kept), where=left > 0), sinks
