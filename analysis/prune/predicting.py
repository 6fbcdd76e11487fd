"""What the model predicts under a prune set, and what more pruning would change then."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.model.capture import resume_from_block
from headbrush.analysis.model.pruning.prune_set import NOTHING, PruneSet
from headbrush.analysis.model.tracing import LayerTrace, Trace, running_without, trace
from headbrush.analysis.model.vision_model import VisionModel

PREFIX_BYTES = 512 * 2**20
"""What is kept of images between prune sets, at most."""


@dataclass(frozen=True)
class Predicted:
    """Predictions of some images under a prune set.

    Attributes
    ----------
    images
        ``(n,)`` their places in the store.
    output
        ``(n, K)`` float32: logits, or what the model puts out.
    probability
        ``(n, classes)`` float32.
    """

    images: np.ndarray
    output: np.ndarray
    probability: np.ndarray


class Predictor:
    """Predicts many images under one prune set after the other.

    What enters the blocks up to the first pruned layer does not depend on the set, and is kept
    for the next one where the model allows it.

    Parameters
    ----------
    load
        Gives the model's input for some images, ``(B, C, H, W)``.
    most_bytes
        What may be kept.
    """

    def __init__(
        self,
        model: VisionModel,
        load: Callable[[Sequence[int]], Tensor],
        most_bytes: int = PREFIX_BYTES,
    ) -> None:
        self.model = model
        self._load, self._most, self._used = load, most_bytes, 0
        self._states: dict[tuple[int, int], Tensor] = {}  # image, layer: what enters the block
        self._reference: Trace | None = None

    @torch.inference_mode()
    def predict(self, images: Sequence[int], pruned: PruneSet = NOTHING) -> Predicted:
        """Predict one batch.

        Raises
        ------
        InputError
            If the set names a head that the model does not have.
        """
        pruned.demand_within(len(self.model.sites), self.model.geometry.num_heads)
        output = self._output(list(images), pruned)
        probability = self.model.kind.probability(output)
        found = (one.float().cpu().numpy() for one in (output, probability))
        return Predicted(np.asarray(images, int), *found)

    def _output(self, images: list[int], pruned: PruneSet) -> Tensor:
        model = self.model
        if not model.shortcuts.tail:
            with running_without(model, pruned):
                return model.outputs(self._load(images))
        first = pruned.layers[0] if pruned else len(model.sites) - 1
        known = [self._deepest(image, first) for image in images]
        if min(known) < 0:
            traced = trace(model, self._load(images), pruned)
            if self._reference is None:
                self._reference = _without_images(traced)
            for layer, record in enumerate(traced.layers[: first + 1]):
                self._keep(images, layer, record.block_input)
            return traced.output
        start = min(known)
        states = torch.stack([self._states[image, start] for image in images])

        def passed(layer: int, entering: Tensor) -> None:
            if start < layer <= first:
                self._keep(images, layer, entering)

        return resume_from_block(model, self._under(pruned), start, states, passed)

    def _under(self, pruned: PruneSet) -> Trace:
        """The reference, with the modes of another set; only its blocks' arguments are used."""
        assert self._reference is not None
        layers = tuple(
            replace(record, pruned=pruned.of_layer(layer))
            for layer, record in enumerate(self._reference.layers)
        )
        return replace(self._reference, layers=layers, pruned=pruned)

    def _deepest(self, image: int, first: int) -> int:
        """The last layer up to ``first`` of which the image's states are kept; -1: none."""
        return next((at for at in range(first, -1, -1) if (image, at) in self._states), -1)

    def _keep(self, images: list[int], layer: int, states: Tensor) -> None:
        size = states.nbytes // len(states)
        for image, state in zip(images, states, strict=True):
            if (image, layer) not in self._states and self._used + size <= self._most:
                self._states[image, layer] = state
                self._used += size


def _without_images(traced: Trace) -> Trace:
    """The trace without the tensors that belong to its images."""
    none = torch.empty(0)
    layers = tuple(_bare(record, none) for record in traced.layers)
    return replace(traced, images=none, layers=layers)


def _bare(record: LayerTrace, none: Tensor) -> LayerTrace:
    return replace(
        record,
        block_input=none,
        block_output=none,
        attention_input=none,
        call=replace(record.call, query=none, key=none, value=none),
        head_output=none,
        output=none,
    )


def conditional_importance(
    model: VisionModel, traced: Trace, label: int, layers: Sequence[int] | None = None
) -> np.ndarray:
    """e(b|S): what pruning one more head b changes, on top of the set S of a trace of one image.

    ``e(b|S) = f(S) − f(S ∪ b)`` for the probability; the others are distances between S and S ∪ b.

    Returns
    -------
    ``(metric, L, H)`` float32, the ``PRUNING_METRICS``; 0 for heads of S. NaN for heads of other
    ``layers`` than the asked ones.
    """
    found = leave_one_out(model, traced, torch.tensor([label]), layers=layers)[:, 0, 0]
    for part in traced.pruned:
        if part.mode == 1:
            gone = found[:, part.layer, part.head]
            gone[np.isfinite(gone)] = 0
    return found
