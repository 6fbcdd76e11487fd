"""The weights of a model without some of its heads.

The rows of a pruned head go from qkv, with their bias, and its columns from the projection, whose
bias stays; a layer without heads is that bias alone.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.model.tracing import Trace, trace
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.store.errors import InputError


class InexactExport(InputError):
    """A model or prune set of which no smaller checkpoint gives the same outputs."""


def demand_whole(pruned: PruneSet) -> None:
    """Refuse a set that is empty or prunes parts of heads.

    Raises
    ------
    InexactExport
        Naming the first such part.
    """
    if not pruned:
        raise InexactExport("the prune set is empty; give the heads to leave out, such as 2.0,3.4.")
    for part in pruned:
        if part.mode != 1:
            raise InexactExport(
                f"{part}: only whole heads can be left out; the other modes remove parts of a "
                f"head's attention, which needs all of its weights. Give {part.layer}.{part.head}."
            )


def heads_kept(model: VisionModel, pruned: PruneSet) -> dict[str, list[int]]:
    """Heads that stay, by the place of each attention module in order of layer.

    Raises
    ------
    InputError
        If the set names a head that the model does not have.
    """
    heads = range(model.geometry.num_heads)
    pruned.demand_within(len(model.sites), len(heads))
    places = {module: name for name, module in model.module.named_modules()}
    return {
        places[site.attention]: [head for head in heads if head not in pruned.of_layer(layer)]
        for layer, site in enumerate(model.sites)
    }


@torch.inference_mode()
def smaller_weights(model: VisionModel, kept: dict[str, list[int]]) -> dict[str, Tensor]:
    """Weights by name, as ``load_model.py`` reads them.

    Parameters
    ----------
    kept
        As :func:`heads_kept` gives it.

    Raises
    ------
    InexactExport
        If a layer does more with its heads than projecting them.
    """
    traced = trace(model, torch.randn(2, *model.input_size, device=model.device))
    tensors = dict(model.module.state_dict())
    for layer, (place, heads) in enumerate(kept.items()):
        if len(heads) == model.geometry.num_heads:
            continue  # timm's own
        tensors = {name: t for name, t in tensors.items() if not name.startswith(f"{place}.")}
        own = _layer_weights(model, traced, layer, heads)
        tensors |= {f"{place}.{name}": tensor for name, tensor in own.items()}
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _layer_weights(
    model: VisionModel, traced: Trace, layer: int, heads: Sequence[int]
) -> dict[str, Tensor]:
    """Of one attention module; ``mask`` is what it adds to the scores of its kept heads."""
    attention, count = model.sites[layer].attention, model.geometry.num_heads
    record, projection = traced.layers[layer], model.shortcuts.projections[layer]
    if projection is None:
        raise InexactExport(
            f"{model.name}: layer {layer} has a norm or gate over all heads before its projection, "
            "so the others would change if some were left out; this model cannot be made smaller "
            "with the same outputs."
        )
    weight, bias = _qkv(model, traced, layer)
    columns, shift = projection.weight.unflatten(1, (count, -1)), projection.bias
    found = {
        "qkv.weight": weight.unflatten(0, (3, count, -1))[:, heads].flatten(0, 2),
        "qkv.bias": bias.unflatten(0, (3, count, -1))[:, heads].flatten(),
        "proj.weight": columns[:, heads].flatten(1),
        "proj.bias": weight.new_zeros(len(columns)) if shift is None else shift,
    }
    for name in ("q_norm", "k_norm"):
        norm = getattr(attention, name, None)
        parts = {} if norm is None else norm.state_dict()
        found |= {f"{name}.{leaf}": value for leaf, value in parts.items()}
    mask = record.call.attn_mask
    if mask is not None and heads:
        found["mask"] = _added(model, mask, layer, count)[:, heads]
    return found


def _qkv(model: VisionModel, traced: Trace, layer: int) -> tuple[Tensor, Tensor]:
    """Weight ``(3·H·D, C)`` and bias ``(3·H·D,)`` of queries, keys and values."""
    attention = model.sites[layer].attention
    fused = getattr(attention, "qkv", None)
    names = ("q_proj", "k_proj", "v_proj")
    linears = [getattr(attention, name, None) for name in names] if fused is None else [fused]
    weights = [one.weight for one in linears if isinstance(one, nn.Linear)]
    _, heads, _, width = traced.layers[layer].head_output.shape
    if len(weights) != len(linears) or sum(map(len, weights)) != 3 * heads * width:
        raise InexactExport(
            f"{model.name}: layer {layer} makes its queries, keys and values in a way of its own "
            f"({type(attention).__name__}), so no rows of them belong to a head."
        )
    biases = [one.bias for one in linears if isinstance(one, nn.Linear)]
    if fused is not None and getattr(attention, "q_bias", None) is not None:
        biases = [getattr(attention, name) for name in ("q_bias", "k_bias", "v_bias")]
    weight = torch.cat(weights)
    none = weight.new_zeros(len(weight) // len(biases))
    return weight, torch.cat([none if bias is None else bias for bias in biases])


def _added(model: VisionModel, mask: Tensor, layer: int, heads: int) -> Tensor:
    """What is added to the scores, ``(1, H, T, T)``."""
    while mask.ndim < 4:
        mask = mask[None]
    if len(mask) > 1 or not mask.is_floating_point():
        raise InexactExport(
            f"{model.name}: the scores of layer {layer} are masked in a way that depends on the "
            "image, which the smaller model would not do."
        )
    return mask.expand(1, heads, *mask.shape[2:])
