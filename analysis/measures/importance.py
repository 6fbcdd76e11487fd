"""Leave-one-out importance of attention heads (the paper's Sec. 5.2, Eq. 3 to 6).

Pruning a region of a head sets that part of its attention matrix A to zero, without
renormalisation. What that takes from z, the attention layer's output, is (region of A)·V·W_O, so z'
needs no forward pass; P' resumes the model from the layer on.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor

from headbrush.analysis.measures.memory_budget import head_bytes, pieces
from headbrush.analysis.model.capture import resume
from headbrush.analysis.model.modules.outputs import OutputKind
from headbrush.analysis.model.pruning.modes import PRUNING_MODES, REGIONS, PrunedHead
from headbrush.analysis.model.tracing import LayerTrace, Trace, project
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.store.schema import PRUNING_METRICS

_CHUNK_BYTES = 24 * 2**20


@torch.inference_mode()
def leave_one_out(
    model: VisionModel,
    traced: Trace,
    labels: Tensor | None,
    modes: Sequence[int] = (1,),
    predictions: bool = True,
    layers: Sequence[int] | None = None,
) -> np.ndarray:
    """Importance of every head of every traced image.

    Parameters
    ----------
    labels
        ``(B,)`` true classes; where -1, or without labels, the predicted class is used.
    predictions
        Whether to resume the model for ``probability`` and ``jsd``, nearly all of the time.
    layers
        Those whose heads are pruned, by default all; the heads of others are NaN.

    Returns
    -------
    ``(metric, mode, B, L, H)`` float32, the ``PRUNING_METRICS``.
    ``probability`` and ``jsd`` are NaN for a headless model, and without ``predictions``;
    ``cls`` is NaN without a class token.
    """
    chosen = true_classes(traced, labels)
    count, heads = len(traced.output), model.geometry.num_heads
    shape = (len(PRUNING_METRICS), len(modes), count, len(traced.layers), heads)
    result = np.full(shape, np.nan, np.float32)
    for layer in range(len(traced.layers)) if layers is None else layers:
        record = traced.layers[layer]
        for position, mode in enumerate(modes):
            pruned = pruned_outputs(model, traced, layer, mode)  # (H, B, T, C)
            result[2:, position, :, layer] = _layer_metrics(model, record, pruned)
            if model.num_classes and predictions:
                there = [head for head in range(heads) if record.pruned.get(head) != 1]
                found = result[:2, position, :, layer]
                found[:] = 0  # of heads that are gone already
                if there:
                    after = model.kind.probability(resumed(model, traced, layer, pruned[there]))
                    found[..., there] = _model_metrics(traced, after, chosen)
    return result


@torch.inference_mode()
def partial_pruning(
    model: VisionModel, traced: Trace, layer: int, head: int, label: int
) -> PrunedHead:
    """All modes for one head of a single traced image; ``label`` -1 means the predicted class."""
    chosen = true_classes(traced, torch.tensor([label]))
    record = traced.layers[layer]
    alone, modes = slice(head, head + 1), PRUNING_MODES
    outputs = [pruned_outputs(model, traced, layer, mode, alone) for mode in modes]
    pruned = torch.cat(outputs)  # (mode, 1, T, C)
    changed = np.full((len(PRUNING_METRICS), len(modes)), np.nan, np.float32)
    changed[2:] = _layer_metrics(model, record, pruned)[:, 0]
    probability = traced.probability.float()  # (1, classes)
    if model.num_classes:
        after = model.kind.probability(resumed(model, traced, layer, pruned))  # (mode, 1, classes)
        changed[:2] = _model_metrics(traced, after, chosen)[:, 0]
        probability = torch.cat([probability, after[:, 0].float()])
    unchanged = np.where(np.isnan(changed[:, :1]), np.float32(np.nan), np.float32(0))
    return PrunedHead(np.hstack([unchanged, changed]), probability.cpu().numpy())


def true_classes(traced: Trace, labels: Tensor | None) -> Tensor:
    """``(B,)`` int64: the labels, and the predicted class where a label is -1 or missing."""
    predicted = traced.probability.argmax(-1) if traced.kind.num_classes else None
    if predicted is None:  # headless: no class is used
        predicted = torch.zeros(len(traced.output), dtype=torch.long, device=traced.output.device)
    if labels is None:
        return predicted
    labels = labels.to(predicted.device).long()
    return torch.where(labels >= 0, labels, predicted)


def pruned_outputs(
    model: VisionModel, traced: Trace, layer: int, mode: int, heads: slice = slice(None)
) -> Tensor:
    """z' of Eq. 2 with each of ``heads`` of ``layer`` pruned in turn, ``(H, B, T, C)``."""
    record = traced.layers[layer]
    prefix = model.geometry.num_prefix_tokens
    removed = region_output(record, mode, prefix, heads)  # (B, H, T, D)
    projection = model.shortcuts.projections[layer]
    if projection is not None:
        # (C, H·D) -> (H, 1, D, C)
        weight = projection.weight.unflatten(1, (-1, removed.shape[3]))
        weight = weight.permute(1, 2, 0).unsqueeze(1)[heads]
        # (H, B, T, D) x (H, 1, D, C) -> (H, B, T, C)
        return record.output - removed.transpose(0, 1) @ weight
    kept = []
    for position, head in enumerate(range(model.geometry.num_heads)[heads]):
        mixed = record.head_output.clone()
        mixed[:, head] -= removed[:, position]
        kept.append(project(model, traced, layer, mixed))
    return torch.stack(kept)


