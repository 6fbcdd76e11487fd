"""One shard of images: run, measure attention, and leave a part on disk; pruning follows."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from headbrush.analysis.explain.stored import stored_direct
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.thumbnails import thumbnails
from headbrush.analysis.measures.gradient import gradient_importance
from headbrush.analysis.measures.memory_budget import (
    head_bytes,
    images_at_once,
    images_in_a_shard,
    pieces,
)
from headbrush.analysis.measures.names.measured import measure_names
from headbrush.analysis.measures.neighbours import features_of
from headbrush.analysis.measures.offset_kernel import between_patches, offset_features
from headbrush.analysis.measures.patterns import (
    binarise,
    cls_pattern,
    from_sources,
    from_windows,
    mean_window,
    pack,
)
from headbrush.analysis.measures.strength import attention_distance, hop_strength, strength_entropy
from headbrush.analysis.model.batches import load_batch
from headbrush.analysis.model.geometry import Geometry
from headbrush.analysis.model.tracing import Trace, trace
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.run.progress import Advance
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.store.attention_file import AttentionWriter
from headbrush.analysis.store.schema import PRUNING_METRICS

SHARD_IMAGES = 64
_ALIKE, _LEAST_IMAGES = 8, 16
"""The number of shards is a multiple of the first, so that two, four or eight workers end together;
but there are no more for it than batches of the second."""
PRUNED = "pruned-"
"""Before the name of a shard, that of the part with its pruning."""
_IMAGE_AXIS = {"gradient": 1}
"""Of the arrays in which images are not the first axis; the gradient is (mode, B, L, H)."""


@dataclass(frozen=True)
class Shard:
    """Images ``start`` to ``stop`` of the set; ``name`` is that of its part and attention file."""

    name: str
    start: int
    stop: int

    def of(self, images: ImageSet) -> ImageSet:
        """The shard's own images."""
        return images.take(range(self.start, self.stop))


