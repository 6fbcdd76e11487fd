"""The contents of ``summary.nc``, collected from the finished parts."""

import datetime
from collections.abc import Sequence

import numpy as np

from headbrush.analysis.explain.stored import DIRECT
from headbrush.analysis.images.class_selection import predicted_classes
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.labels.class_doubt import doubt
from headbrush.analysis.images.labels.class_mapping import said
from headbrush.analysis.measures.autoencoders.kinds import NONE
from headbrush.analysis.measures.bits.measured import measure_bits
from headbrush.analysis.measures.layouts.fidelity import Fidelity
from headbrush.analysis.measures.names.class_token import CLASS_NAMES
from headbrush.analysis.measures.names.measured import NAMES_STORED, name_seconds
from headbrush.analysis.measures.names.naming import FAMILIES, LABELS
from headbrush.analysis.model.geometry import Geometry
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.run.request import Request
from headbrush.analysis.run.shards import (
    Shard,
    importance_of,
    other_metric_of,
    source_layer,
    sources_part,
)
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.store.matrices.windows import window_attributes
from headbrush.analysis.store.schema import METRICS, NEIGHBOURS, OUTPUT_MAP, SCHEMA_VERSION


def summary(
    images: ImageSet,
    shards: Sequence[Shard],
    parts: PartFiles,
    request: Request,
    model: VisionModel,
) -> dict[str, np.ndarray]:
    """The store's variables, except bits and layouts, from the parts of all shards.

    Of heads that have not been pruned yet, importance is NaN.
    """
    per_image = ("probability", "strength", "strength_entropy", "attention_distance", "thumbnail")
    values: dict[str, np.ndarray] = {
        name: np.concatenate([parts.load(shard.name, name)[0] for shard in shards])
        for name in per_image
    }
    # (metric, mode, images of the shard, layer, head) -> (metric, mode, image, layer, head)
    importance = np.concatenate([importance_of(shard, parts) for shard in shards], axis=2)
    values["metric"] = np.array(METRICS, object)
    if not values["probability"].shape[1]:
        other = np.concatenate([other_metric_of(shard, parts) for shard in shards], axis=1)
        importance = np.concatenate([importance, other[None]])
        its_own = OUTPUT_MAP if model.kind.is_map else NEIGHBOURS
        values["metric"] = np.array((*METRICS, its_own), object)
    values["importance"] = importance[:, 0]
    if len(request.modes) > 1:
        values["mode"] = np.array(request.modes)
        values["importance_by_mode"] = importance.swapaxes(0, 1)
    if all(parts.has(f"latent-{shard.name}") for shard in shards):
        values["patch_latent"] = np.concatenate(
            [parts.load(f"latent-{shard.name}", "latent")[0] for shard in shards]
        )
    values |= _names(shards, parts, len(images), model.geometry)
    if not values["probability"].shape[1]:  # no classifier: its classes are those of the folders
        shape = (len(images), len(images.class_names))
        values["probability"] = np.full(shape, np.nan, np.float32)
    values["name"] = np.array(images.names, object)
    values["label"] = images.labels
    values["class_name"] = np.array(images.class_names, object)
    return values


def bits_values(
    images: ImageSet, shards: Sequence[Shard], parts: PartFiles, geometry: Geometry, seed: int
) -> dict[str, np.ndarray]:
    """What decides where heads look, from what the shards have kept of the attention."""
    predicted = np.concatenate([parts.load(shard.name, "probability")[0] for shard in shards])
    return measure_bits(
        lambda layer: (
            parts.load(sources_part(shard.name), source_layer(layer))[0] for shard in shards
        ),
        geometry.num_layers,
        np.where(images.labels >= 0, images.labels, predicted_classes(predicted)),
        seed,
    )


def direct_values(
    model: VisionModel, shards: Sequence[Shard], parts: PartFiles
) -> dict[str, np.ndarray]:
    """Direct contributions of heads and their classes; nothing where the model has none."""
    if model.inexact or not model.num_classes:
        return {}
    loaded = [parts.load(shard.name, *DIRECT) for shard in shards]
    return {name: np.concatenate([one[i] for one in loaded]) for i, name in enumerate(DIRECT)}


def classifier_values(model: VisionModel) -> dict[str, np.ndarray]:
    """The classifier that was given to the model; nothing where it has its own, or none."""
    given = model.classifier
    if given is None:
        return {}
    left_out = {} if given.left_out is None else {"probe_left_out": given.left_out}
    return {"classifier_weight": given.weight, "classifier_bias": given.bias} | left_out


