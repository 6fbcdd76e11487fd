"""Predictions under prune sets on several cores at once, where a model is too small to use them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from itertools import chain, repeat

import numpy as np
from torch import Tensor

from headbrush.analysis.model.pruning.prune_set import NOTHING, PruneSet
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.prune.predicting import PREFIX_BYTES, Predicted, Predictor

_MOST_COPIES = 4
_FIRST, _BATCH = (1, 4), 12
"""Images of the first batches, so that the first number is there soon, and then for each copy."""


class SideBySide:
    """Predicts the images of one question with a copy of the model for each core.

    An image is always predicted by the same copy, which keeps what enters its blocks. A model that
    uses all cores by itself, or was not loaded by a name, is not copied.

    Parameters
    ----------
    load
        Gives the model's input for some images, ``(B, C, H, W)``; several threads call it.
    most_bytes
        What may be kept.
    copies
        How many copies; by default one for each core, four at most.
    """

    def __init__(
        self,
        model: VisionModel,
        load: Callable[[Sequence[int]], Tensor],
        most_bytes: int = PREFIX_BYTES,
        copies: int | None = None,
    ) -> None:
        count = copies or model.copies_at_once(_MOST_COPIES)
        models = [model, *(deepcopy(model) for _ in range(count - 1))]
        self._predictors = [Predictor(one, load, most_bytes // count) for one in models]
        self._others = ThreadPoolExecutor(max(1, count - 1), "headbrush-predicting")

    def stream(self, images: Sequence[int], pruned: PruneSet) -> Iterator[Predicted]:
        """Predict batch by batch, the first ones small; stop asking to cancel."""
        sizes, place = chain(_FIRST, repeat(_BATCH * len(self._predictors))), 0
        while place < len(images):
            size = next(sizes)
            yield self.predict(images[place : place + size], pruned)
            place += size

    def predict(self, images: Sequence[int], pruned: PruneSet = NOTHING) -> Predicted:
        """Predict some images, in their order.

        Raises
        ------
        InputError
            If the set names a head that the model does not have.
        """
        owner = np.asarray(images, int) % len(self._predictors)
        order = np.argsort(owner, kind="stable")
        shares = [
            (predictor, [images[place] for place in order if owner[place] == number])
            for number, predictor in enumerate(self._predictors)
        ]
        (first, *rest) = [(one, some) for one, some in shares if some]
        waiting = [self._others.submit(one.predict, some, pruned) for one, some in rest]
        parts = [first[0].predict(first[1], pruned), *(each.result() for each in waiting)]
        back = np.argsort(order, kind="stable")
        output, probability = (
            np.concatenate([getattr(part, name) for part in parts])[back]
            for name in ("output", "probability")
        )
        return Predicted(np.asarray(images, int), output, probability)

    def close(self) -> None:
        """End the threads."""
        self._others.shutdown(wait=False, cancel_futures=True)
