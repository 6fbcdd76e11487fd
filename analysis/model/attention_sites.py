"""Where a model computes attention: one mechanism for every ViT that calls PyTorch's SDPA.

A mode intercepts ``torch.nn.functional.scaled_dot_product_attention`` (SDPA), whatever class the
attention module has, so the attention weights follow from exactly what the model computes with:
queries, keys, scale and bias.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from headbrush.analysis.model.modules.multihead import use_visible_attention
from headbrush.analysis.model.modules.refusals import (
    SUPPORTED,
    demand_known_kind,
    why_no_attention,
)
from headbrush.analysis.store.errors import ModelError


@dataclass(frozen=True)
class AttentionCall:
    """The arguments of one SDPA call: queries, keys and values are ``(B, H, T, D)``."""

    query: Tensor
    key: Tensor
    value: Tensor
    attn_mask: Tensor | None = None
    dropout_p: float = 0.0
    is_causal: bool = False
    scale: float | None = None
    enable_gqa: bool = False

    def weights(self) -> Tensor:
        """Attention ``A``, ``(B, H, T, T)`` float32; every row sums to 1."""
        scale = self.query.shape[-1] ** -0.5 if self.scale is None else self.scale
        # (B, H, T, D) x (B, H, D, T) -> (B, H, T, T)
        scores = (self.query.float() * scale) @ self.key.float().transpose(-2, -1)
        if self.is_causal:
            future = torch.ones_like(scores, dtype=torch.bool).triu(1)
            scores = scores.masked_fill(future, -torch.inf)
        if self.attn_mask is not None and self.attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~self.attn_mask, -torch.inf)
        elif self.attn_mask is not None:
            scores = scores + self.attn_mask
        return scores.softmax(-1)

    def of_heads(self, heads: slice) -> "AttentionCall":
        """The call of some heads only; keys and values are those of every head."""
        query, key, value = (one[..., heads, :, :] for one in (self.query, self.key, self.value))
        mask = self.attn_mask
        if mask is not None and mask.ndim > 2 and mask.shape[-3] > 1:
            mask = mask[..., heads, :, :]
        return replace(self, query=query, key=key, value=value, attn_mask=mask)

    def of_every_head(self) -> "AttentionCall":
        """The same call, with shared keys and values repeated for each head."""
        repeats = self.query.shape[-3] // self.key.shape[-3] if self.enable_gqa else 1
        if repeats == 1:
            return self
        key, value = (one.repeat_interleave(repeats, -3) for one in (self.key, self.value))
        return replace(self, key=key, value=value, enable_gqa=False)


class AttentionSpy(TorchFunctionMode):
    """While active, hand every SDPA call to ``handle(call, proceed)`` and use what it returns.

    ``proceed()`` runs the call as it was made.
    """

    def __init__(self, handle: Callable[[AttentionCall, Callable[[], Tensor]], Tensor]) -> None:
        super().__init__()
        self._handle = handle

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is not F.scaled_dot_product_attention:
            return func(*args, **kwargs)
        call = AttentionCall(*args, **kwargs).of_every_head()
        return self._handle(call, lambda: func(*args, **kwargs))


@dataclass(frozen=True)
class Site:
    """One attention layer: the transformer block, and the attention module inside it."""

    block: nn.Module
    attention: nn.Module


@dataclass(frozen=True)
class Sites:
    """The attention layers of a model in order.

    Attributes
    ----------
    tokens
        T, the same in all.
    heads
        H, the same in all.
    parent
        The innermost module that takes pictures and holds all layers: the ViT itself.
    """

    layers: tuple[Site, ...]
    tokens: int
    heads: int
    parent: nn.Module


def use_fused_attention(module: nn.Module) -> None:
    """Make every attention module of timm and torch call SDPA, also where that is switched off."""
    use_visible_attention(module)
    for child in module.modules():
        if isinstance(getattr(child, "fused_attn", None), bool):
            child.fused_attn = True  # pyright: ignore[reportArgumentType] (torch: only tensors)


@torch.no_grad()
def find_sites(module: nn.Module, inputs: Tensor, name: str) -> Sites:
    """Find the attention layers of a plain ViT.

    Parameters
    ----------
    inputs
        ``(B, C, H, W)``, B at least 2 (this reveals a model that folds windows into
        the batch).

    Raises
    ------
    ModelError
        If the model is not a plain ViT: windowed or pooled attention, no attention, or attention
        that is not a separate module inside a block.
    """
    demand_known_kind(module, name)
    recording = _record_calls(module, inputs)
    calls = recording.calls
    if not calls:
        raise ModelError(f"{name}: {why_no_attention(module, inputs)}")
    square = [
        (call, stack)
        for call, stack in calls
        if call.query.shape[-2] == call.key.shape[-2] and call.query.shape[0] == len(inputs)
    ]
    tokens = {call.query.shape[-2] for call, _ in square}
    if len(tokens) != 1 or any(call.query.shape[0] != len(inputs) for call, _ in calls):
        reason = "its attention layers see different numbers of tokens, or windows of them"
        raise ModelError(f"{name}: {reason}; {SUPPORTED}")
    heads = sorted({call.query.shape[1] for call, _ in square if call.query.ndim == 4})
    if len(heads) != 1:
        raise ModelError(
            f"{name}: its layers have different numbers of heads ({', '.join(map(str, heads))}); "
            "headbrush needs the same number in every layer."
        )
    stacks = [stack for _, stack in square]
    shared = _shared(stacks)
    _demand_own_modules([stack[-1] for stack in stacks], recording.entered, name)
    layers = _layers(stacks, shared[-1], name)
    for site in layers:
        _demand_tokens(site, recording, (len(inputs), *tokens), name)
    parent = next((one for one in reversed(shared) if one in recording.take_pictures), shared[-1])
    return Sites(layers, tokens.pop(), heads[0], parent)


def _shared(stacks: Sequence[list[nn.Module]]) -> list[nn.Module]:
    """The modules that hold all layers, outermost first; the last is no mere container."""
    if len(stacks) == 1:  # of one call, down to what holds its block
        stack = stacks[0]
        holders = (
            i for i, m in enumerate(stack) if isinstance(getattr(m, "blocks", None), nn.Module)
        )
        return stack[: next(holders, 0) + 1]
    shared = [level[0] for level in zip(*stacks, strict=False) if len(set(level)) == 1]
    while len(shared) > 1 and isinstance(shared[-1], (nn.Sequential, nn.ModuleList)):
        shared.pop()
    return shared


def _demand_own_modules(
    attentions: Sequence[nn.Module], entered: Counter[nn.Module], name: str
) -> None:
    """Refuse what does not attend once in a module of its own, layer by layer."""
    for module, calls in Counter(attentions).items():
        if calls > entered[module]:
            raise ModelError(
                f"{name}: its {type(module).__name__} attends {calls // entered[module]} times in "
                f"one layer, so no single attention matrix belongs to a head; {SUPPORTED}"
            )
        if calls > 1:
            first, second, *_ = (i for i, one in enumerate(attentions) if one is module)
            raise ModelError(
                f"{name}: its layers {first} and {second} share one attention module; headbrush "
                "needs a module of its own for each layer."
            )


def _demand_tokens(
    site: Site, recording: "_Recording", expected: tuple[int, ...], name: str
) -> None:
    """Refuse a block or an attention module whose tensors are not images × tokens × width."""
    taken, put_out = recording.taken[site.block], recording.put_out[site.attention]
    if taken[:1] == expected[:1] and len(put_out) == 3 and put_out[:2] == expected:
        return
    kind = type(site.attention).__name__
    if put_out[:2] == expected[::-1]:
        raise ModelError(
            f"{name}: its {kind} holds tokens before images (batch_first=False); headbrush needs "
            "images first: build it with batch_first=True, which takes the same weights."
        )
    raise ModelError(
        f"{name}: its {kind} takes and returns tensors of shapes {taken} and {put_out}; headbrush "
        f"needs (images, tokens, width), here {(*expected, '…')}, as the first value."
    )


def _layers(stacks: Sequence[list[nn.Module]], parent: nn.Module, name: str) -> tuple[Site, ...]:
    """Block and attention of each call."""
    attentions = [stack[-1] for stack in stacks]
    blocks = [_block(stack, parent) for stack in stacks]
    if len(set(blocks)) < len(blocks):  # stages: the module around the attention is the block
        blocks = [stack[-2] if len(stack) > 1 else None for stack in stacks]
    alone = (block is None or block is one for block, one in zip(blocks, attentions, strict=True))
    if any(alone) or len(set(blocks)) < len(blocks):
        raise ModelError(
            f"{name}: its attention is not one separate module inside each block; {SUPPORTED}"
        )
    pairs = zip(cast(list[nn.Module], blocks), attentions, strict=True)
    return tuple(Site(block, attention) for block, attention in pairs)


def _block(stack: list[nn.Module], parent: nn.Module) -> nn.Module | None:
    """The first module below the parent that is no mere container."""
    below = stack[stack.index(parent) + 1 :]
    return next((one for one in below if not isinstance(one, (nn.Sequential, nn.ModuleList))), None)


def _shape_of_first(values: object) -> tuple[int, ...]:
    """Shape of a tensor, or of the first in a tuple; empty of anything else."""
    first = values[0] if isinstance(values, tuple) and values else values
    return tuple(first.shape) if isinstance(first, Tensor) else ()


@dataclass
class _Recording:
    """SDPA calls, each with the modules around it, outermost first."""

    channels: int
    stack: list[nn.Module] = field(default_factory=list)
    entered: Counter[nn.Module] = field(default_factory=Counter)
    take_pictures: set[nn.Module] = field(default_factory=set)
    taken: dict[nn.Module, tuple[int, ...]] = field(default_factory=dict)
    put_out: dict[nn.Module, tuple[int, ...]] = field(default_factory=dict)
    calls: list[tuple[AttentionCall, list[nn.Module]]] = field(default_factory=list)

    def enter(self, module: nn.Module, args: tuple[object, ...]) -> None:
        """A module begins."""
        self.stack.append(module)
        self.entered[module] += 1
        shape = self.taken[module] = _shape_of_first(args)
        if len(shape) == 4 and shape[1] == self.channels:
            self.take_pictures.add(module)

    def leave(self, module: nn.Module, _args: object, output: object) -> None:
        """The innermost module ends."""
        self.stack.pop()
        self.put_out[module] = _shape_of_first(output)

    def handle(self, call: AttentionCall, proceed: Callable[[], Tensor]) -> Tensor:
        """Remember a call."""
        self.calls.append((call, list(self.stack)))
        return proceed()


def _record_calls(module: nn.Module, inputs: Tensor) -> _Recording:
    recording = _Recording(inputs.shape[1])
    with ExitStack() as hooks:
        for child in module.modules():
            hooks.callback(child.register_forward_pre_hook(recording.enter).remove)
            hooks.callback(child.register_forward_hook(recording.leave, always_call=True).remove)
        with AttentionSpy(recording.handle):
            module(inputs)
    return recording
