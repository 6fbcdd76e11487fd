"""The calls by which a model attends: one mechanism for every ViT that calls PyTorch's SDPA.

A mode intercepts ``torch.nn.functional.scaled_dot_product_attention`` (SDPA), whatever class the
attention module has, so the attention weights follow from exactly what the model computes with:
queries, keys, scale and bias.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode


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

    def attend(self) -> Tensor:
        """Run the call: ``A·V``, ``(B, H, T, D)``."""
        return F.scaled_dot_product_attention(
            self.query,
            self.key,
            self.value,
            attn_mask=self.attn_mask,
            dropout_p=self.dropout_p,
            is_causal=self.is_causal,
            scale=self.scale,
        )

    def of_heads(self, heads: slice | list[int]) -> "AttentionCall":
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
