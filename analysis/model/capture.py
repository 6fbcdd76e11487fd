"""Trace one forward pass of a ViT, layer by layer; resume the model from any block.

Notation: B images, L layers, H heads, T tokens, D width of a head, C width of the model.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol, cast

import torch
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from headbrush.analysis.model.attention_sites import AttentionCall, AttentionSpy, Site
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.store.errors import ModelError

TOLERANCE = 1e-4
"""Largest relative deviation, of the largest output, that the self-check accepts."""


@dataclass(frozen=True)
class LayerTrace:
    """The trace of one layer.

    Attributes
    ----------
    block_input
        ``(B, T, C)``, with the other arguments of the block (rotary embedding, mask) in
        ``block_args`` and ``block_kwargs``.
    attention_input
        Input of the attention module, ``(B, T, C)``, likewise with its other arguments.
    call
        The SDPA call: queries, keys, values ``(B, H, T, D)`` and bias.
    head_output
        A·V, ``(B, H, T, D)``.
    output
        z of Eq. 2: the attention module's output after projection and bias, ``(B, T, C)``.
    """

    block_input: Tensor
    block_args: tuple[object, ...]
    block_kwargs: dict[str, object]
    attention_input: Tensor
    attention_args: tuple[object, ...]
    attention_kwargs: dict[str, object]
    call: AttentionCall
    head_output: Tensor
    output: Tensor

    def attention(self) -> Tensor:
        """A of every head, ``(B, H, T, T)`` float32, rows = source; computed on demand."""
        return self.call.weights()


@dataclass(frozen=True)
class Trace:
    """One forward pass: ``output`` is ``(B, classes)`` logits, or features if headless."""

    layers: tuple[LayerTrace, ...]
    output: Tensor
    num_classes: int

    @property
    def probability(self) -> Tensor:
        """Softmax probabilities, ``(B, classes)``; ``(B, 0)`` of a headless model."""
        return self.output.softmax(-1)[:, : self.num_classes]


class _Inputs(NamedTuple):
    """The tokens ``(B, T, C)`` that a module received, and its other arguments."""

    tokens: Tensor
    args: tuple[object, ...]
    kwargs: dict[str, object]


@torch.inference_mode()
def trace(model: VisionModel, images: Tensor) -> Trace:
    """Run ``images`` ``(B, C, H, W)`` through the model and record every layer."""
    blocks: dict[nn.Module, _Inputs] = {}
    attentions: dict[nn.Module, _Inputs] = {}
    calls: dict[nn.Module, tuple[AttentionCall, Tensor]] = {}
    outputs: dict[nn.Module, Tensor] = {}
    active: list[nn.Module] = []

    def handle(call: AttentionCall, proceed: Callable[[], Tensor]) -> Tensor:
        result = proceed()
        if active:
            calls[active[-1]] = call, result
        return result

    def enter_block(module: nn.Module, args: tuple, kwargs: dict[str, object]) -> None:
        blocks[module] = _Inputs(args[0], args[1:], kwargs)

    def enter_attention(module: nn.Module, args: tuple, kwargs: dict[str, object]) -> None:
        attentions[module] = _Inputs(args[0], args[1:], kwargs)
        active.append(module)

    def leave_attention(module: nn.Module, _args: tuple, output: Tensor) -> None:
        outputs[module] = output
        active.pop()

    with ExitStack() as hooks, AttentionSpy(handle):
        for block, attention in ((site.block, site.attention) for site in model.sites):
            for hook in (
                block.register_forward_pre_hook(enter_block, with_kwargs=True),
                attention.register_forward_pre_hook(enter_attention, with_kwargs=True),
                attention.register_forward_hook(leave_attention),
            ):
                hooks.callback(hook.remove)
        output = model.module(images)
    layers = (
        LayerTrace(*blocks[block], *attentions[attention], *calls[attention], outputs[attention])
        for block, attention in ((site.block, site.attention) for site in model.sites)
    )
    return Trace(tuple(layers), output, model.num_classes)


@contextmanager
def attention_returns(site: Site, output: Tensor) -> Iterator[None]:
    """While active, the site's attention module returns ``output`` instead of computing."""
    site.attention.forward = lambda *_args, **_kwargs: output
    try:
        yield
    finally:
        del site.attention.forward


