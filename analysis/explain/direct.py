"""What each head says for a class directly: its part of the logit along the residual stream.

With the scale of the norms held as it is on an image, the logit is affine in what every layer adds
to the tokens. So it is a sum: over heads, MLPs, the embedding and biases. The part of a head is
that of its source tokens, A[i,j]·v_j taken through the projection, the norm and the classifier.
What a head says directly is not what it matters: later layers and the norm answer to its loss.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from timm.layers.attention_pool import AttentionPoolLatent
from torch import Tensor, nn

from headbrush.analysis.explain.blocks import attended, block_norms, held, outside, through
from headbrush.analysis.explain.frozen import Frozen, norms_in, pullback
from headbrush.analysis.explain.refusal import InexactError
from headbrush.analysis.model.tracing import Trace, forwards
from headbrush.analysis.model.vision_model import VisionModel

TOLERANCE = 1e-5
"""Largest deviation of the sum from the logit, in ranges of the image's logits."""


@dataclass(frozen=True)
class Direct:
    """The parts of the logits of K classes, of B traced images.

    Attributes
    ----------
    logit
        ``(K, B)``: what the model puts out for the class, before softmax or sigmoid.
    head
        ``(K, B, L, H)``.
    mlp
        ``(K, B, L)``: what else a layer adds.
    embedding
        ``(K, B)``: the tokens that enter the first layer.
    bias
        ``(K, B)``: biases of projections, norms and the classifier, and an MLP of the pooling.
    error
        ``(B,)``: how far the sum is from the logit, largest of the classes, in ranges of the
        image's logits.
    weights
        By layer, what A·V of the first R tokens is multiplied by, ``(K, B, H, R, D)``; others do
        not reach the output directly.
    mlp_weights
        By layer, what the outputs of its MLP, or of several modules, are multiplied by,
        ``(K, B, R, C)``.
    last
        What the tokens after the last layer are multiplied by, ``(K, B, R, C)``.
    norms_inside
        Whether a norm stands between a head, or a layer, and the tokens after the last layer, so
        that its scale is held too.
    """

    logit: Tensor
    head: Tensor
    mlp: Tensor
    embedding: Tensor
    bias: Tensor
    error: Tensor
    weights: tuple[Tensor, ...]
    mlp_weights: tuple[dict[nn.Module, Tensor], ...]
    last: Tensor
    norms_inside: bool

    @property
    def total(self) -> Tensor:
        """The sum of all parts, ``(K, B)``."""
        return self.head.sum((-2, -1)) + self.mlp.sum(-1) + self.embedding + self.bias


def direct_contributions(model: VisionModel, traced: Trace, classes: Tensor) -> Direct:
    """Take the logits of some classes apart.

    Parameters
    ----------
    classes
        ``(B, K)`` int64, the classes of each image.

    Raises
    ------
    InexactError
        If the logit is no such sum: it says why.
    """
    demand_logits(model)
    with torch.inference_mode(False), torch.enable_grad():
        return _Sweep(model, traced, classes.clone()).run()


def demand_logits(model: VisionModel) -> None:
    """Refuse a model that puts out no logits.

    Raises
    ------
    InexactError
        If it has no classifier, or puts out probabilities.
    """
    if not model.num_classes:
        raise InexactError("the model has no classifier")
    if model.kind.applied:
        raise InexactError(
            f"its forward pass ends with {model.kind.activation}, so its logits are not known"
        )


def class_logits(model: VisionModel, output: Tensor, classes: Tensor) -> Tensor:
    """Outputs ``(B, width)`` -> logits ``(K, B)`` of the classes ``(B, K)``."""
    if model.kind.width == 1:  # two classes, of which the output is the second's
        output = torch.cat([-output, output], -1)
    return output.gather(1, classes).T


def source_map(direct: Direct, traced: Trace, layer: int, row: int, which: int) -> Tensor:
    """What each source token says for a class through each head of a layer, ``(H, T)``.

    ``row`` is the image in the trace and ``which`` the place of the class. The sum over tokens is
    the head's contribution.
    """
    record, weights = traced.layers[layer], direct.weights[layer][which, row]
    rows = weights.shape[1]
    attention = record.attention()[row, :, :rows]  # (H, R, T)
    # (H, T, R) x (H, R, D) -> (H, T, D)
    reached = attention.transpose(1, 2).to(weights.dtype) @ weights
    return (reached * record.call.value[row]).sum(-1)


