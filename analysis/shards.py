"""One shard of images: run, prune, measure, and leave a part on disk."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch

from analysis.capture import Trace, trace
from analysis.images import ImageSet, load_image, thumbnails
from analysis.importance import leave_one_out
from analysis.models import VisionModel
from analysis.parts import Parts
from analysis.patterns import binarise, cls_pattern, pack
from analysis.progress import Advance
from analysis.store import AttentionWriter
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
            results.append(_measure(model, traced, inputs, images.labels[indices]))
            for row, index in enumerate(indices):
                if index in stored:
                    writer.write(traced.attention[row].cpu().numpy())
            advance(indices.stop / len(images))
    joined = {
        name: np.concatenate([result[name] for result in results], axis=name == "importance")
        for name in results[0]
    }
    parts.save(shard.name, **joined)


def _measure(
    model: VisionModel, traced: Trace, inputs: torch.Tensor, labels: np.ndarray
) -> dict[str, np.ndarray]:
    geometry = model.geometry
    prefix, grid = geometry.num_prefix_tokens, (geometry.grid_height, geometry.grid_width)
    attention = traced.attention  # (B, L, H, T, T)
    strength = hop_strength(attention, prefix, grid)
    values = {
        "strength": strength,
        "strength_entropy": strength_entropy(strength),
        "attention_distance": attention_distance(attention, prefix, grid),
        "probability": traced.probability,
    }
    if geometry.has_class_token:
        values["cls_pattern"] = cls_pattern(attention, prefix)
    return {name: value.cpu().numpy() for name, value in values.items()} | {
        # (metric, mode, B, L, H) -> (metric, B, L, H)
        "importance": leave_one_out(model, traced, torch.from_numpy(labels))[:, 0],
        "patch_pattern": pack(binarise(attention, prefix)),
        "thumbnail": thumbnails(inputs.cpu().numpy(), model.mean, model.std),
    }
