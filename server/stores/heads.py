"""One attention head of a model, by layer and head, and by its number over all layers."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Head:
    """A head.

    Attributes
    ----------
    layer, head
        The layer, and the head within the layer, both from 0.
    number
        ``layer·H + head``, its place among all heads.
    """

    layer: int
    head: int
    number: int

    def __str__(self) -> str:
        """``L3·H2``."""
        return f"L{self.layer}·H{self.head}"


def rank_heads(values: np.ndarray) -> list[int]:
    """Numbers of all heads, the largest value first, equal ones by number, NaN last.

    Parameters
    ----------
    values
        ``(L·H,)``.
    """
    return np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable").tolist()
