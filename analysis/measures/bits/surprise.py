"""How unlike the other images' a head's attention in one image is, and images that stand out."""

import numpy as np

from headbrush.analysis.measures.bits.parts import Division

_SMALLEST = 2.0**-25
"""Half of the smallest number of 16 bits, as which attention is kept."""
_STEADY_PART = 3
"""One of so many heads counts as steady."""
_STRONGEST = 3


def surprise(rows: np.ndarray, total: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Compare attention in each image with the mean over the other images.

    Parameters
    ----------
    rows
        ``(B, ..., S, P)`` of some images; rows sum to 1.
    total
        ``(..., S, P)``: the sum over all images, with these.
    count
        How many images there are; with less than two, there is nothing to compare.

    Returns
    -------
    KL divergence in bits from the mean of the others, and total variation: the share of the
    attention that moves, in [0, 1]. Both are ``(B, ...)``, means over the source patches.
    """
    if count < 2:
        nothing = np.full(rows.shape[:-2], np.nan, rows.dtype)
        return nothing, nothing
    others = np.maximum((total - rows) / (count - 1), _SMALLEST)
    ratio = np.log2(np.maximum(rows, _SMALLEST) / others)
    divergence = np.einsum("...sp,...sp->...", rows, ratio) / rows.shape[-2]
    return divergence, np.abs(rows - others).sum((-1, -2)) / (2 * rows.shape[-2])


def steady_heads(division: Division) -> np.ndarray:
    """Numbers of the heads that look most alike in all images: the third with the least content.

    Beside what is fixed. None where nothing is.
    """
    fixed = np.flatnonzero(division.fixed > 0)
    order = np.argsort(division.content[fixed] / division.fixed[fixed], kind="stable")
    return fixed[order][: max(_STRONGEST, len(division.fixed) // _STEADY_PART)]


def standing_out(surprises: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """How far images stand out from usual ones, ``(n,)``; NaN without heads.

    Surprise of some heads, ``(n, heads)``, in standard deviations above the mean of the ``usual``
    images, ``(m, heads)``: the mean of the three largest.
    """
    if not usual.shape[1]:
        return np.full(len(surprises), np.nan)
    deviation = usual.std(0)
    scores = (surprises - usual.mean(0)) / np.where(deviation > 0, deviation, 1)
    return np.sort(scores, 1)[:, -_STRONGEST:].mean(1)
