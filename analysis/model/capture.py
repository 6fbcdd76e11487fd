"""Resume a model from any of its layers, as if its attention module had returned something else.

The general way runs the whole model, in which the blocks before the layer return what they
returned in the trace: exact for every model, whatever it does before, between and after its blocks.
Shortcuts are taken only where they gave the model's own output when it was wrapped.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, cast

import torch
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from headbrush.analysis.model.attention_sites import Site
from headbrush.analysis.model.modules.attention_calls import AttentionCall, AttentionSpy
from headbrush.analysis.model.pruning.prune_set import NOTHING, PruneSet
from headbrush.analysis.model.pruning.without import head_output_without
from headbrush.analysis.model.tracing import (
    LayerTrace,
    Trace,
    forwards,
    inputs_of,
    project,
    running_without,
    trace,
    while_active,
)
from headbrush.analysis.model.vision_model import Shortcuts, VisionModel
from headbrush.analysis.store.errors import ModelError

_LINEAR = (nn.Linear, NonDynamicallyQuantizableLinear)
"""torch's own; a subclass may compute otherwise."""
TOLERANCE = 1e-4
"""Largest relative deviation, of the largest output, that the self-check accepts."""


def resume(
    model: VisionModel,
    traced: Trace,
    layer: int,
    block_input: Tensor,
    output: Tensor,
    images: Tensor | None = None,
) -> Tensor:
    """Model output if ``layer``'s attention module had returned ``output``.

    Later layers run without what the trace was made without.

    Parameters
    ----------
    block_input
        Input of the layer's block, ``(N, T, C)``.
    output
        z of the layer, ``(N, T, C)``.
    images
        ``(N,)`` the traced image of each row; by default one after the other, again and again.

    Returns
    -------
    ``(N, K)`` outputs, or features of a headless model.
    """
    if images is None:
        images = torch.arange(len(output), device=output.device) % len(traced.images)
    with running_without(model, traced.pruned):
        if model.shortcuts.tail:
            return _through_the_tail(model, traced, layer, block_input, output)
        return _through_the_model(model, traced, layer, block_input, output, images)


def _through_the_model(
    model: VisionModel,
    traced: Trace,
    layer: int,
    block_input: Tensor,
    output: Tensor,
    images: Tensor,
) -> Tensor:
    replaced = _earlier_blocks(model, traced, layer, images)
    site = model.sites[layer]
    block = site.block.forward

    def from_input(*args: object, **kwargs: object) -> object:
        _, others, named = inputs_of(block, args, kwargs)
        return block(block_input, *others, **named)

    replaced[site.block] = from_input
    returned = traced.layers[layer].returning(output)
    replaced[site.attention] = lambda *_args, **_kwargs: returned
    with forwards(replaced):
        return model.outputs(traced.images[images])


def _earlier_blocks(
    model: VisionModel, traced: Trace, layer: int, images: Tensor
) -> dict[nn.Module, Callable[..., object]]:
    """The blocks before a layer, which return what they returned in the trace."""
    return {
        site.block: lambda *_, record=record, **__: rows_of(record.block_output, images)
        for site, record in zip(model.sites[:layer], traced.layers, strict=False)
    }


def rows_of(value: object, images: Tensor) -> object:
    """What a block returned, ``(B, …)``, for the traced image of each row."""
    if isinstance(value, (tuple, list)):
        return type(value)(rows_of(one, images) for one in value)
    return value[images] if isinstance(value, Tensor) else value


def _through_the_tail(
    model: VisionModel, traced: Trace, layer: int, block_input: Tensor, output: Tensor
) -> Tensor:
    last, rows = len(model.sites) - 1, model.shortcuts.rows
    states = _after_attention(
        model.sites[layer],
        traced.layers[layer],
        block_input,
        output,
        rows if layer == last else None,
    )
    return _from_block(model, traced, layer + 1, states)


def resume_from_block(
    model: VisionModel,
    traced: Trace,
    layer: int,
    states: Tensor,
    passed: Callable[[int, Tensor], None] = lambda *_: None,
) -> Tensor:
    """Model output from what enters a block on, without the heads that the trace is without.

    Only for a model with the shortcut ``tail``.

    Parameters
    ----------
    traced
        Of any image; the images of ``states`` may be others.
    states
        Input of the layer's block, ``(N, T, C)``.
    passed
        Is told of every block from there on: its layer, and what enters it.
    """
    with running_without(model, traced.pruned):
        return _from_block(model, traced, layer, states, passed)


