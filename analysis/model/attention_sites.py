"""Where a model computes attention: one mechanism for every ViT that calls PyTorch's SDPA.

A mode intercepts ``torch.nn.functional.scaled_dot_product_attention`` (SDPA), whatever class the
attention module has, so the attention weights follow from exactly what the model computes with:
queries, keys, scale and bias.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

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
        return self._handle(AttentionCall(*args, **kwargs), lambda: func(*args, **kwargs))


@dataclass(frozen=True)
class Site:
    """One attention layer: the transformer block, and the attention module inside it."""

    block: nn.Module
    attention: nn.Module


def use_fused_attention(module: nn.Module) -> None:
    """Make every timm attention module call SDPA, also where that was switched off."""
    for child in module.modules():
        if isinstance(getattr(child, "fused_attn", None), bool):
            child.fused_attn = True  # pyright: ignore[reportArgumentType] (torch: only tensors)


@torch.inference_mode()
def find_sites(module: nn.Module, inputs: Tensor, name: str) -> tuple[list[Site], int]:
    """Find the attention layers of a plain ViT, and its number of tokens T.

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
    source = type(module).__module__.rsplit(".", 1)[-1].lower()
    for word, reason in _REASONS.items():
        if word in source:
            raise ModelError(f"{name}: {reason}; {_SUPPORTED}")
    calls = _record_calls(module, inputs)
    shapes = [call.query.shape for call, _ in calls]
    square = [
        (call, stack)
        for call, stack in calls
        if call.query.shape[-2] == call.key.shape[-2] and call.query.shape[0] == len(inputs)
    ]
    tokens = {call.query.shape[-2] for call, _ in square}
    if len(tokens) != 1 or any(shape[0] != len(inputs) for shape in shapes):
        reason = (
            "its attention layers see different numbers of tokens, or windows of them"
            if calls
            else "it makes no attention call over tokens (it is convolutional or windowed)"
        )
        raise ModelError(f"{name}: {reason}; {_SUPPORTED}")
    blocks = set(getattr(module, "blocks", ()))
    sites = []
    for _, stack in square:
        block = next((m for m in stack if m in blocks), None)
        if block is None or stack[-1] is block:
            raise ModelError(
                f"{name}: its attention is not a separate module inside a block; {_SUPPORTED}"
            )
        sites.append(Site(block, stack[-1]))
    if [site.block for site in sites] != list(getattr(module, "blocks", ())):
        raise ModelError(f"{name}: not every block has exactly one attention layer; {_SUPPORTED}")
    return sites, tokens.pop()


_SUPPORTED = (
    "headbrush analyzes plain vision transformers, in which every layer attends over all tokens "
    "(ViT, DeiT, DINOv2, DINOv3, EVA-02, BEiT, CLIP, SigLIP)."
)
_REASONS = {
    "swin": "it attends within shifted windows, so no attention matrix spans the image",
    "maxxvit": "it mixes convolutions with windowed and grid attention",
    "hiera": "it pools tokens between stages and attends within windows",
    "sam": "it attends within windows in most layers",
    "xcit": "it attends between channels, not between tokens",
    "cait": "its class token attends in separate layers, without the patches' attention",
}


def _record_calls(module: nn.Module, inputs: Tensor) -> list[tuple[AttentionCall, list[nn.Module]]]:
    stack: list[nn.Module] = []
    calls: list[tuple[AttentionCall, list[nn.Module]]] = []

    def handle(call: AttentionCall, proceed: Callable[[], Tensor]) -> Tensor:
        calls.append((call, list(stack)))
        return proceed()

    with ExitStack() as hooks:
        for child in module.modules():
            enter = child.register_forward_pre_hook(lambda m, _: stack.append(m))
            leave = child.register_forward_hook(lambda *_: stack.pop() and None)
            hooks.callback(enter.remove)
            hooks.callback(leave.remove)
        with AttentionSpy(handle):
            module(inputs)
    return calls
