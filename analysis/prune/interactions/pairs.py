"""How far pruning two heads is more, or less, than pruning each: the interaction of every pair.

With e(S) = f(unpruned) − f(without S) on centred logits, the interaction of a and b is the vector

    ι(a,b) = e(ab) − e(a) − e(b).

Its component on a class y is above 0 where more of y's logit is lost together than separately: the
heads stand in for each other. Below 0 their effects overlap. Its length, as non-additivity
ν = ‖ι‖ / (‖e(a)‖ + ‖e(b)‖), counts all classes. Divergences are no scale for this: they grow with
the square of a change, so two heads that merely push the same way would seem to interact.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from headbrush.analysis.measures.importance import pruned_outputs, resumed
from headbrush.analysis.measures.memory_budget import TRACED, pieces
from headbrush.analysis.model.modules.outputs import OutputKind
from headbrush.analysis.model.tracing import Trace, project
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.prune.interactions.continued import continued

_ROWS = 8
"""Variants that run at once on a CPU; more of the bundled model leave its caches and are slower."""


@dataclass(frozen=True)
class PairEffects:
    """Interactions of all pairs of G heads, or groups of heads, on B images, in logits.

    Attributes
    ----------
    effect
        ``(B, G)``: the component of e(a) on the class of the image.
    iota
        ``(B, G, G)``: the component of ι(a, b) on it; symmetric, 0 on the diagonal.
    size
        ``(B, G, G)``: ν, in [0, ∞); 0 where neither changes anything.
    resolution
        ``(B,)``: the step between numbers of the model's type that are as large as its logits.
    """

    effect: Tensor
    iota: Tensor
    size: Tensor
    resolution: Tensor


class Interactions:
    """Collects effects until all interactions are known.

    Parameters
    ----------
    kind
        Of the outputs.
    before
        ``(B, width)`` unpruned outputs.
    classes
        ``(B,)`` the class of each image.
    count
        Heads, or groups.
    """

    def __init__(self, kind: OutputKind, before: Tensor, classes: Tensor, count: int) -> None:
        self._kind, self._classes = kind, classes
        self._before = centred(kind, before)
        self._resolution = torch.finfo(before.dtype).eps * self._before.abs().amax(-1)
        shape = (len(before), count, count)
        self._iota = torch.zeros(shape, dtype=torch.float64, device=before.device)
        self._size = torch.zeros_like(self._iota)
        self._alone: list[Tensor | None] = [None] * count

    def alone(self, one: int, after: Tensor) -> None:
        """Take the outputs ``(B, width)`` without one of them."""
        self._alone[one] = self._before - centred(self._kind, after)

    def together(self, first: int, second: int, after: Tensor) -> None:
        """Take the outputs ``(B, width)`` without both, of which those alone are known."""
        one, other = self._alone[first], self._alone[second]
        assert one is not None
        assert other is not None
        iota = self._before - centred(self._kind, after) - one - other
        alone = one.norm(dim=-1) + other.norm(dim=-1)
        size = iota.norm(dim=-1) / alone.clamp(min=torch.finfo(alone.dtype).tiny)
        for a, b in ((first, second), (second, first)):
            self._iota[:, a, b] = self._of_class(iota)
            self._size[:, a, b] = torch.where(alone > 0, size, 0)

    def _of_class(self, vectors: Tensor) -> Tensor:
        return vectors.gather(1, self._classes[:, None])[:, 0]

    @property
    def effects(self) -> PairEffects:
        """Of all that was taken."""
        alone = [self._of_class(one) for one in self._alone if one is not None]
        return PairEffects(torch.stack(alone, 1), self._iota, self._size, self._resolution)


def centred(kind: OutputKind, output: Tensor) -> Tensor:
    """Outputs ``(B, width)`` as logits ``(B, classes)`` less their mean, float64.

    The mean is what softmax does not see; independent labels have none to subtract.
    """
    if kind.width == 1:  # two classes, of which the output is the second's
        output = torch.cat([-output, output], -1)
    output = output.double()
    return output if kind.is_multilabel else output - output.mean(-1, keepdim=True)


@torch.inference_mode()
def head_pairs(
    model: VisionModel,
    traced: Trace,
    classes: Tensor,
    advance: Callable[[float], None] = lambda _share: None,
    rows: int | None = None,
) -> PairEffects:
    """Interactions of all pairs of heads of the traced images.

    What comes before a pair's later head is computed once for all that pair with the earlier one.

    Parameters
    ----------
    traced
        Of a model that puts out logits, without pruned heads.
    classes
        ``(B,)`` int64.
    advance
        Called with the finished share.
    rows
        Variants that run at once, by default what is fast; others differ by rounding only.
    """
    if rows is None and model.device.type == "cpu":
        rows = _ROWS
    layers, heads = len(traced.layers), model.geometry.num_heads
    found = Interactions(model.kind, traced.output, classes, layers * heads)
    done, share = 0, _shares(layers)
    for layer in reversed(range(layers)):  # effects of later heads alone come first
        pruned = pruned_outputs(model, traced, layer, 1)  # (H, B, T, C)
        for part in pieces(heads, _bytes(traced, layer)):
            _with_later(model, traced, layer, part, pruned[part], found, rows)
        _within_layer(model, traced, layer, pruned, found, rows)
        done += share[layer]
        advance(done / sum(share))
    return found.effects


def _shares(layers: int) -> list[int]:
    """Relative work of the pairs whose earlier head is in each layer."""
    return [sum(range(1, layers - layer + 1)) for layer in range(layers)]


def _bytes(traced: Trace, layer: int) -> float:
    """What a trace keeps of the layers from one on, for one variant of all images."""
    return TRACED * (len(traced.layers) - layer) * traced.layers[layer].output.nbytes


def _with_later(
    model: VisionModel,
    traced: Trace,
    layer: int,
    part: slice,
    pruned: Tensor,
    found: Interactions,
    rows: int | None,
) -> None:
    """Pairs of some heads of a layer, z without which is ``(h, B, T, C)``, with all later ones."""
    heads = model.geometry.num_heads
    variants, count, _, _ = pruned.shape
    images = torch.arange(variants * count, device=pruned.device) % count
    after = continued(model, traced, layer, pruned.flatten(0, 1), images)
    first = range(layer * heads, (layer + 1) * heads)[part]
    for one, output in zip(first, after.output.unflatten(0, (variants, count)), strict=True):
        found.alone(one, output)
    for later in range(layer + 1, len(traced.layers)):
        both = pruned_outputs(model, after, later, 1)
        both = resumed(model, after, later, both, most_rows=rows)
        both = both.unflatten(1, (variants, count))  # (H, h, B, width)
        for head in range(heads):
            for place, one in enumerate(first):
                found.together(one, later * heads + head, both[head, place])


def _within_layer(
    model: VisionModel,
    traced: Trace,
    layer: int,
    pruned: Tensor,
    found: Interactions,
    rows: int | None,
) -> None:
    """Pairs of heads of one layer, whose z are ``(H, B, T, C)``: no attention changes."""
    heads = model.geometry.num_heads
    pairs = [(a, b) for a in range(heads) for b in range(a + 1, heads)]
    if not pairs:
        return
    both = torch.stack([_without_both(model, traced, layer, pruned, *pair) for pair in pairs])
    outputs = resumed(model, traced, layer, both, most_rows=rows)
    for (first, second), output in zip(pairs, outputs, strict=True):
        found.together(layer * heads + first, layer * heads + second, output)


def _without_both(
    model: VisionModel, traced: Trace, layer: int, pruned: Tensor, first: int, second: int
) -> Tensor:
    """z without two heads, ``(B, T, C)``."""
    record = traced.layers[layer]
    if model.shortcuts.projections[layer] is not None:
        return pruned[first] + pruned[second] - record.output
    mixed = record.head_output.clone()
    mixed[:, [first, second]] = 0
    return project(model, traced, layer, mixed)


def all_pairs(count: int) -> Iterator[tuple[int, int]]:
    """Pairs in the order of their first, then of their second."""
    return ((first, second) for first in range(count) for second in range(first + 1, count))
