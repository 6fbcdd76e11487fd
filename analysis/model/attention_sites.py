"""Where a model computes attention: its layers, each a block and the attention module inside."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn

from headbrush.analysis.model.modules.attention_calls import AttentionCall, AttentionSpy
from headbrush.analysis.model.modules.multihead import use_visible_attention
from headbrush.analysis.model.modules.refusals import (
    SUPPORTED,
    why_no_attention,
)
from headbrush.analysis.model.modules.windowed import Stage, layers_of
from headbrush.analysis.store.errors import ModelError


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
def find_sites(module: nn.Module, inputs: Tensor, name: str, vit: nn.Module | None = None) -> Sites:
    """Find the attention layers of a plain ViT, or of the part ``vit`` of a module.

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
    recording = _record_calls(module, inputs)
    own = None if vit is None else set(vit.modules())  # it may be used without being called itself
    calls = [one for one in recording.calls if own is None or one[1][-1] in own]
    if not calls:
        raise ModelError(f"{name}: {why_no_attention(module, inputs)}")
    square = [
        (call, stack)
        for call, stack in calls
        if call.query.shape[-2] == call.key.shape[-2] and call.query.shape[0] == len(inputs)
    ]
    if any(call.query.shape[-2] > call.key.shape[-2] for call, _ in calls):
        reason = "some of its layers attend to pooled keys, fewer than there are tokens"
        raise ModelError(f"{name}: {reason}; {SUPPORTED}")
    tokens = {call.query.shape[-2] for call, _ in square}
    if len(tokens) != 1 or any(call.query.shape[0] != len(inputs) for call, _ in calls):
        reason = "its attention layers see different numbers of tokens, or windows of them"
        raise ModelError(f"{name}: {reason}; {SUPPORTED}")
    heads = sorted({call.query.shape[1] for call, _ in square if call.query.ndim == 4})
    if not heads:
        reason = "its attention is not over images × heads × tokens, but over windows or more"
        raise ModelError(f"{name}: {reason}; {SUPPORTED}")
    if len(heads) > 1:
        raise ModelError(
            f"{name}: its layers have different numbers of heads ({', '.join(map(str, heads))}); "
            "headbrush needs the same number in every layer."
        )
    stacks = [stack for _, stack in square]
    shared = _shared(stacks)
    _demand_own_modules([stack[-1] for stack in stacks], recording.entered, name)
    layers = _layers(stacks, shared[-1], recording.without_projection, name)
    for site in layers:
        _demand_tokens(site, recording, (len(inputs), *tokens), name)
    parent = next((one for one in reversed(shared) if one in recording.take_pictures), shared[-1])
    return Sites(layers, tokens.pop(), heads[0], parent)


def sites_of_stage(module: nn.Module, stage: Stage) -> Sites:
    """The attention layers of a stage of a Swin Transformer."""
    swin, layers = layers_of(module)
    return Sites(tuple(Site(*layer) for layer in layers), stage.tokens, stage.heads, swin)


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
        f"needs images × tokens × width, here {' × '.join(map(str, expected))} × width, as the "
        "first value."
    )


def _layers(
    stacks: Sequence[list[nn.Module]],
    parent: nn.Module,
    without_projection: set[nn.Module],
    name: str,
) -> tuple[Site, ...]:
    """Block and attention of each call; the projection is part of the attention."""
    blocks = [_block(stack, parent) for stack in stacks]
    if len(set(blocks)) < len(blocks):  # stages: the module around the attention is the block
        blocks = [stack[-2] if len(stack) > 1 else None for stack in stacks]
    attentions = [
        stack[-2] if stack[-1] in without_projection and stack[-2:-1] != [block] else stack[-1]
        for stack, block in zip(stacks, blocks, strict=True)
    ]
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


def _first(values: object) -> object:
    return values[0] if isinstance(values, tuple) and values else values


def _shape(value: object) -> tuple[int, ...]:
    return tuple(value.shape) if isinstance(value, Tensor) else ()


@dataclass
class _Recording:
    """SDPA calls, each with the modules around it, outermost first."""

    channels: int
    stack: list[nn.Module] = field(default_factory=list)
    entered: Counter[nn.Module] = field(default_factory=Counter)
    take_pictures: set[nn.Module] = field(default_factory=set)
    taken: dict[nn.Module, tuple[int, ...]] = field(default_factory=dict)
    put_out: dict[nn.Module, tuple[int, ...]] = field(default_factory=dict)
    mixed: Tensor | None = None
    without_projection: set[nn.Module] = field(default_factory=set)
    calls: list[tuple[AttentionCall, list[nn.Module]]] = field(default_factory=list)

    def enter(self, module: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        """A module begins."""
        self.stack.append(module)
        self.entered[module] += 1
        shape = self.taken[module] = _shape(_first((*args, *kwargs.values())))
        if len(shape) == 4 and shape[1] == self.channels:
            self.take_pictures.add(module)

    def leave(self, module: nn.Module, _args: object, output: object) -> None:
        """The innermost module ends."""
        self.stack.pop()
        first = _first(output)
        self.put_out[module] = _shape(first)
        if self.calls and self.calls[-1][1][-1:] == [module] and isinstance(first, Tensor):
            # (B, H, T, D) -> (B, T, H·D)
            mixed = cast(Tensor, self.mixed).transpose(1, 2).flatten(2)
            if mixed.shape == first.shape and torch.equal(mixed, first):
                self.without_projection.add(module)

    def handle(self, call: AttentionCall, proceed: Callable[[], Tensor]) -> Tensor:
        """Remember a call."""
        self.calls.append((call, list(self.stack)))
        self.mixed = proceed()
        return self.mixed


def _record_calls(module: nn.Module, inputs: Tensor) -> _Recording:
    recording = _Recording(inputs.shape[1])
    with ExitStack() as hooks:
        for child in module.modules():
            hooks.callback(
                child.register_forward_pre_hook(recording.enter, with_kwargs=True).remove
            )
            hooks.callback(child.register_forward_hook(recording.leave, always_call=True).remove)
        with AttentionSpy(recording.handle):
            module(inputs)
    return recording