def _from_block(
    model: VisionModel,
    traced: Trace,
    layer: int,
    states: Tensor,
    passed: Callable[[int, Tensor], None] = lambda *_: None,
) -> Tensor:
    last, rows = len(model.sites) - 1, model.shortcuts.rows
    for index in range(layer, last + 1):
        record, site = traced.layers[index], model.sites[index]
        passed(index, states)
        if index == last and rows is not None:
            states = _last_block(site, states, rows, record)
        else:
            states = site.block(states, *record.block_args, **record.block_kwargs)
    module = cast(_Classifier, model.module)
    return module.forward_head(module.norm(states))


class _Classifier(Protocol):
    """The part of a timm ViT after its blocks: norm, pooling, classifier."""

    norm: nn.Module

    def forward_head(self, x: Tensor) -> Tensor:
        """Pool the tokens and classify them, ``(N, T, C)`` -> ``(N, classes)``."""
        ...


def _after_attention(
    site: Site, record: LayerTrace, block_input: Tensor, output: Tensor, rows: int | None
) -> Tensor:
    """The block's output given its attention module's; only the first ``rows`` tokens if set."""
    returned = record.returning(output[:, :rows])
    with forwards({site.attention: lambda *_args, **_kwargs: returned}):
        return site.block(block_input[:, :rows], *record.block_args, **record.block_kwargs)


def _last_block(site: Site, states: Tensor, rows: int, record: LayerTrace) -> Tensor:
    """timm's plain block for its first ``rows`` tokens only, which attend to all."""
    block, attention = cast(Block, site.block), cast(Attention, site.attention)
    normed = block.norm1(states)
    count, tokens, _ = normed.shape
    width = attention.num_heads * attention.head_dim
    weight, bias = attention.qkv.weight, attention.qkv.bias
    linear = torch.nn.functional.linear
    query = linear(normed[:, :rows], weight[:width], None if bias is None else bias[:width])
    both = linear(normed, weight[width:], None if bias is None else bias[width:])
    # (N, rows, H·D) -> (N, H, rows, D); (N, T, 2·H·D) -> 2 of (N, H, T, D)
    query = query.view(count, rows, attention.num_heads, -1).transpose(1, 2)
    both = both.view(count, tokens, 2, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
    call = AttentionCall(attention.q_norm(query), attention.k_norm(both[0]), both[1])
    mixed = head_output_without(call, call.attend, record.pruned, record.prefix)
    # (N, H, rows, D) -> (N, rows, H·D)
    mixed = attention.norm(mixed.transpose(1, 2).reshape(count, rows, width))
    gate = getattr(attention, "gate", None)
    if gate is not None:
        mixed = mixed * gate(normed[:, :rows]).sigmoid()
    output = attention.proj(mixed)
    with forwards({site.attention: lambda *_args, **_kwargs: output}):
        return block(states[:, :rows])


def measured(model: VisionModel, images: Tensor) -> VisionModel:
    """The model with what only trying shows: its shortcuts, and whether it has a gradient.

    ``images`` are ``(2, C, H, W)``.
    """
    return replace(_with_shortcuts(model, images), has_gradient=_has_gradient(model, images))


def _has_gradient(model: VisionModel, images: Tensor) -> bool:
    mixed: list[Tensor] = []

    def handle(_call: AttentionCall, proceed: Callable[[], Tensor]) -> Tensor:
        mixed.append(proceed().requires_grad_(True))
        return mixed[-1]

    try:
        with torch.enable_grad(), AttentionSpy(handle):
            output = model.outputs(images)
            torch.autograd.grad(output.sum(), mixed[:: max(1, len(mixed) - 1)])
    except RuntimeError:  # part of it runs without gradients, or knows none
        return False
    return True


@torch.inference_mode()
def _with_shortcuts(model: VisionModel, images: Tensor) -> VisionModel:
    """The model with every shortcut that gives its own values for ``images``."""
    traced = trace(model, images)
    projections = tuple(_only_projection(model, traced, layer) for layer in range(len(model.sites)))
    for rows in (_classifier_rows(model), None):
        found = replace(model, shortcuts=Shortcuts(True, rows, projections))
        if _gives_the_output(found, traced):
            return found
    return replace(model, shortcuts=Shortcuts(False, None, projections))


def _gives_the_output(model: VisionModel, traced: Trace) -> bool:
    """Whether resuming at the first and at the last layer gives the output, twice an image."""
    if not all(hasattr(model.module, name) for name in ("norm", "forward_head")):
        return False
    for layer in {0, len(model.sites) - 1}:
        record = traced.layers[layer]
        both = (one.repeat(2, 1, 1) for one in (record.block_input, record.output))
        try:
            found = resume(model, traced, layer, *both)
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError):
            return False  # its parts do not fit together in this way
        expected = torch.cat([traced.output, traced.output])
        if found.shape != expected.shape or not close(found, expected):
            return False
    return True


