"""Sinks: source tokens that many others attend to, and what a head does with them.

Darcet et al., "Vision Transformers Need Registers" (ICLR 2024); Xiao et al., "Efficient Streaming
Language Models with Attention Sinks" (ICLR 2024).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from headbrush.analysis.explain.words import BROADCASTS, HEAVY, IDLE, MIXED, NONE
from headbrush.analysis.model.modules.attention_calls import AttentionCall
from headbrush.analysis.model.tracing import Trace

_SMALL_VALUE = 0.2
_RANK_ONE = 0.8
_FAR, _DEVIATIONS = 3.0, 6.0


@dataclass(frozen=True)
class Sinks:
    """Sinks of the heads of one layer, each ``(B, H)``.

    Attributes
    ----------
    token
        The token with most column mass.
    mass
        Its mean attention, in shares of even attention, 1/T.
    value
        Size of its value, by the median of all tokens.
    rank_one
        Share of the head's output A·V, squared, that one direction with one weight a row explains.
    kind
        Place in ``SINK_KINDS``.
    """

    token: Tensor
    mass: Tensor
    value: Tensor
    rank_one: Tensor
    kind: Tensor


def sinks_of(call: AttentionCall) -> Sinks:
    """The sinks of one layer's heads."""
    attention = call.weights()
    column = attention.mean(-2) * attention.shape[-1]  # (B, H, T)
    mass, token = column.max(-1)
    size = call.value.float().norm(dim=-1)  # (B, H, T)
    value = size.gather(-1, token[..., None])[..., 0]
    value = value / size.median(-1).values.clamp(min=1e-12)
    strength = torch.linalg.svdvals(attention @ call.value.float()).square()
    rank_one = strength[..., 0] / strength.sum(-1).clamp(min=1e-24)
    kind = torch.where(rank_one >= _RANK_ONE, BROADCASTS, MIXED)
    kind = torch.where(value <= _SMALL_VALUE, IDLE, kind)
    return Sinks(token, mass, value, rank_one, torch.where(mass >= HEAVY, kind, NONE))


def outlying_tokens(traced: Trace) -> Tensor:
    """Which tokens enter a layer with a norm far above the others', ``(B, L, T)`` bool."""
    norms = torch.stack([record.block_input.float().norm(dim=-1) for record in traced.layers], 1)
    ratio = norms / norms.median(-1, keepdim=True).values.clamp(min=1e-12)
    middle = ratio.median(-1, keepdim=True).values
    deviation = (ratio - middle).abs().median(-1, keepdim=True).values
    return (ratio > _FAR) & (ratio > middle + _DEVIATIONS * deviation)
