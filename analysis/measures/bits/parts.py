"""Where attention goes, divided into what decides it: fixed, class, within the class, spread.

Of one source patch that looks at P patches, ``log2 P`` bits are to be decided. With Q the attention
in one image, Q̄ that in the mean over the images and H the entropy in bits,

    log2 P = (log2 P - H(Q̄))  +  (H(Q̄) - mean H(Q))  +  mean H(Q)
             fixed               content                spread

where content is what the class decides, ``H(Q̄) - mean H(Q̄ of the class)``, and the rest within it.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Division:
    """Bits of some heads, ``(heads,)`` each; the four parts add up to log2 P.

    Attributes
    ----------
    fixed
        Decided in the same way in every image.
    by_class
        Decided by the class of the image; NaN where classes cannot be told apart.
    within
        Decided by the image itself; all that is not fixed where ``by_class`` is NaN.
    spread
        Not decided: attention is shared between patches.
    """

    fixed: np.ndarray
    by_class: np.ndarray
    within: np.ndarray
    spread: np.ndarray

    @property
    def content(self) -> np.ndarray:
        """Decided by the image, be it by its class or not."""
        return np.nan_to_num(self.by_class) + self.within

    def stacked(self) -> np.ndarray:
        """``(4, heads)`` in the order of the schema's ``PARTS``."""
        return np.stack([self.fixed, self.by_class, self.within, self.spread])


def entropy(rows: np.ndarray) -> np.ndarray:
    """Entropy in bits over the last axis, ``(...)``."""
    logarithms = np.log2(np.maximum(rows, np.finfo(rows.dtype).tiny))
    return -np.einsum("...p,...p->...", rows, logarithms)


def divide(
    num_patches: int, surprise: np.ndarray, spread: np.ndarray, by_class: np.ndarray
) -> Division:
    """The division over some images.

    Parameters
    ----------
    surprise, spread
        ``(m, heads)``: of every image, KL from the mean of the others, and the entropy; both are
        means over the source patches, in bits.
    by_class
        ``(heads,)``.
    """
    content, even = surprise.mean(0, dtype=np.float64), spread.mean(0, dtype=np.float64)
    within = content - np.nan_to_num(by_class)
    return Division(np.log2(num_patches) - content - even, by_class, within, even)
