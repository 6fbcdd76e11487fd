"""What is learned from all shards together: the autoencoder and the three layouts.

Every fit sees a bounded, seeded sample; only two coordinates a pattern stay in memory.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.decomposition import PCA

from analysis.embedding import Layout, layout
from analysis.images import ImageSet
from analysis.models import VisionModel
from analysis.parts import Parts
from analysis.patterns import (
    MAX_TRAINING_PATTERNS,
    PatternAutoencoder,
    encode,
    train_autoencoder,
    unpack,
)
from analysis.progress import Advance, StageProgress
from analysis.shards import Shard

_REDUCER_ROWS = 20_000
_COMPONENTS = 50


def train_on_sample(
    model: VisionModel, shards: Sequence[Shard], parts: Parts, seed: int, advance: Advance
) -> PatternAutoencoder:
    """The autoencoder, trained on patterns drawn alike from every shard, layer and head."""
    packed = _sample(shards, parts, "", "patch_pattern", MAX_TRAINING_PATTERNS, seed)
    patterns = _unpacked(packed, model)
    return train_autoencoder(patterns, seed=seed, device=model.device, on_progress=advance)


def encode_patterns(
    autoencoder: PatternAutoencoder,
    model: VisionModel,
    shards: Sequence[Shard],
    parts: Parts,
    advance: Advance,
) -> None:
    """Save the latent of every pattern, ``(B, L, H, latent)`` float32, one part a shard."""
    for done, shard in enumerate(shards):
        name = f"latent-{shard.name}"
        if not parts.has(name):
            (packed,) = parts.load(shard.name, "patch_pattern")  # (B, L, H, bytes)
            latent = encode(autoencoder, _unpacked(packed, model))  # (B·L·H, latent)
            parts.save(name, latent=latent.reshape(*packed.shape[:3], -1))
        advance((done + 1) / len(shards))


def lay_out(
    model: VisionModel,
    images: ImageSet,
    shards: Sequence[Shard],
    parts: Parts,
    seed: int,
    progress: StageProgress,
) -> dict[str, Layout]:
    """The layouts of CLS patterns, patch patterns and images, by the names of the store."""
    heads = (model.geometry.num_layers, model.geometry.num_heads)
    groups = np.tile(np.arange(heads[0] * heads[1]), len(images))
    shape = (len(images), *heads, 2)
    found = {}
    with progress.stage("lay out patch patterns") as advance:
        latent = _reduced(shards, parts, "latent-", "latent", seed)
        found["patch_embedding"] = layout(latent, groups=groups, seed=seed, on_progress=advance)
    with progress.stage("lay out CLS patterns") as advance:
        if model.geometry.has_class_token:
            features = _reduced(shards, parts, "", "cls_pattern", seed)
        else:
            features = np.full((len(groups), 1), np.nan, np.float32)
        found["cls_embedding"] = layout(features, groups=groups, seed=seed, on_progress=advance)
    with progress.stage("lay out images") as advance:
        features = _image_features(images, shards, parts)
        found["image_embedding"] = layout(features, groups=None, seed=seed, on_progress=advance)
    return {
        name: result if name == "image_embedding" else result.reshaped(shape)
        for name, result in found.items()
    }


def _image_features(images: ImageSet, shards: Sequence[Shard], parts: Parts) -> np.ndarray:
    """P'[label] of every head, ``(m, L·H)``; a headless model's patch importance instead."""
    rows = []
    for shard in shards:
        importance, probability = parts.load(shard.name, "importance", "probability")
        known = images.labels[shard.start : shard.stop]
        if np.isnan(probability).all() or probability.shape[1] == 0:
            rows.append(importance[3].reshape(len(known), -1))
            continue
        labels = np.where(known >= 0, known, probability.argmax(1))
        unpruned = probability[np.arange(len(labels)), labels]
        rows.append(unpruned[:, None] - importance[0].reshape(len(labels), -1))
    return np.concatenate(rows)


def _rows(
    shards: Sequence[Shard], parts: Parts, prefix: str, key: str
) -> Iterator[tuple[Shard, np.ndarray]]:
    for shard in shards:
        (values,) = parts.load(prefix + shard.name, key)
        yield shard, values.reshape(-1, *values.shape[3:])  # (B, L, H, …) -> (B·L·H, …)


def _sample(
    shards: Sequence[Shard], parts: Parts, prefix: str, key: str, limit: int, seed: int
) -> np.ndarray:
    """About ``limit`` rows ``(n, …)`` of the parts at most, drawn alike from each shard."""
    rng = np.random.default_rng(seed)
    chosen = []
    for shard, rows in _rows(shards, parts, prefix, key):
        share = -(-limit * (shard.stop - shard.start) // shards[-1].stop)
        chosen.append(rows[np.sort(rng.permutation(len(rows))[:share])])
    return np.concatenate(chosen)[:limit]


def _reduced(shards: Sequence[Shard], parts: Parts, prefix: str, key: str, seed: int) -> np.ndarray:
    """All rows of the parts, ``(m·L·H, d)`` float32, by principal components where d is large."""
    sample = _sample(shards, parts, prefix, key, _REDUCER_ROWS, seed)
    if sample.shape[1] <= _COMPONENTS:
        return np.concatenate([rows for _, rows in _rows(shards, parts, prefix, key)])
    reducer = PCA(min(_COMPONENTS, len(sample)), random_state=seed).fit(sample)
    return np.concatenate(
        [reducer.transform(rows).astype("f4") for _, rows in _rows(shards, parts, prefix, key)]
    )


def _unpacked(packed: np.ndarray, model: VisionModel) -> np.ndarray:
    return unpack(packed.reshape(-1, packed.shape[-1]), model.geometry.num_patches)