def _classifier_rows(model: VisionModel) -> int | None:
    """How many leading tokens the classifier reads, if a shortened last block can serve it.

    None where it pools over patches, or where the last block is not timm's plain one.
    """
    site = model.sites[-1]
    plain = type(site.block) is Block and type(site.attention) is Attention
    plain = plain and type(cast(Attention, site.attention).qkv) is nn.Linear
    token = getattr(model.module, "global_pool", "") == "token"
    pooled = getattr(model.module, "attn_pool", None) is not None
    return model.geometry.num_prefix_tokens if plain and token and not pooled else None


def _only_projection(model: VisionModel, traced: Trace, layer: int) -> nn.Linear | None:
    """The linear map between A·V and z; None where anything else stands there too."""
    record = traced.layers[layer]
    width = record.head_output.shape[1] * record.head_output.shape[3]
    noise = torch.randn_like(record.head_output) * record.head_output.std()
    found = project(model, traced, layer, record.head_output - noise)
    for part in reversed([*model.sites[layer].attention.modules()]):
        if (
            not isinstance(part, nn.Linear)
            or type(part) not in _LINEAR
            or part.in_features != width
        ):
            continue
        # (B, H, T, D) -> (B, T, H·D) x (H·D, C) -> (B, T, C)
        change = noise.transpose(1, 2).flatten(2) @ part.weight.T
        if found.shape == change.shape and close(record.output - change, found):
            return part
    return None


@torch.inference_mode()
def self_check(model: VisionModel, images: Tensor, pruned: PruneSet = NOTHING) -> None:
    """Prove on ``images`` that the capture is faithful to this model, run without ``pruned``.

    Every layer: rows of A sum to 1, A·V is what the model computed with, the rest of the model
    resumed from it gives the untouched output, zeroing all heads changes z, and resuming from that
    gives what the model puts out when its own attention computes with those zeros.

    Raises
    ------
    ModelError
        Naming the layer where one of these does not hold.
    """
    with_spy = trace(model, images, pruned)
    with running_without(model, pruned):
        untouched = model.outputs(images)
    _demand(close(with_spy.output, untouched), model, "tracing changes its output")
    for layer, record in enumerate(with_spy.layers):
        where = f"layer {layer}"
        mixed = _mixed(model, record, where)
        _demand(close(mixed, record.head_output), model, f"{where}: A·V is not its own")
        output = project(model, with_spy, layer, mixed)
        _demand(close(output, record.output), model, f"{where}: its projection differs")
        resumed = resume(model, with_spy, layer, record.block_input, output)
        _demand(close(resumed, untouched), model, f"{where}: resuming differs from its output")
        emptied = project(model, with_spy, layer, torch.zeros_like(mixed))
        changed = not torch.equal(emptied, record.output) or not record.head_output.any()
        _demand(changed, model, f"{where}: zeroing its heads changes nothing")
        resumed = resume(model, with_spy, layer, record.block_input, emptied)
        zeroed = _with_zeroed_heads(model, with_spy, layer)
        _demand(close(resumed, zeroed), model, f"{where}: resuming without its heads differs")


def _mixed(model: VisionModel, record: LayerTrace, where: str) -> Tensor:
    """A·V of a layer, ``(B, H, T, D)``, one head after the other: A of all would not fit."""
    mixed = []
    for head in range(record.head_output.shape[1]):
        call = record.call.of_heads(slice(head, head + 1))
        attention = record.attention(slice(head, head + 1))  # (B, 1, T, T)
        whole = attention if head not in record.pruned else call.weights()
        _demand(close(whole.sum(-1), torch.ones(())), model, f"{where}: rows are not 1")
        mixed.append(attention.to(call.value.dtype) @ call.value)
    return torch.cat(mixed, dim=1)


def _with_zeroed_heads(model: VisionModel, traced: Trace, layer: int) -> Tensor:
    """What the model puts out if A·V of a layer is zero, which its own modules compute with."""
    attention = model.sites[layer].attention
    active: list[bool] = []

    def handle(_call: AttentionCall, proceed: Callable[[], Tensor]) -> Tensor:
        return torch.zeros_like(proceed()) if active else proceed()

    within = {attention: while_active(attention.forward, active)}
    every = torch.arange(len(traced.images), device=traced.images.device)
    earlier = _earlier_blocks(model, traced, layer, every)
    pruning = running_without(model, traced.pruned)
    with pruning, forwards(earlier | within), AttentionSpy(handle):
        return model.outputs(traced.images)


def close(found: Tensor, expected: Tensor) -> bool:
    """Whether two tensors agree within the tolerance of the self-check."""
    scale = expected.abs().max().clamp(min=1e-6)
    return bool((found - expected.to(found.device)).abs().max() <= TOLERANCE * scale)


def _demand(holds: bool, model: VisionModel, fault: str) -> None:
    if not holds:
        raise ModelError(
            f"{model.name}: self-check failed, so its attention would be wrong: {fault}."
        )