def _names(
    shards: Sequence[Shard], parts: PartFiles, count: int, geometry: Geometry
) -> dict[str, np.ndarray]:
    """Names of patterns and what they stand for; the mean of the offset kernels."""

    def loaded(name: str) -> list[np.ndarray]:
        return [parts.load(shard.name, name)[0] for shard in shards]

    grid, has_class_token = geometry.pattern_grid, geometry.has_class_token
    kept = [name for name in NAMES_STORED if has_class_token or name != "class_token_names"]
    values = {name: np.concatenate(loaded(name)) for name in kept}
    total = np.sum(loaded("offset_kernel"), axis=0, dtype=np.float64)
    values["offset_kernel"] = np.asarray(total / count)
    values["pattern_second"] = name_seconds(values["offset_kernel"], grid)
    values["pattern_label"] = np.array(LABELS, object)
    values["pattern_family"] = np.array(FAMILIES, object)
    if has_class_token:
        values["class_token_label"] = np.array(CLASS_NAMES, object)
    return values


def fidelity_attributes(layout: str, found: Fidelity) -> dict[str, float]:
    """How faithful the layout of a variable is; nothing where that is not defined."""
    shares = {
        "preservation": found.kept,
        "same_head": found.same_group,
        "same_head_features": found.same_group_features,
    }
    return {f"{layout}_{what}": share for what, share in shares.items() if not np.isnan(share)}


def class_doubt(images: ImageSet, shards: Sequence[Shard], parts: PartFiles) -> str:
    """A sentence if the predictions fit another order of the classes much better; else empty."""
    predicted = np.concatenate([parts.load(shard.name, "probability")[0] for shard in shards])
    if not predicted.shape[1]:
        return ""
    return doubt(images.mapping, images.labels, predicted.argmax(1), predicted.shape[1])


def attributes(
    request: Request,
    model: VisionModel,
    images: ImageSet,
    candidates: ImageSet,
    remarks: str = "",
) -> dict[str, str | int | float]:
    """The store's global attributes.

    Parameters
    ----------
    candidates
        The images from which ``images`` were chosen; the same if none was left out.
    remarks
        Sentences about the numbers, for example on those that the model could not compute.
    """
    geometry = model.geometry
    described: dict[str, str | int | float] = {
        "headbrush_version": request.version,
        "schema_version": SCHEMA_VERSION,
        "model": model.name,
        "model_source": "{}" if model.recipe is None else model.recipe.as_json(),
        "checkpoint_sha256": model.checkpoint_sha256,
        "outputs": model.kind.name,
        "images": images.source,
        "reading": images.reading.as_json(),
        "num_prefix_tokens": geometry.num_prefix_tokens,
        "grid_height": geometry.grid_height,
        "grid_width": geometry.grid_width,
        "has_class_token": int(geometry.has_class_token),
        "label_source": "folder" if images.has_labels else "prediction",
        "accuracy_images": len(candidates),
        "seed": request.seed,
        "autoencoder": request.autoencoder,
        "patch_layout_by": "offset" if request.autoencoder == NONE else "autoencoder",
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": request.command,
        "skipped_images": len(candidates.skipped),
    }
    if model.stage is not None:
        described |= window_attributes(model.stage, geometry.windows)
    if model.classifier is not None:
        described["classifier"] = model.classifier.kind
        described["classifier_words"] = model.classifier.words
    if images.mapping:
        described["class_mapping"] = said(images.mapping)
    if request.best_worst is not None:
        described["select"] = f"best-worst:{request.best_worst}"
    if notes := "; ".join(filter(None, (*model.notes, *candidates.notes, remarks))):
        described["notes"] = notes.replace(".; ", ". ")  # most are clauses
    reasons = why_missing(request, model)
    return described | ({"missing": "; ".join(reasons)} if reasons else {})


def why_missing(request: Request, model: VisionModel) -> list[str]:
    """Why some metrics are NaN, one sentence a reason; empty if all are measured."""
    reasons = []
    if not model.num_classes:
        puts_out = "puts out a map" if model.kind.is_map else "has no classifier"
        reasons.append(f"probability, jsd and gradient: the model {puts_out}")
        if not request.predictions:
            its_own = OUTPUT_MAP if model.kind.is_map else NEIGHBOURS
            reasons.append(f"{its_own}: heads were not pruned")
    elif not request.predictions:
        reasons.append("probability and jsd: heads were not pruned, only the gradient was taken")
    if model.num_classes and not model.has_gradient:
        reasons.append("gradient: a part of the model runs without gradients")
    if model.num_classes and model.inexact:
        reasons.append(f"direct contributions of heads: {model.inexact}")
    if not model.geometry.has_class_token:
        reasons.append("cls and the CLS layout: the model has no class token")
    return reasons
