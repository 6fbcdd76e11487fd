"""What a store keeps of direct contributions: of each head, to a few classes of each image."""

import numpy as np
import torch
from torch import Tensor

from headbrush.analysis.explain.direct import TOLERANCE, demand_logits, direct_contributions
from headbrush.analysis.explain.refusal import LATER_STAGES, InexactError
from headbrush.analysis.measures.importance import true_classes
from headbrush.analysis.model.tracing import Trace, trace
from headbrush.analysis.model.vision_model import VisionModel

DIRECT = ("direct", "direct_class")
"""The variables of a store."""
MOST_PROBABLE = 5
"""So many of the most probable classes are explained, beside the true one."""


def explained_classes(traced: Trace, labels: Tensor | None) -> Tensor:
    """``(B, K)`` int64: the true class (else the predicted one), then the most probable ones."""
    probability = traced.probability
    count = min(MOST_PROBABLE, probability.shape[1])
    probable = probability.topk(count, dim=-1).indices
    return torch.cat([true_classes(traced, labels)[:, None], probable], -1)


def why_inexact(model: VisionModel, images: Tensor) -> str:
    """Why the logits of this model are no sum over its heads; no text if they are, on ``images``.

    The part of the self-check that refuses only what it concerns.
    """
    try:
        demand_logits(model)
        traced = trace(model, images)
        error = direct_contributions(model, traced, explained_classes(traced, None)).error.max()
    except InexactError as refusal:
        return str(refusal)
    if float(error) <= TOLERANCE:
        return ""
    if model.stage is not None:
        return LATER_STAGES
    return (
        "something beside norms and linear maps stands between the layers and its logits "
        f"(the sum over its parts is off by {float(error):.1g} of their range)"
    )


def stored_direct(
    model: VisionModel, traced: Trace, labels: Tensor | None
) -> dict[str, np.ndarray]:
    """``direct`` ``(B, L, H, K)`` float32 and ``direct_class`` ``(B, K)`` int32 of a store.

    NaN for an image whose logits are no such sum; nothing for a model without classifier.
    """
    if not model.num_classes:
        return {}
    classes = explained_classes(traced, labels)
    return {
        "direct": _heads(model, traced, classes).movedim(0, -1).float().cpu().numpy(),
        "direct_class": classes.int().cpu().numpy(),
    }


def _heads(model: VisionModel, traced: Trace, classes: Tensor) -> Tensor:
    """Contributions of the heads, ``(K, B, L, H)``; NaN where they are not exact."""
    shape = (classes.shape[1], len(classes), len(traced.layers), model.geometry.num_heads)
    unknown = torch.full(shape, torch.nan, device=classes.device)
    if model.inexact:
        return unknown
    try:
        found = direct_contributions(model, traced, classes)
    except InexactError:
        return unknown
    is_exact = found.error <= TOLERANCE  # (B,)
    return torch.where(is_exact[:, None, None], found.head, unknown)
