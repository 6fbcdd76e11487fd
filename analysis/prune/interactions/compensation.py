"""Who makes up for a head that is gone: the effect of pruning it, taken apart without a rest.

Along the frozen directions of :mod:`headbrush.analysis.explain.direct`, a head b that is pruned
takes its direct contribution from the logit of a class. Later heads and MLPs then put out something
else, and the final norm scales by something else, so that

    total = direct − Σ heads' response − Σ MLPs' response − norm's rescaling,

where total = f(unpruned) − f(pruned). A response is what a part adds to the logit when b is gone,
less what it added before: above 0 it makes up for b, below 0 it makes things worse. This tells what
did change when b went, not what would be lost if the answering part went too.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from headbrush.analysis.explain.direct import (
    TOLERANCE,
    Direct,
    class_logits,
    direct_contributions,
    logit_range,
)
from headbrush.analysis.explain.refusal import InexactError
from headbrush.analysis.measures.importance import pruned_outputs, resumed, true_classes
from headbrush.analysis.model.modules.attention_calls import AttentionCall, AttentionSpy
from headbrush.analysis.model.tracing import Trace, forwards
from headbrush.analysis.model.vision_model import VisionModel


@dataclass(frozen=True)
class Compensation:
    """Effects of pruning each of N = L·H heads, of B images, in logits of one class of each.

    Attributes
    ----------
    total
        ``(B, N)``: f(unpruned) − f(pruned), by the outputs alone.
    parts
        ``(B, N, N + L + 2)``: for the pruned head of the row, the responses of every head and of
        the MLP of every layer, the norm's rescaling, and the direct contribution of the head
        itself. Heads of the same and of earlier layers, and MLPs of earlier ones, do not answer: 0.
        The norm is the one after the last layer, with pooling where attention pools; norms that
        stand within the layers of some models are in the same number.
    error
        ``(B,)``: the largest deviation of the identity, in ranges of the image's logits.
    """

    total: np.ndarray
    parts: np.ndarray
    error: np.ndarray


@torch.inference_mode()
def compensation(model: VisionModel, traced: Trace, labels: Tensor | None) -> Compensation:
    """Take the effect of pruning every head apart, by the runs of ``leave_one_out``.

    Parameters
    ----------
    traced
        Without pruned heads.
    labels
        ``(B,)`` true classes; where -1, or without labels, the predicted class is used.

    Raises
    ------
    InexactError
        If the logits of the model are no such sum, a clause that says why.
    """
    classes = true_classes(traced, labels)[:, None]  # (B, 1)
    found = direct_contributions(model, traced, classes)
    _demand_exact(found.error)
    layers, heads, count = len(traced.layers), model.geometry.num_heads, len(classes)
    parts = torch.zeros(count, layers * heads, layers * heads + layers + 2, dtype=torch.float64)
    total = torch.zeros(count, layers * heads, dtype=torch.float64)
    for layer in range(layers):
        rows = slice(layer * heads, (layer + 1) * heads)
        watched = _Watched(model, found, layer)
        after = resumed(
            model, traced, layer, pruned_outputs(model, traced, layer, 1), watched.during
        )
        lost = _lost(model, found, after, classes)  # (H, B)
        parts[:, rows] = watched.parts(traced, lost).transpose(0, 1).cpu()
        total[:, rows] = lost.T.cpu()
    left = parts[..., -1] - parts[..., :-1].sum(-1) - total
    if found.norms_inside:
        parts[..., -2] += left
        left = torch.zeros_like(left)
    error = left.abs().amax(1) / logit_range(traced.output).cpu()
    _demand_exact(error)
    return Compensation(total.numpy(), parts.numpy(), error.numpy())


def _lost(model: VisionModel, found: Direct, after: Tensor, classes: Tensor) -> Tensor:
    """f(unpruned) − f(pruned) of H variants ``(H, B, width)``: ``(H, B)`` float64."""
    logits = torch.stack([class_logits(model, one, classes)[0] for one in after])
    return (found.logit[0] - logits).double()


def _demand_exact(error: Tensor) -> None:
    if not float(error.max()) <= TOLERANCE:
        raise InexactError(
            "something beside norms and linear maps stands between the layers and its logits "
            f"(the sum over its parts is off by {float(error.max()):.1g} of their range)"
        )


@dataclass
class _Watched:
    """What the later parts of a model say, along the directions of the unpruned image, while it
    runs without each head of a layer.
    """

    model: VisionModel
    found: Direct
    layer: int
    _images: Tensor = field(default_factory=lambda: torch.empty(0))
    _heads: dict[int, list[Tensor]] = field(default_factory=dict)  # each (rows, H)
    _mlps: dict[int, list[Tensor]] = field(default_factory=dict)  # each (rows,)
    _last: list[Tensor] = field(default_factory=list)  # each (rows,)

    @contextmanager
    def during(self, images: Tensor) -> Iterator[None]:
        """While active, the model runs for rows of these traced images."""
        self._images = images
        active: list[int] = []
        later = range(self.layer, len(self.model.sites))
        replaced: dict[nn.Module, Callable[..., object]] = {}
        for layer in later:
            self._mlps.setdefault(layer, []).append(torch.zeros((), device=images.device))
            for module, vectors in self.found.mlp_weights[layer].items():
                replaced[module] = self._around_mlp(module.forward, layer, vectors[0])
            attention = self.model.sites[layer].attention
            replaced[attention] = _marking(attention.forward, layer, active)
        block = self.model.sites[-1].block
        replaced[block] = self._around_last(block.forward)

        def handle(_call: AttentionCall, proceed: Callable[[], Tensor]) -> Tensor:
            mixed = proceed()
            if active or self.model.shortcuts.rows is not None:  # the shortened last block
                self._note_heads(active[-1] if active else later[-1], mixed)
            return mixed

        with forwards(replaced), AttentionSpy(handle):
            yield

    def _note_heads(self, layer: int, mixed: Tensor) -> None:
        weights = self.found.weights[layer][0]  # (B, H, R, D)
        said = _product(self._of_rows(weights), mixed[:, :, : weights.shape[2]], 2)
        self._heads.setdefault(layer, []).append(said)

    def _around_mlp(
        self, forward: Callable[..., Tensor], layer: int, vectors: Tensor
    ) -> Callable[..., Tensor]:
        def noted(*args: object, **kwargs: object) -> Tensor:
            output = forward(*args, **kwargs)
            said = _product(self._of_rows(vectors), output[:, : vectors.shape[1]], 1)
            self._mlps[layer][-1] = self._mlps[layer][-1] + said
            return output

        return noted

    def _around_last(self, forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
        vectors = self.found.last[0]  # (B, R, C)

        def noted(*args: object, **kwargs: object) -> Tensor:
            tokens = forward(*args, **kwargs)
            self._last.append(_product(self._of_rows(vectors), tokens[:, : vectors.shape[1]], 1))
            return tokens

        return noted

    def _of_rows(self, values: Tensor) -> Tensor:
        return values if len(values) == 1 else values[self._images]

    def parts(self, traced: Trace, lost: Tensor) -> Tensor:
        """As those of :class:`Compensation`, ``(H, B, N + L + 2)``, when all have run.

        ``lost`` is the total effect, ``(H, B)``.
        """
        found, (heads, count) = self.found, lost.shape
        layers = len(traced.layers)
        result = torch.zeros(
            heads, count, layers * heads + layers + 2, dtype=torch.float64, device=lost.device
        )
        for layer, said in self._heads.items():
            answer = torch.cat(said).unflatten(0, (heads, count)) - found.head[0, :, layer]
            result[..., layer * heads : (layer + 1) * heads] = answer
        for layer, said in self._mlps.items():
            if found.mlp_weights[layer]:
                answer = torch.cat(said).unflatten(0, (heads, count)) - found.mlp[0, :, layer]
                result[..., layers * heads + layer] = answer
        last = traced.layers[-1].block_output
        assert isinstance(last, Tensor)  # or its contributions were refused
        before = _product(found.last[0], last[:, : found.last.shape[2]], 1)
        moved = torch.cat(self._last).unflatten(0, (heads, count)) - before
        result[..., -2] = -lost - moved
        result[..., -1] = found.head[0, :, self.layer].T
        return result


def _marking(
    forward: Callable[..., object], layer: int, active: list[int]
) -> Callable[..., object]:
    """A forward method that says of which layer it is while it runs."""

    def marked(*args: object, **kwargs: object) -> object:
        active.append(layer)
        try:
            return forward(*args, **kwargs)
        finally:
            active.pop()

    return marked


def _product(first: Tensor, second: Tensor, kept: int) -> Tensor:
    """⟨first, second⟩ over all dimensions but the first ``kept``."""
    return (first * second).flatten(kept).sum(-1)
