"""The first screen: the most important head by a metric of the store."""

from collections.abc import Callable, Sequence

import numpy as np

from headbrush.analysis.store.schema import NEIGHBOURS, OUTPUT_MAP
from headbrush.server.stores.heads import Head, rank_heads


class FirstChoice:
    """The first metric and head, and images that show why a head matters.

    Attributes
    ----------
    metric
        The divergence of the prediction, or the first metric with values if it has none.
    head
        The head with the largest mean of that metric.

    Parameters
    ----------
    importance
        From a metric to its values ``(m, L·H)``.
    correct
        ``(m,)`` bool, the images that are predicted correctly.
    kept
        Numbers of the images whose attention is stored.
    """

    def __init__(
        self,
        heads: Sequence[Head],
        importance: Callable[[str], np.ndarray],
        correct: np.ndarray,
        kept: np.ndarray,
    ) -> None:
        wanted = ("jsd", "gradient", NEIGHBOURS, OUTPUT_MAP)
        has_values = (metric for metric in wanted if np.isfinite(importance(metric)).any())
        self.metric = next(has_values, "patch")
        self._values, self._correct, self._kept = importance(self.metric), correct, kept
        self.head = heads[rank_heads(self._values.mean(0))[0]]

    def image_of(self, number: int) -> int:
        """A correctly predicted image whose attention is kept, to which a head matters most."""
        wanted = np.zeros(len(self._correct), bool)
        wanted[self._kept] = True
        for candidates in (wanted & self._correct, wanted, np.ones_like(wanted)):
            if candidates.any():
                effect = np.nan_to_num(self._values[:, number])
                return int(np.argmax(np.where(candidates, effect, -1)))
        return 0
