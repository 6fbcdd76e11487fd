"""Gradient importance: what pruning a head would change, to first order, without pruning.

Michel, Levy and Neubig, "Are Sixteen Heads Really Better than One?" (NeurIPS 2019): with a mask
of 1 on a head's output, the importance is the absolute derivative of the loss by the mask. One
backward pass gives it for all heads. It is an approximation and does not replace pruning: it
measures an infinitesimal change, pruning the full one.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from headbrush.analysis.measures.importance import region_output, true_classes
from headbrush.analysis.measures.memory_budget import at_once, width_by_weights
from headbrush.analysis.model.modules.attention_calls import AttentionCall, AttentionSpy
from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.model.tracing import Trace, running_without
from headbrush.analysis.model.vision_model import VisionModel

_IMAGES_AT_ONCE = 4
"""A backward pass holds every layer's activations, so only a few images share one."""
_GRAPH = 18
"""Tensors of T × C values that the graph keeps of each layer."""


def gradient_importance(
    model: VisionModel,
    inputs: Tensor,
    traced: Trace,
    labels: Tensor | None,
    modes: Sequence[int] = (1,),
) -> np.ndarray:
    """Absolute derivative of the loss by a mask on a region of each head.

    The loss is minus the logarithm of the true class's probability: the cross-entropy, and of
    independent labels the binary cross-entropy of the true label.

    Parameters
    ----------
    inputs
        ``(B, C, H, W)``, of which ``traced`` is the trace.
    labels
        ``(B,)`` true classes; where -1, or without labels, the predicted class is used.

    Returns
    -------
    ``(mode, B, L, H)`` float32 in nats, at least 0; NaN for a model without classifier or gradient.
    """
    heads = (len(traced.layers), model.geometry.num_heads)
    if not model.num_classes or not model.has_gradient:
        return np.full((len(modes), len(inputs), *heads), np.nan, np.float32)
    chosen = true_classes(traced, labels)
    tokens = model.geometry.num_layers * model.geometry.num_tokens
    few = at_once(4 * _GRAPH * tokens * width_by_weights(model), _IMAGES_AT_ONCE)
    slopes = [
        _head_gradients(model, part, classes, traced.pruned)
        for part, classes in zip(inputs.split(few), chosen.split(few), strict=True)
    ]
    prefix = model.geometry.num_prefix_tokens
    result = np.empty((len(modes), len(inputs), *heads), np.float32)
    for layer, record in enumerate(traced.layers):
        slope = torch.cat([part[layer] for part in slopes])  # dLoss/d(A·V), (B, H, T, D)
        for position, mode in enumerate(modes):
            change = (slope * region_output(record, mode, prefix)).sum((-2, -1))
            result[position, :, layer] = change.abs().float().cpu().numpy()
    return result


def _head_gradients(
    model: VisionModel, inputs: Tensor, classes: Tensor, pruned: PruneSet
) -> list[Tensor]:
    """The loss's derivative by A·V of every layer: L of ``(B, H, T, D)``."""
    outputs: list[Tensor] = []
    active: list[bool] = []

    def handle(_call: AttentionCall, proceed: Callable[[], Tensor]) -> Tensor:
        result = proceed()
        if not active:
            return result
        if not outputs:  # no weight asks for a gradient, so the graph begins here
            result.requires_grad_(True)
        outputs.append(result)
        return result

    hooks = []
    for site in model.sites:
        enter = site.attention.register_forward_pre_hook(lambda *_: active.append(True))
        leave = site.attention.register_forward_hook(lambda *_: active.pop() and None)
        hooks += [enter, leave]
    try:
        with torch.enable_grad(), running_without(model, pruned), AttentionSpy(handle):
            chances = model.kind.log_probability(model.outputs(inputs))
            loss = -chances.gather(1, classes[:, None]).sum()
            return list(torch.autograd.grad(loss, outputs))
    finally:
        for hook in hooks:
            hook.remove()