def cut_shards(count: int, geometry: Geometry | None = None) -> list[Shard]:
    """Cut ``count`` images evenly into shards of :data:`SHARD_IMAGES` at most.

    Patterns of many patches are large: with a ``geometry``, shards are smaller where they must be.
    The cut does not depend on the machine, so that another one can resume.
    """
    size = SHARD_IMAGES if geometry is None else images_in_a_shard(geometry, SHARD_IMAGES)
    fewest = -(-count // size)
    number = max(fewest, min(-(-fewest // _ALIKE) * _ALIKE, -(-count // _LEAST_IMAGES)))
    bounds = [count * place // max(1, number) for place in range(number + 1)]
    return [
        Shard(f"{place:05}", start, stop) for place, (start, stop) in enumerate(pairwise(bounds))
    ]


@dataclass(frozen=True)
class ShardJob:
    """Job: measure one shard; can be sent to another process.

    Attributes
    ----------
    images
        The shard's own images.
    stored
        Indices within the shard of the images whose attention is kept.
    modes
        Pruning modes of the gradient; the first is that of ``importance``.
    with_bits
        Whether binarised patch patterns are kept, for an autoencoder.
    """

    name: str
    start: int
    images: ImageSet
    stored: tuple[int, ...]
    batch_size: int
    modes: tuple[int, ...]
    with_bits: bool
    parts: PartFiles


def analyze_shard(model: VisionModel, job: ShardJob, advance: Advance) -> None:
    """Measure every head of the shard's images; write the part and the attention file."""
    geometry = model.geometry
    shape = (geometry.num_layers, geometry.num_heads, geometry.num_tokens)
    path = job.parts.store / "attention" / f"{job.name}.nc"
    places = [job.start + index for index in job.stored]
    results = []
    with AttentionWriter(path, places, shape) if places else nullcontext() as writer:
        size = images_at_once(model, job.batch_size)
        for start in range(0, len(job.images), size):
            indices = range(start, min(start + size, len(job.images)))
            inputs = load_batch(model, job.images, indices)
            traced = trace(model, inputs)
            rows = [
                (row, job.start + index) for row, index in enumerate(indices) if index in job.stored
            ]
            measured = _measure_layers(model, traced, rows, writer, job.with_bits)
            results.append(measured | _measure_images(model, traced, inputs, job, indices))
            advance(indices.stop / len(job.images))
    joined = {
        name: np.concatenate([one.pop(name) for one in results], axis=_IMAGE_AXIS.get(name, 0))
        for name in list(results[0])
    }
    joined["offset_kernel"] = joined["offset_kernel"].sum(0)  # over the batches
    kept = joined.pop("source_pattern")  # (B, L, H, S, P)
    by_layer = {source_layer(layer): kept[:, layer] for layer in range(kept.shape[1])}
    job.parts.save(sources_part(job.name), **by_layer)
    job.parts.save(job.name, **joined)


def sources_part(shard: str) -> str:
    """Name of the part with the attention of some source patches."""
    return f"sources-{shard}"


def source_layer(layer: int) -> str:
    """Name of one layer's array in it, ``(B, H, S, P)`` float16."""
    return f"layer_{layer}"


def importance_of(shard: Shard, parts: PartFiles) -> np.ndarray:
    """Importance of a shard's heads, ``(metric, mode, B, L, H)``; NaN where not yet measured."""
    (gradient,) = parts.load(shard.name, "gradient")
    if parts.has(PRUNED + shard.name):
        (pruned,) = parts.load(PRUNED + shard.name, "pruned")
    else:
        pruned = np.full((len(PRUNING_METRICS), *gradient.shape), np.nan, np.float32)
    return np.concatenate([pruned, gradient[None]])


def other_metric_of(shard: Shard, parts: PartFiles) -> np.ndarray:
    """The own metric of a model without classifier, ``(mode, B, L, H)``; NaN if not measured."""
    if parts.has(PRUNED + shard.name):
        found = parts.load_all(PRUNED + shard.name)
        if "other" in found:
            return found["other"]
    (gradient,) = parts.load(shard.name, "gradient")
    return np.full_like(gradient, np.nan)


def is_pruned(shards: Sequence[Shard], parts: PartFiles) -> bool:
    """Whether the heads of all shards have been pruned."""
    return all(parts.has(PRUNED + shard.name) for shard in shards)


def _measure_images(
    model: VisionModel, traced: Trace, inputs: torch.Tensor, job: ShardJob, indices: range
) -> dict[str, np.ndarray]:
    labels = torch.from_numpy(job.images.labels[indices.start : indices.stop])
    return (
        {
            "probability": traced.probability.float().cpu().numpy(),
            "gradient": gradient_importance(model, inputs, traced, labels, job.modes),
            "thumbnail": thumbnails(inputs.cpu().numpy(), model.mean, model.std),
        }
        | _features(model, traced)
        | stored_direct(model, traced, labels)
    )


def _features(model: VisionModel, traced: Trace) -> dict[str, np.ndarray]:
    """Of a model without classifier, those among which neighbours are sought."""
    if not model.has_features:
        return {}
    return {"feature": features_of(model, traced.output).cpu().numpy()}


def _measure_layers(
    model: VisionModel,
    traced: Trace,
    stored: list[tuple[int, int]],
    writer: AttentionWriter | None,
    with_bits: bool,
) -> dict[str, np.ndarray]:
    """Everything that needs A itself, a few heads at a time: each value ``(B, L, H, …)``.

    ``stored`` pairs rows of the batch with the global index of an image to write.
    """
    count, heads, tokens = traced.layers[0].head_output.shape[:3]
    layers = []
    for layer, record in enumerate(traced.layers):
        few = []
        for some in pieces(heads, count * head_bytes(tokens)):
            attention = record.attention(some)  # (B, H, T, T)
            few.append(_measure_heads(model, layer, attention, with_bits))
            if writer is not None:
                for row, image in stored:
                    writer.write(image, layer, attention[row].cpu().numpy(), some.start)
        layers.append(_joined(few, np.concatenate))
    return _joined(layers, np.stack)  # L of (B, H, …) -> (B, L, H, …)


def _joined(
    parts: list[dict[str, np.ndarray]], join: Callable[..., np.ndarray]
) -> dict[str, np.ndarray]:
    return {name: join([part[name] for part in parts], axis=1) for name in parts[0]}


def _measure_heads(
    model: VisionModel, layer: int, attention: torch.Tensor, with_bits: bool
) -> dict[str, np.ndarray]:
    """What A of some heads ``(B, H, T, T)`` tells: each value ``(B, H, …)``."""
    geometry = model.geometry
    prefix, grid = geometry.num_prefix_tokens, (geometry.grid_height, geometry.grid_width)
    windows = geometry.windows[layer] if geometry.windows else None
    strength = hop_strength(attention, prefix, grid, windows)
    if windows is None:
        pattern, sources = attention, from_sources(attention, prefix, grid)
    else:
        pattern, sources = mean_window(attention, windows), from_windows(attention, windows)
    patches = between_patches(pattern, prefix)
    measured = {
        "strength": strength,
        "strength_entropy": strength_entropy(strength),
        "attention_distance": attention_distance(attention, prefix, grid),
        "offset_pattern": offset_features(patches, geometry.pattern_grid),
        "source_pattern": sources.half(),
    }
    if geometry.has_class_token:
        measured["cls_pattern"] = cls_pattern(attention, prefix)
    arrays = {name: value.cpu().numpy() for name, value in measured.items()}
    names = measure_names(pattern, patches, geometry)
    bits = {"patch_pattern": pack(binarise(pattern, prefix))} if with_bits else {}
    return arrays | names | bits
