"""Fits over all shards together: the autoencoder and the layouts.

Every fit sees a bounded, seeded sample, and each result is a separate part.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
from sklearn.decomposition import PCA

from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.measures.autoencoders.autoencoder import (
    MOST_PATTERNS,
    Fitted,
    fit,
    fitted_of,
)
from headbrush.analysis.measures.layouts.embedding import FIT_LIMIT, Layout, all_alike, layout
from headbrush.analysis.measures.layouts.fidelity import Fidelity
from headbrush.analysis.measures.memory_budget import at_once
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.run.progress import Advance
from headbrush.analysis.run.request import Request
from headbrush.analysis.run.shards import Shard, importance_of
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.store.schema import METRICS

AUTOENCODER = "autoencoder"
_REDUCER_ROWS = 20_000
_COMPONENTS = 50
_SHARES = tuple(field.name for field in fields(Fidelity))


def fit_to_sample(
    model: VisionModel,
    shards: Sequence[Shard],
    parts: PartFiles,
    kind: str,
    seed: int,
    advance: Advance,
) -> None:
    """Fit an autoencoder to patterns drawn alike from every shard, layer and head; save it."""
    patches = model.geometry.pattern_patches
    packed = _sample(shards, parts, "", "patch_pattern", most_sampled(patches), seed)
    fitted = fit(kind, packed, patches, seed=seed, device=model.device, on_progress=advance)
    parts.save(AUTOENCODER, **fitted.weights())


def most_sampled(num_patches: int) -> int:
    """How many patterns an autoencoder is fitted to, at most."""
    return at_once(num_patches**2 / 4, MOST_PATTERNS)  # twice the bits of a pattern


@dataclass(frozen=True)
class EncodeJob:
    """Job: encode the patterns of one shard; can be sent to another process."""

    name: str
    shard: str
    kind: str
    parts: PartFiles


def encode_shard(model: VisionModel, job: EncodeJob, _advance: Advance) -> None:
    """Save the latent of every pattern of a shard, ``(B, L, H, latent)`` float32."""
    fitted = fitted_autoencoder(model, job.parts, job.kind)
    (packed,) = job.parts.load(job.shard, "patch_pattern")  # (B, L, H, bytes)
    latent = fitted.autoencoder.encode(packed.reshape(-1, packed.shape[-1]))  # (B·L·H, latent)
    job.parts.save(job.name, latent=latent.reshape(*packed.shape[:3], -1))


def fitted_autoencoder(model: VisionModel, parts: PartFiles, kind: str) -> Fitted:
    """The autoencoder that :func:`fit_to_sample` has saved."""
    return fitted_of(
        kind, parts.load_all(AUTOENCODER), model.geometry.pattern_patches, model.device
    )


def has_room_beside(request: Request, model: VisionModel, images: int) -> bool:
    """Whether layouts may be made while heads are pruned: several at once need memory.

    A large model uses all cores; it is pruned when everything else is done.
    """
    patterns = images * model.geometry.num_layers * model.geometry.num_heads
    return patterns <= FIT_LIMIT and (not is_local(request, model) or model.is_small)


def is_local(request: Request, model: VisionModel) -> bool:
    """Whether the model computes on the cores of this computer."""
    return request.scheduler is None and model.device.type == "cpu"


@dataclass(frozen=True)
class LayoutStage:
    """A layout to be made: its title, what makes its features, and the groups of their rows."""

    title: str
    features: Callable[[], np.ndarray]
    groups: np.ndarray | None


def layout_stages(
    model: VisionModel,
    images: ImageSet,
    shards: Sequence[Shard],
    parts: PartFiles,
    seed: int,
    with_latents: bool,
) -> dict[str, LayoutStage]:
    """The layouts of patterns and of images, by the names of the store.

    Without latents of an autoencoder, patch patterns are laid out by their offsets alone.
    """
    heads = model.geometry.num_layers * model.geometry.num_heads
    groups = np.tile(np.arange(heads), len(images))

    def offset_features() -> np.ndarray:
        return _reduced(shards, parts, "", "offset_pattern", seed)

    def patch_features() -> np.ndarray:
        return _reduced(shards, parts, "latent-", "latent", seed)

    def cls_features() -> np.ndarray:
        if model.geometry.has_class_token:
            return _reduced(shards, parts, "", "cls_pattern", seed)
        return np.full((len(groups), 1), np.nan, np.float32)

    def image_features() -> np.ndarray:
        return features_of_images(images, shards, parts)

    stages = {
        "offset_embedding": LayoutStage("lay out patterns by offset", offset_features, groups),
        "patch_embedding": LayoutStage("lay out patch patterns", patch_features, groups),
        "cls_embedding": LayoutStage("lay out CLS patterns", cls_features, groups),
        "image_embedding": LayoutStage("lay out images", image_features, None),
    }
    if not with_latents:
        del stages["patch_embedding"]
    return stages


def finish_layout(
    name: str, stage: LayoutStage, parts: PartFiles, seed: int, jobs: int, advance: Advance
) -> None:
    """Make and save a layout, unless it is there; ``jobs`` is the number of threads."""
    if not parts.has(name):
        found = layout(
            stage.features(), groups=stage.groups, seed=seed, jobs=jobs, on_progress=advance
        )
        shares = {key: np.array(one) for key, one in asdict(found.fidelity).items()}
        parts.save(name, xy=found.xy, **shares)


def layout_of(parts: PartFiles, name: str) -> Layout:
    """A layout that :func:`finish_layout` has saved."""
    xy, *shares = parts.load(name, "xy", *_SHARES)
    return Layout(xy, Fidelity(*map(float, shares)))


def features_of_images(images: ImageSet, shards: Sequence[Shard], parts: PartFiles) -> np.ndarray:
    """P'[label] of every head, ``(m, L·H)``.

    The gradient stands in where heads were not pruned, or not yet, the patches' distance in a
    headless model.
    """
    rows: dict[str, list[np.ndarray]] = {"probability": [], "gradient": [], "patch": []}
    for shard in shards:
        importance = importance_of(shard, parts)
        (probability,) = parts.load(shard.name, "probability")
        known = images.labels[shard.start : shard.stop]
        # (metric, mode, B, L, H) -> metric: (B, L·H)
        values: dict[str, np.ndarray] = dict(
            zip(METRICS, importance[:, 0].reshape(len(METRICS), len(known), -1), strict=True)
        )
        if probability.shape[1]:
            labels = np.where(known >= 0, known, probability.argmax(1))
            unpruned = probability[np.arange(len(labels)), labels]
            values["probability"] = unpruned[:, None] - values["probability"]
        for metric, kept in rows.items():
            kept.append(values[metric])
    found = [np.concatenate(kept) for kept in rows.values()]
    return next((one for one in found if np.isfinite(one).any()), found[-1])


def _rows(
    shards: Sequence[Shard], parts: PartFiles, prefix: str, key: str
) -> Iterator[tuple[Shard, np.ndarray]]:
    for shard in shards:
        (values,) = parts.load(prefix + shard.name, key)
        yield shard, values.reshape(-1, *values.shape[3:])  # (B, L, H, …) -> (B·L·H, …)


def _sample(
    shards: Sequence[Shard], parts: PartFiles, prefix: str, key: str, limit: int, seed: int
) -> np.ndarray:
    """About ``limit`` rows ``(n, …)`` of the parts at most, drawn alike from each shard."""
    rng = np.random.default_rng(seed)
    chosen = []
    for shard, rows in _rows(shards, parts, prefix, key):
        share = -(-limit * (shard.stop - shard.start) // shards[-1].stop)
        chosen.append(rows[np.sort(rng.permutation(len(rows))[:share])])
    return np.concatenate(chosen)[:limit]


def _reduced(
    shards: Sequence[Shard], parts: PartFiles, prefix: str, key: str, seed: int
) -> np.ndarray:
    """All rows of the parts, ``(m·L·H, d)`` float32, by principal components where d is large."""
    first = next(_rows(shards, parts, prefix, key))[1]
    # the components are fitted on a copy
    limit = max(_COMPONENTS, at_once(2 * first[0].nbytes, _REDUCER_ROWS))
    sample = _sample(shards, parts, prefix, key, limit, seed)
    if sample.shape[1] <= _COMPONENTS or all_alike(sample):
        return np.concatenate([rows for _, rows in _rows(shards, parts, prefix, key)])
    reducer = PCA(min(_COMPONENTS, len(sample)), random_state=seed).fit(sample)
    return np.concatenate(
        [reducer.transform(rows).astype("f4") for _, rows in _rows(shards, parts, prefix, key)]
    )