def region_output(record: LayerTrace, mode: int, prefix: int, heads: slice = slice(None)) -> Tensor:
    """(region of A)·V of ``heads``, ``(B, H, T, D)``."""
    if mode == 1:
        return record.head_output[:, heads]
    chosen = range(record.head_output.shape[1])[heads]
    each = head_bytes(record.head_output.shape[2]) * len(record.head_output)
    return torch.cat(
        [
            _summed_regions(record, mode, prefix, slice(chosen[part][0], chosen[part][-1] + 1))
            for part in pieces(len(chosen), each)
        ],
        dim=1,
    )


def _summed_regions(record: LayerTrace, mode: int, prefix: int, heads: slice) -> Tensor:
    removed = torch.zeros_like(record.head_output[:, heads])
    value = record.call.value[:, heads]
    if not REGIONS[mode]:
        return removed
    attention = record.attention(heads).to(value.dtype)
    if 2 in REGIONS[mode]:
        removed[..., :prefix, :] += attention[..., :prefix, :prefix] @ value[..., :prefix, :]
    if 3 in REGIONS[mode]:
        removed[..., :prefix, :] += attention[..., :prefix, prefix:] @ value[..., prefix:, :]
        removed[..., prefix:, :] += attention[..., prefix:, :prefix] @ value[..., :prefix, :]
    if 4 in REGIONS[mode]:
        removed[..., prefix:, :] += attention[..., prefix:, prefix:] @ value[..., prefix:, :]
    return removed


def _layer_metrics(model: VisionModel, record: LayerTrace, pruned: Tensor) -> np.ndarray:
    """Cosine distances of the class token (Eq. 5) and the patches (Eq. 6), ``(2, B, N)``.

    ``pruned`` is ``(N, B, T, C)``: N variants of z'.
    """
    similarity = torch.cosine_similarity(record.output.float(), pruned.float(), dim=-1)
    distance = (1 - similarity).clamp(0, 2)  # (N, B, T)
    patch = distance[..., model.geometry.num_prefix_tokens :].mean(-1)
    cls = distance[..., 0]
    if not model.geometry.has_class_token:
        cls = torch.full_like(patch, torch.nan)
    return torch.stack([cls, patch]).transpose(1, 2).cpu().numpy()