def project(model: VisionModel, traced: Trace, layer: int, head_output: Tensor) -> Tensor:
    """Apply what follows A·V in the attention module: norm, gate, projection, bias.

    Parameters
    ----------
    head_output
        ``(N, H, T, D)`` in place of the traced A·V; N is a multiple of B, image by image.

    Returns
    -------
    z, ``(N, T, C)``.
    """
    record = traced.layers[layer]
    repeats = len(head_output) // len(record.attention_input)
    inputs = record.attention_input.repeat(repeats, 1, 1)
    with AttentionSpy(lambda _call, _proceed: head_output):
        return model.sites[layer].attention(
            inputs, *record.attention_args, **record.attention_kwargs
        )


def resume(
    model: VisionModel, traced: Trace, layer: int, block_input: Tensor, output: Tensor
) -> Tensor:
    """Model output if ``layer``'s attention module had returned ``output``.

    Parameters
    ----------
    block_input
        Input of the layer's block, ``(N, T, C)``.
    output
        z of the layer, ``(N, T, C)``.

    Returns
    -------
    ``(N, classes)`` logits, or features of a headless model.
    """
    last = len(model.sites) - 1
    rows = classifier_rows(model)
    states = _after_attention(
        model.sites[layer],
        traced.layers[layer],
        block_input,
        output,
        rows if layer == last else None,
    )
    for index in range(layer + 1, last + 1):
        record, site = traced.layers[index], model.sites[index]
        if index == last and rows is not None:
            states = _last_block(site, states, rows)
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


def classifier_rows(model: VisionModel) -> int | None:
    """How many leading tokens the classifier reads, if a shortened last block can serve it.

    None where it pools over patches, or where the last block is not timm's plain one.
    """
    site = model.sites[-1]
    plain = type(site.block) is Block and type(site.attention) is Attention
    token = getattr(model.module, "global_pool", "") == "token"
    pooled = getattr(model.module, "attn_pool", None) is not None
    return model.geometry.num_prefix_tokens if plain and token and not pooled else None


def _after_attention(
    site: Site, record: LayerTrace, block_input: Tensor, output: Tensor, rows: int | None
) -> Tensor:
    """The block's output given its attention module's; only the first ``rows`` tokens if set."""
    with attention_returns(site, output[:, :rows]):
        return site.block(block_input[:, :rows], *record.block_args, **record.block_kwargs)


def _last_block(site: Site, states: Tensor, rows: int) -> Tensor:
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
    mixed = torch.nn.functional.scaled_dot_product_attention(
        attention.q_norm(query), attention.k_norm(both[0]), both[1]
    )
    # (N, H, rows, D) -> (N, rows, H·D)
    mixed = attention.norm(mixed.transpose(1, 2).reshape(count, rows, width))
    gate = getattr(attention, "gate", None)
    if gate is not None:
        mixed = mixed * gate(normed[:, :rows]).sigmoid()
    output = attention.proj(mixed)
    with attention_returns(site, output):
        return block(states[:, :rows])


@torch.inference_mode()
def self_check(model: VisionModel, images: Tensor) -> None:
    """Prove on ``images`` that the capture is faithful to this model.

    Every layer: rows of A sum to 1, A·V is what the model computed with, the rest of the model
    resumed from it gives the untouched output, and zeroing a head changes z.

    Raises
    ------
    ModelError
        Naming the layer where one of these does not hold.
    """
    with_spy = trace(model, images)
    untouched = model.module(images)
    _demand(_close(with_spy.output, untouched), model, "tracing changes its output")
    for layer, record in enumerate(with_spy.layers):
        where = f"layer {layer}"
        attention = record.attention()
        _demand(_close(attention.sum(-1), torch.ones(())), model, f"{where}: rows are not 1")
        mixed = attention.to(record.call.value.dtype) @ record.call.value
        _demand(_close(mixed, record.head_output), model, f"{where}: A·V is not its own")
        output = project(model, with_spy, layer, mixed)
        _demand(_close(output, record.output), model, f"{where}: its projection differs")
        resumed = resume(model, with_spy, layer, record.block_input, output)
        _demand(_close(resumed, untouched), model, f"{where}: resuming differs from its output")
        mixed[:, 0] = 0
        pruned = project(model, with_spy, layer, mixed)
        changed = not torch.equal(pruned, record.output) or not record.head_output[:, 0].any()
        _demand(changed, model, f"{where}: zeroing a head changes nothing")


def _close(found: Tensor, expected: Tensor) -> bool:
    scale = expected.abs().max().clamp(min=1e-6)
    return bool((found - expected.to(found.device)).abs().max() <= TOLERANCE * scale)


def _demand(holds: bool, model: VisionModel, fault: str) -> None:
    if not holds:
        raise ModelError(
            f"{model.name}: self-check failed, so its attention would be wrong: {fault}."
        )
