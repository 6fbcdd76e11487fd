"""Compose the stages: from a model and a folder of images to a finished store.

Images are cut into shards. A shard is read, run through the model and pruned in batches, and
leaves one part on disk; attention goes straight to its file. The autoencoder and the layouts
follow, from the parts. A run that was stopped goes on with the first missing part.
"""

import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analysis import capture, models
from analysis.images import ClassList, ImageSet, choose, drop_unreadable, find_images, spread
from analysis.learning import encode_patterns, lay_out, train_on_sample
from analysis.parts import Parts
from analysis.progress import StageProgress
from analysis.schema import METRICS, SCHEMA_VERSION
from analysis.shards import Shard, analyse_shard, load_batch, shards
from analysis.store import write_summary


@dataclass(frozen=True)
class Request:
    """What to analyse, and how; the options of ``headbrush analyze``.

    Attributes
    ----------
    attention
        How many images keep their attention, spread over the classes; None keeps all.
    command
        What the user typed, for the record.
    """

    images: Path
    out: Path
    model: str
    checkpoint: Path | None = None
    pretrained: bool = True
    limit: int | None = None
    per_class: int | None = None
    classes: Path | None = None
    attention: int | None = 60
    batch_size: int = 16
    device: str = "auto"
    seed: int = 0
    restart: bool = False
    command: str = ""
    version: str = ""


def analyze(request: Request, progress: StageProgress) -> Path:
    """Make the store ``request.out`` and return its path.

    Raises
    ------
    InputError
        If the model, the images or the output folder cannot be used; nothing was overwritten.
    """
    with progress, progress.stage("load model") as advance:
        images = find_images(request.images, ClassList(), request.classes)
        advance(0.1)
        model = _load(request)
        advance(0.9)
        images = _classified(request, model, images)
    with progress:
        with progress.stage("check images") as advance:
            images = drop_unreadable(images, advance)
        for name, reason in images.skipped:
            progress.note(f"skipped {name}: {reason}")
        with Parts(request.out, _plan(request, model, images), request.restart) as parts:
            _make(request, model, images, parts, progress)
    return request.out


def _load(request: Request) -> models.VisionModel:
    return models.load_model(
        request.model,
        checkpoint=request.checkpoint,
        pretrained=request.pretrained,
        device=request.device,
    )


def _classified(request: Request, model: models.VisionModel, images: ImageSet) -> ImageSet:
    classes = ClassList(model.class_ids or (), model.class_names or ())
    if not classes.ids and not classes.names and model.num_classes:
        classes = ClassList(names=tuple(str(number) for number in range(model.num_classes)))
    found = find_images(request.images, classes, request.classes) if classes.names else images
    return choose(found, request.limit, request.per_class)


def _plan(request: Request, model: models.VisionModel, images: ImageSet) -> dict[str, Any]:
    return {
        "version": request.version,
        "schema_version": SCHEMA_VERSION,
        "model": model.name,
        "pretrained": request.pretrained,
        "checkpoint_sha256": model.checkpoint_sha256,
        "attention": request.attention,
        "batch_size": request.batch_size,
        "device": model.device.type,
        "seed": request.seed,
        "images": [
            [name, (images.folder / name).stat().st_size, int(label)]
            for name, label in zip(images.names, images.labels, strict=True)
        ],
    }


def _make(
    request: Request,
    model: models.VisionModel,
    images: ImageSet,
    parts: Parts,
    progress: StageProgress,
) -> None:
    with progress.stage("self-check"):
        capture.self_check(model, load_batch(model, images, range(min(2, len(images)))))
    pieces = shards(len(images))
    with progress.stage("attention and pruning") as advance:
        kept = spread(
            images.labels, len(images) if request.attention is None else request.attention
        )
        for piece in pieces:
            if not parts.has(piece.name):
                analyse_shard(model, images, piece, kept, request.batch_size, parts, advance)
            advance(piece.stop / len(images))
    with progress.stage("train autoencoder") as advance:
        autoencoder = train_on_sample(model, pieces, parts, request.seed, advance)
    with progress.stage("encode patterns") as advance:
        encode_patterns(autoencoder, model, pieces, parts, advance)
    layouts = lay_out(model, images, pieces, parts, request.seed, progress)
    with progress.stage("write summary"):
        values = _summary(images, pieces, parts)
        values |= {name: layout.xy for name, layout in layouts.items()}
        quality = {f"{name}_preservation": layout.preservation for name, layout in layouts.items()}
        quality["autoencoder_average_precision"] = autoencoder.average_precision
        write_summary(parts.store, values, _attributes(request, model, images) | quality)
        parts.remove()


def _summary(images: ImageSet, pieces: list[Shard], parts: Parts) -> dict[str, Any]:
    per_image = ("probability", "strength", "strength_entropy", "attention_distance", "thumbnail")
    values: dict[str, Any] = {
        name: np.concatenate([parts.load(piece.name, name)[0] for piece in pieces])
        for name in per_image
    }
    # (metric, images of the shard, layer, head) -> (metric, image, layer, head)
    values["importance"] = np.concatenate(
        [parts.load(piece.name, "importance")[0] for piece in pieces], axis=1
    )
    values["patch_latent"] = np.concatenate(
        [parts.load(f"latent-{piece.name}", "latent")[0] for piece in pieces]
    )
    values["name"] = np.array(images.names, object)
    values["label"] = images.labels
    values["class_name"] = np.array(images.class_names, object)
    values["metric"] = np.array(METRICS, object)
    return values


def _attributes(request: Request, model: models.VisionModel, images: ImageSet) -> dict[str, Any]:
    geometry = model.geometry
    source = {
        "name": request.model,
        "checkpoint": None if request.checkpoint is None else str(request.checkpoint.resolve()),
        "pretrained": request.pretrained,
    }
    if Path(request.model.removeprefix("local-dir:")).is_dir():
        source["name"] = str(Path(request.model.removeprefix("local-dir:")).resolve())
    return {
        "headbrush_version": request.version,
        "schema_version": SCHEMA_VERSION,
        "model": model.name,
        "model_source": json.dumps(source),
        "checkpoint_sha256": model.checkpoint_sha256,
        "images": str(images.folder.resolve()),
        "num_prefix_tokens": geometry.num_prefix_tokens,
        "grid_height": geometry.grid_height,
        "grid_width": geometry.grid_width,
        "has_class_token": int(geometry.has_class_token),
        "label_source": "folder" if images.has_labels else "prediction",
        "seed": request.seed,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": request.command,
        "skipped_images": len(images.skipped),
    }
