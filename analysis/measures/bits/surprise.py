"""How unlike the other images' a head's attention in one image is, and images that stand out."""

import numpy as np

from headbrush.analysis.measures.bits.parts import Division

_SMALLEST = 2.0**-25
"""Half of the smallest number of 16 bits, as which attention is kept."""
FIXED_SHARE = 0.1
"""Content of a head that looks the same in every image, as a share of what is fixed."""
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


def anomaly(surprises: np.ndarray, division: Division) -> np.ndarray:
    """How far each image stands out, ``(m,)``; NaN where no head looks the same in every image.

    Of the heads whose content is at most a tenth of what is fixed: the surprise ``(m, heads)`` in
    standard deviations above its mean over the images, the mean of the three largest.
    """
    chosen = surprises[:, division.content <= FIXED_SHARE * division.fixed]
    if not chosen.shape[1]:
        return np.full(len(surprises), np.nan)
    deviation = chosen.std(0)
    scores = (chosen - chosen.mean(0)) / np.where(deviation > 0, deviation, 1)
    return np.sort(scores, 1)[:, -_STRONGEST:].mean(1)
