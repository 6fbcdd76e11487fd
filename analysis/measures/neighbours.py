"""Importance of a head without any label: which images no longer look like an image without it.

Of the images whose features are nearest to those of an image, by cosine, the share that are not
among as many nearest ones any more when its head is pruned; the other images are not pruned.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from headbrush.analysis.measures.importance import pruned_outputs, resumed
from headbrush.analysis.model.tracing import Trace
from headbrush.analysis.model.vision_model import VisionModel

NEAREST = 10
"""Neighbours of an image; of few images at most half of the others."""
MOST_COMPARED = 2_000
"""Images among which neighbours are sought."""


def features_of(model: VisionModel, output: Tensor, leading: int = 1) -> Tensor:
    """Features ``(…, d)`` in what a model without classifier puts out.

    Parameters
    ----------
    output
        ``(…, d)`` or, of a model that does not pool its tokens, ``(…, T, d)``: then the mean over
        the patches.
    leading
        Number of the leading dimensions.
    """
    if output.ndim > leading + 1:
        output = output[..., model.geometry.num_prefix_tokens :, :].mean(-2)
    return output.float()


class Neighbours:
    """The images among which those near to an image are sought.

    Parameters
    ----------
    features
        ``(m, d)`` of all images; of more than ``MOST_COMPARED``, some are taken.
    """

    def __init__(self, features: np.ndarray) -> None:
        count = min(len(features), MOST_COMPARED)
        self._numbers = torch.linspace(0, len(features) - 1, count, dtype=torch.float64).long()
        chosen = torch.from_numpy(features[self._numbers.numpy()].astype(np.float32))
        self._directions = torch.nn.functional.normalize(chosen, dim=-1)  # (n, d)

    def lost(self, images: Sequence[int], before: Tensor, after: Tensor) -> Tensor:
        """``(N, B)`` in [0, 1], the share of the nearest images that are so no more.

        Parameters
        ----------
        images
            ``(B,)`` numbers of the images; an image is no neighbour of its own.
        before, after
            Features ``(B, d)``, and of N pruned variants ``(N, B, d)``.

        NaN where an image has fewer than two others.
        """
        others = len(self._numbers) - 1
        count = min(NEAREST, others // 2)
        if count < 1:
            return torch.full(after.shape[:2], torch.nan)
        nearest = self._nearest(images, before[None], count)  # (1, B, k)
        now = self._nearest(images, after, count)  # (N, B, k)
        kept = (now[..., None] == nearest[:, :, None]).any(-1)
        return 1 - kept.float().mean(-1)

    def _nearest(self, images: Sequence[int], features: Tensor, count: int) -> Tensor:
        # (N, B, d) x (d, n) -> (N, B, n)
        alike = torch.nn.functional.normalize(features.cpu(), dim=-1) @ self._directions.T
        own = torch.tensor(list(images))[:, None] == self._numbers  # (B, n)
        return alike.masked_fill(own, -torch.inf).topk(count, dim=-1).indices


@torch.inference_mode()
def neighbours_lost(
    model: VisionModel,
    traced: Trace,
    images: Sequence[int],
    neighbours: Neighbours,
    modes: Sequence[int] = (1,),
) -> np.ndarray:
    """What :meth:`Neighbours.lost` says of every head, ``(mode, B, L, H)`` float32.

    ``images`` are the numbers ``(B,)`` of the traced images among those of ``neighbours``.
    """
    before = features_of(model, traced.output)
    shape = (len(modes), len(images), len(traced.layers), model.geometry.num_heads)
    result = np.full(shape, np.nan, np.float32)
    for layer in range(len(traced.layers)):
        for position, mode in enumerate(modes):
            pruned = pruned_outputs(model, traced, layer, mode)  # (H, B, T, C)
            after = features_of(model, resumed(model, traced, layer, pruned), 2)
            result[position, :, layer] = neighbours.lost(images, before, after).T.numpy()
    return result
