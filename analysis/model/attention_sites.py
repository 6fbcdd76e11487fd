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
        The innermost module that holds all layers: the ViT itself.
    """

    layers: tuple[Site, ...]
    tokens: int
    heads: int
    parent: nn.Module


def use_fused_attention(module: nn.Module) -> None:
    """Make every timm attention module call SDPA, also where that was switched off."""
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
    parent = _parent(stacks)
    _demand_own_modules([stack[-1] for stack in stacks], recording.entered, name)
    layers = _layers(stacks, parent, name)
    return Sites(layers, tokens.pop(), heads[0], parent)


def _parent(stacks: Sequence[list[nn.Module]]) -> nn.Module:
    """The innermost module that all calls share; of one call, what holds its block."""
    if len(stacks) == 1:
        return next((m for m in stacks[0] if isinstance(getattr(m, "blocks", None), nn.Module)),
                    stacks[0][0])  # fmt: skip
    shared = [level[0] for level in zip(*stacks, strict=False) if len(set(level)) == 1]
    containers = (nn.Sequential, nn.ModuleList)
    return next((m for m in reversed(shared) if not isinstance(m, containers)), shared[0])


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


@dataclass
class _Recording:
    """SDPA calls, each with the modules around it, outermost first."""

    stack: list[nn.Module] = field(default_factory=list)
    entered: Counter[nn.Module] = field(default_factory=Counter)
    calls: list[tuple[AttentionCall, list[nn.Module]]] = field(default_factory=list)

    def enter(self, module: nn.Module, _args: object) -> None:
        """A module begins."""
        self.stack.append(module)
        self.entered[module] += 1

    def leave(self, *_: object) -> None:
        """The innermost module ends."""
        self.stack.pop()

    def handle(self, call: AttentionCall, proceed: Callable[[], Tensor]) -> Tensor:
        """Remember a call."""
        self.calls.append((call, list(self.stack)))
        return proceed()


def _record_calls(module: nn.Module, inputs: Tensor) -> _Recording:
    recording = _Recording()
    with ExitStack() as hooks:
        for child in module.modules():
            hooks.callback(child.register_forward_pre_hook(recording.enter).remove)
            hooks.callback(child.register_forward_hook(recording.leave, always_call=True).remove)
        with AttentionSpy(recording.handle):
            module(inputs)
    return recording
