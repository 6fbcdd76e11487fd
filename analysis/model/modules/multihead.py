"""torch.nn.MultiheadAttention computed by SDPA, where its heads can be seen.

By itself it computes in one fused step when it is not trained, which shows no heads. The models of
torchvision and open_clip attend by it, and those built of torch.nn.TransformerEncoderLayer.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def use_visible_attention(module: nn.Module) -> None:
    """Make every ``MultiheadAttention`` of a module call SDPA; those that cannot are left."""
    for part in module.modules():
        if isinstance(part, nn.MultiheadAttention) and _is_plain(part):
            part.forward = partial(_attend, part)
        if isinstance(part, nn.TransformerEncoderLayer):
            part.activation_relu_or_gelu = 0  # else it computes without calling its attention


def _is_plain(attention: nn.MultiheadAttention) -> bool:
    """Whether it is torch's own, its keys are the tokens', and as wide as its queries."""
    return (
        type(attention).forward is nn.MultiheadAttention.forward
        and "forward" not in vars(attention)
        and isinstance(attention.in_proj_weight, Tensor)
        and attention.bias_k is None
        and attention.bias_v is None
        and not attention.add_zero_attn
    )


def _attend(
    attention: nn.MultiheadAttention,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """What its ``forward`` returns; what has a mask or no batch goes the usual way."""
    masked = key_padding_mask is not None or attn_mask is not None or is_causal
    if masked or query.ndim != 3:
        return nn.MultiheadAttention.forward(
            attention,
            query,
            key,
            value,
            key_padding_mask,
            need_weights,
            attn_mask,
            average_attn_weights,
            is_causal,
        )
    tokens = [query, key, value]
    if not attention.batch_first:
        tokens = [one.transpose(0, 1) for one in tokens]
    weights = attention.in_proj_weight.chunk(3)
    given = attention.in_proj_bias
    biases = (None, None, None) if given is None else given.chunk(3)
    # (B, T, H·D) -> (B, H, T, D)
    q, k, v = (
        F.linear(*parts).unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
        for parts in zip(tokens, weights, biases, strict=True)
    )
    # (B, H, T, D) -> (B, T, H·D)
    mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    output = F.linear(mixed, attention.out_proj.weight, attention.out_proj.bias)
    output = output if attention.batch_first else output.transpose(0, 1)
    if not need_weights:
        return output, None
    seen = torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, -1)
    return output, seen.mean(1) if average_attn_weights else seen