class _Sweep:
    """One way back from the logits to the embedding, layer by layer."""

    def __init__(self, model: VisionModel, traced: Trace, classes: Tensor) -> None:
        self._model, self._traced, self._classes = model, traced, classes
        self._rows = model.shortcuts.rows if model.shortcuts.tail else None
        self._bias: list[Tensor] = []  # each (K, B)
        self._norms_inside = False

    def run(self) -> Direct:
        model, traced = self._model, self._traced
        last = vectors = self._tail()  # of the tokens: (K, B, R, C)
        heads, mlps, weights, mlp_weights = [], [], [], []
        for layer in reversed(range(len(traced.layers))):
            to_output, vectors, mlp, to_held = self._block(layer, vectors)
            reached = self._heads(layer, to_output)  # (K, B, H, R, D)
            mixed = traced.layers[layer].head_output[:, :, : reached.shape[3]]
            heads.append((reached * mixed).sum((-2, -1)))
            mlps.append(mlp)
            weights.append(reached)
            mlp_weights.append(to_held)
        tokens = self._first(traced.layers[0].block_input)
        head, mlp = (torch.stack(part[::-1], 2) for part in (heads, mlps))
        embedding, bias = _dot(vectors, tokens), torch.stack(self._bias).sum(0)
        logit = class_logits(model, traced.output, self._classes)
        total = head.sum((-2, -1)) + mlp.sum(-1) + embedding + bias
        error = (total - logit).abs().amax(0) / logit_range(traced.output)
        return Direct(
            logit, head, mlp, embedding, bias, error, tuple(weights[::-1]),
            tuple(mlp_weights[::-1]), last, self._norms_inside,
        )  # fmt: skip

    def _first(self, tokens: Tensor) -> Tensor:
        """The tokens that reach the output directly, as autograd takes them."""
        return tokens[:, : self._rows].clone()

    def _tail(self) -> Tensor:
        """The derivative of the logits by the tokens after the last block, ``(K, B, R, C)``."""
        last = self._traced.layers[-1].block_output
        if not isinstance(last, Tensor):
            raise InexactError("its blocks return more than tokens")
        tail = self._tail_of()
        tokens = self._first(last).requires_grad_(True)
        pools = [m for m in self._model.module.modules() if isinstance(m, AttentionPoolLatent)]
        mlps = tuple(pool.mlp for pool in pools if isinstance(pool.mlp, nn.Module))
        frozen = Frozen(outside(self._model), mlps)
        with frozen.recording(), torch.no_grad():
            tail(tokens)
        with frozen.repeating(frozen.outputs):
            logit = class_logits(self._model, tail(tokens), self._classes)
            one_by_one = torch.eye(len(logit), device=logit.device)[:, :, None].expand(
                -1, -1, logit.shape[1]
            )
            (vectors,) = pullback(logit, [tokens], one_by_one)
        with frozen.repeating(frozen.outputs), torch.no_grad():
            nothing = tail(torch.zeros_like(tokens))
            self._bias.append(class_logits(self._model, nothing, self._classes))
        return vectors

    def _tail_of(self) -> Callable[[Tensor], Tensor]:
        model, traced = self._model, self._traced
        if model.shortcuts.tail:
            module = cast(_Tail, model.module)
            return lambda tokens: module.forward_head(module.norm(tokens))

        def whole(tokens: Tensor) -> Tensor:
            outputs = [*(record.block_output for record in traced.layers[:-1]), tokens]
            replaced = {
                site.block: lambda *_args, output=output, **_kwargs: output
                for site, output in zip(model.sites, outputs, strict=True)
            }
            with forwards(replaced):
                return model.outputs(traced.images.clone())

        return whole

    def _block(
        self, layer: int, vectors: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, dict[nn.Module, Tensor]]:
        """Vectors for z and for what enters the block, ``(K, B, R, C)``; the MLP's part, and its
        vectors.
        """
        site, record = self._model.sites[layer], self._traced.layers[layer]
        self._demand_chain(layer)
        tokens, output = self._first(record.block_input), self._first(record.output)
        frozen = Frozen(block_norms(site), held(site.block, site.attention))
        with frozen.recording(), torch.no_grad():
            through(site, record, tokens, output)
        values = frozen.outputs
        leaves = [tokens, output, *values.values()]
        for leaf in leaves:
            leaf.requires_grad_(True)
        with frozen.repeating(values):
            found = through(site, record, tokens, output)
            before, to_output, *to_held = pullback(found, leaves, vectors)
        with frozen.repeating(values, times=2), torch.no_grad():
            self._norms_inside |= not torch.equal(found, through(site, record, tokens, output))
        nothing = {module: torch.zeros_like(value) for module, value in values.items()}
        with frozen.repeating(nothing), torch.no_grad():
            empty = through(site, record, torch.zeros_like(tokens), torch.zeros_like(output))
        if empty.any():
            self._bias.append(_dot(vectors, empty))
        if not before.any():
            raise InexactError(f"layer {layer} does not pass its tokens on beside its attention")
        mlp = sum((_dot(v, o.detach()) for v, o in zip(to_held, values.values(), strict=True)),
                  torch.zeros_like(vectors[..., 0, 0]))  # fmt: skip
        return to_output, before, mlp, dict(zip(values, to_held, strict=True))

    def _demand_chain(self, layer: int) -> None:
        """What a block returns is what the next one takes."""
        if layer + 1 == len(self._traced.layers):
            return
        output = self._traced.layers[layer].block_output
        following = self._traced.layers[layer + 1].block_input
        same = isinstance(output, Tensor) and output.shape == following.shape
        if not (same and torch.equal(cast(Tensor, output), following)):
            raise InexactError(f"tokens change between its layers {layer} and {layer + 1}")

    def _heads(self, layer: int, to_output: Tensor) -> Tensor:
        """Vectors for z -> for A·V, ``(K, B, H, R, D)``; the bias of the projection is noted."""
        record, projection = self._traced.layers[layer], self._model.shortcuts.projections[layer]
        if projection is not None:
            if projection.bias is not None:
                self._bias.append((to_output @ projection.bias).sum(-1))
            # (K, B, R, C) x (C, H·D) -> (K, B, R, H·D) -> (K, B, H, R, D)
            heads = record.head_output.shape[1]
            return (to_output @ projection.weight).unflatten(-1, (heads, -1)).movedim(-2, 2)
        attention = self._model.sites[layer].attention
        frozen = Frozen(norms_in(attention), ())
        mixed = record.head_output.clone().requires_grad_(True)
        padded = torch.zeros(*to_output.shape[:2], *record.output.shape[1:],
                             device=mixed.device, dtype=mixed.dtype)  # fmt: skip
        padded[:, :, : to_output.shape[2]] = to_output
        with frozen.recording(), torch.no_grad():
            attended(attention, record, mixed)
        with frozen.repeating({}):
            found = attended(attention, record, mixed)
            (reached,) = pullback(found, [mixed], padded)
        with frozen.repeating({}, times=2), torch.no_grad():
            self._norms_inside |= not torch.equal(found, attended(attention, record, mixed))
        with frozen.repeating({}), torch.no_grad():
            nothing = attended(attention, record, torch.zeros_like(mixed))
        self._bias.append(_dot(padded, nothing))
        return reached


class _Tail(nn.Module):
    """The part of a timm ViT after its blocks."""

    norm: nn.Module

    def forward_head(self, x: Tensor) -> Tensor:
        """Pool the tokens and classify them."""
        ...


def _dot(vectors: Tensor, values: Tensor) -> Tensor:
    """⟨vector, value⟩ of each class and image, ``(K, B)``."""
    return (vectors * values).flatten(2).sum(-1)


def logit_range(output: Tensor) -> Tensor:
    """Range of each image's logits ``(B, width)``: ``(B,)``; of a single output, its size."""
    spread = output.amax(-1) - output.amin(-1) if output.shape[1] > 1 else output[:, 0].abs()
    return spread.clamp(min=torch.finfo(output.dtype).tiny)
