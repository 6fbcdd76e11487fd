"""One shard of images: run, prune, measure, and leave a part on disk."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch

from analysis.attention_file import AttentionWriter
from analysis.capture import Trace, trace
from analysis.images import ImageSet, load_image, thumbnails
from analysis.importance import leave_one_out
from analysis.models import VisionModel
from analysis.parts import Parts
from analysis.patterns import binarise, cls_pattern, pack
from analysis.progress import Advance
from analysis.strength import attention_distance, hop_strength, strength_entropy

SHARD_IMAGES = 64


@dataclass(frozen=True)
class Shard:
    """Images ``start`` to ``stop`` of the set."""

    start: int
    stop: int

    @property
    def name(self) -> str:
        """Name of the shard's part and attention file."""
        return f"{self.start // SHARD_IMAGES:05}"


def shards(count: int) -> list[Shard]:
    """Cut ``count`` images into shards of :data:`SHARD_IMAGES`."""
    return [
        Shard(start, min(start + SHARD_IMAGES, count)) for start in range(0, count, SHARD_IMAGES)
    ]


def load_batch(model: VisionModel, images: ImageSet, indices: Sequence[int]) -> torch.Tensor:
    """The model's input for some images, ``(B, C, H, W)`` float32 on the model's device."""
    loaded = [model.transform(load_image(images.folder / images.names[i])) for i in indices]
    return torch.stack(loaded).to(model.device)


def analyse_shard(
    model: VisionModel,
    images: ImageSet,
    shard: Shard,
    kept: np.ndarray,
    batch_size: int,
    parts: Parts,
    advance: Advance,
) -> None:
    """Measure every head of the shard's images; write the part and the attention file.

    Parameters
    ----------
    kept
        Sorted indices of all images whose attention is stored.
    """
    stored = [int(i) for i in kept if shard.start <= i < shard.stop]
    geometry = model.geometry
    shape = (geometry.num_layers, geometry.num_heads, geometry.num_tokens)
    path = parts.store / "attention" / f"{shard.name}.nc"
    results = []
    with AttentionWriter(path, stored, shape) if stored else nullcontext() as writer:
        for start in range(shard.start, shard.stop, batch_size):
            indices = range(start, min(start + batch_size, shard.stop))
            inputs = load_batch(model, images, indices)
            traced = trace(model, inputs)
            rows = [(row, index) for row, index in enumerate(indices) if index in stored]
            measured = _measure_layers(model, traced, rows, writer)
            results.append(measured | _measure_images(model, traced, inputs, images, indices))
            advance(indices.stop / len(images))
    joined = {
        name: np.concatenate([result[name] for result in results], axis=int(name == "importance"))
        for name in results[0]
    }
    parts.save(shard.name, **joined)


def _measure_images(
    model: VisionModel, traced: Trace, inputs: torch.Tensor, images: ImageSet, indices: range
) -> dict[str, np.ndarray]:
    labels = torch.from_numpy(images.labels[indices.start : indices.stop])
    return {
        "probability": traced.probability.float().cpu().numpy(),
        # (metric, mode, B, L, H) -> (metric, B, L, H)
        "importance": leave_one_out(model, traced, labels)[:, 0],
        "thumbnail": thumbnails(inputs.cpu().numpy(), model.mean, model.std),
    }


def _measure_layers(
    model: VisionModel,
    traced: Trace,
    stored: list[tuple[int, int]],
    writer: AttentionWriter | None,
) -> dict[str, np.ndarray]:
    """Everything that needs A itself, one layer at a time: each value ``(B, L, H, …)``.

    ``stored`` pairs rows of the batch with the global index of an image to write.
    """
    geometry = model.geometry
    prefix, grid = geometry.num_prefix_tokens, (geometry.grid_height, geometry.grid_width)
    layers = []
    for layer, record in enumerate(traced.layers):
        attention = record.attention()  # (B, H, T, T)
        strength = hop_strength(attention, prefix, grid)
        measured = {
            "strength": strength,
            "strength_entropy": strength_entropy(strength),
            "attention_distance": attention_distance(attention, prefix, grid),
        }
        if geometry.has_class_token:
            measured["cls_pattern"] = cls_pattern(attention, prefix)
        arrays = {name: value.cpu().numpy() for name, value in measured.items()}
        layers.append(arrays | {"patch_pattern": pack(binarise(attention, prefix))})
        for row, image in stored:
            writer.write(image, layer, attention[row].cpu().numpy())
    # L of (B, H, …) -> (B, L, H, …)
    return {name: np.stack([layer[name] for layer in layers], axis=1) for name in layers[0]}