def _model_metrics(traced: Trace, after: Tensor, chosen: Tensor) -> np.ndarray:
    """P[label] - P'[label] (Eq. 3) and the divergence (Eq. 4), ``(2, B, N)``.

    ``after`` is ``(N, B, classes)``: P' of N variants.
    """
    before = traced.probability
    index = chosen.expand(after.shape[:2]).unsqueeze(-1)
    lost = before.gather(1, chosen[:, None]).T - after.gather(2, index).squeeze(-1)  # (N, B)
    divergence = _divergence(traced.kind, before.expand_as(after), after)
    return torch.stack([lost, divergence]).transpose(1, 2).cpu().numpy()


@torch.inference_mode()
def map_change(model: VisionModel, traced: Trace, modes: Sequence[int] = (1,)) -> np.ndarray:
    """How far pruning each head changes the map that a model puts out, ``(mode, B, L, H)`` float32.

    The mean over the places of the map of Eq. 4, in bits.
    """
    shape = (len(modes), len(traced.images), len(traced.layers), model.geometry.num_heads)
    result = np.full(shape, np.nan, np.float32)
    before = _at_places(model.kind, traced.output)
    for layer in range(len(traced.layers)):
        for position, mode in enumerate(modes):
            for head in range(shape[-1]):  # maps of all heads would take much memory
                pruned = pruned_outputs(model, traced, layer, mode, slice(head, head + 1))
                after = _at_places(model.kind, resumed(model, traced, layer, pruned)[0])
                change = _divergence(model.kind.at_a_place, before, after).mean(-1)
                result[position, :, layer, head] = change.cpu().numpy()
    return result


def _at_places(kind: OutputKind, output: Tensor) -> Tensor:
    """Maps ``(B, K, height, width)`` to probabilities ``(B, places, classes)``."""
    return kind.at_a_place.probability(output.flatten(2).transpose(1, 2))


def _divergence(kind: OutputKind, first: Tensor, second: Tensor) -> Tensor:
    """Eq. 4; of independent labels, the mean over them of each label's own divergence."""
    if not kind.is_multilabel:
        return jensen_shannon(first, second)
    return jensen_shannon(*(torch.stack([1 - p, p], -1) for p in (first, second))).mean(-1)


def jensen_shannon(first: Tensor, second: Tensor) -> Tensor:
    """Jensen-Shannon divergence in bits, in [0, 1], over the last dimension (Eq. 4)."""
    first, second = first.double(), second.double()
    middle = (first + second) / 2

    def relative_entropy(one: Tensor) -> Tensor:
        return (torch.special.xlogy(one, one) - torch.special.xlogy(one, middle)).sum(-1)

    nats = (relative_entropy(first) + relative_entropy(second)) / 2
    return (nats / np.log(2)).clamp(0, 1).float()


def resumed(
    model: VisionModel,
    traced: Trace,
    layer: int,
    pruned: Tensor,
    watch: Callable[[Tensor], AbstractContextManager[object]] = lambda _images: nullcontext(),
    most_rows: int | None = None,
) -> Tensor:
    """Model outputs of N variants of z' ``(N, B, T, C)``: ``(N, B, classes)``.

    Parameters
    ----------
    watch
        Called before each piece of the work with the traced image of each of its rows; the piece
        runs within what it returns.
    most_rows
        Of a piece.
    """
    variants, count, tokens, width = pruned.shape
    flat = pruned.reshape(variants * count, tokens, width)
    block_input = traced.layers[layer].block_input
    size = max(1, _CHUNK_BYTES // (tokens * width * pruned.element_size()))
    size = size if most_rows is None else min(size, most_rows)
    outputs = []
    for start in range(0, len(flat), size):
        rows = torch.arange(start, min(start + size, len(flat)), device=flat.device)
        images = rows % count
        with watch(images):
            outputs.append(
                resume(
                    model,
                    traced,
                    layer,
                    block_input[images],
                    flat[rows[0] : rows[-1] + 1],
                    images,
                )
            )
    return torch.cat(outputs).unflatten(0, (variants, count))
