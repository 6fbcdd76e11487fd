"""Say in words what an analysis would do."""

from collections import Counter
from pathlib import Path

import psutil

from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.labels.class_mapping import said
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.preflight.expect import Expected
from headbrush.analysis.preflight.words import duration, number, size
from headbrush.analysis.run.request import FLOAT32, Request
from headbrush.analysis.run.store_summary import why_missing
from headbrush.analysis.store.schema import METRICS

_NOTED = 20
"""Skipped images that are named; all are in skipped.csv."""
_MOST_CLASSES = 12
_AMPLE = 1.2
"""Free disk space, in multiples of the expected, from which on nothing needs to be said."""
Lines = list[tuple[str, str]]


def describe(
    request: Request, model: VisionModel, images: ImageSet, expected: Expected, free: int
) -> tuple[tuple[str, str], ...]:
    """Pairs of a heading and a text of one line.

    Parameters
    ----------
    free
        Bytes that are free on the disk of the store.
    """
    lines = [
        *_model_lines(request, model),
        *_image_lines(request, images, expected),
        ("metrics", _metrics(request, model)),
        *_cost_lines(expected, free),
        ("output", _output(request, expected)),
        *(("note", note) for note in (*model.notes, *images.notes)),
        *_skipped_lines(images),
    ]
    return tuple((heading, " ".join(text.split())) for heading, text in lines)


def _model_lines(request: Request, model: VisionModel) -> Lines:
    geometry = model.geometry
    grid = f"{geometry.grid_height}×{geometry.grid_width}"
    outputs = f"{number(model.num_classes, 'output')} ({model.kind.name})"
    if model.kind.is_map:
        outputs = f"a map of {number(model.kind.width, 'class')} ({model.kind.activation})"
    elif not model.num_classes:
        outputs = "no classifier"
    given = model.classifier
    return [
        ("model", f"{model.name}, {_weights(request)}, on {model.device}"),
        (
            "heads",
            f"{number(geometry.num_layers, 'layer')} × {number(geometry.num_heads, 'head')}"
            f"{'' if model.stage is None else f' of stage {model.stage}'}, "
            f"{geometry.num_tokens} tokens ({geometry.num_prefix_tokens} prefix + {grid} patches), "
            f"{outputs}",
        ),
        *([] if given is None else [("classifier", given.words)]),
    ]


def _weights(request: Request) -> str:
    if request.checkpoint is not None:
        return f"weights of {request.checkpoint}"
    if not isinstance(request.model, str):
        return "with the weights that it has"
    if Path(request.model).is_dir():
        return f"weights of {request.model}"
    return "timm's weights" if request.pretrained else "random weights"


def _image_lines(request: Request, images: ImageSet, expected: Expected) -> Lines:
    chosen = f"{number(expected.images, 'image')} of {images.source}"
    if request.best_worst is not None:
        chosen = (
            f"at most {chosen}, of the {request.best_worst} best and {request.best_worst} worst "
            f"predicted classes, after all {number(len(images), 'image')} have been predicted"
        )
    return [("images", chosen), *_class_lines(images)]


def _class_lines(images: ImageSet) -> Lines:
    """Which folder is which class, and how many images each class has."""
    if not images.has_labels:
        return [("classes", "none are known; the predicted class is taken as the true one")]
    counts = Counter(images.labels.tolist())
    unknown = counts.pop(-1, 0)
    names = {label: images.class_names[label] for label in sorted(counts)}
    sizes = [f"{name} {counts[label]}" for label, name in names.items()]
    if len(names) > _MOST_CLASSES:
        least, most = min(counts.values()), max(counts.values())
        each = str(least) if least == most else f"{least} to {most}"
        sizes = [f"{len(names)} classes of {number(most, 'image') if least == most else each}"]
    lines = [("classes", ", ".join(sizes))]
    if unknown:
        lines.append(("unlabelled", f"{number(unknown, 'image')}: of no class"))
    return lines + _folder_lines(images)


def _folder_lines(images: ImageSet) -> Lines:
    """Which folder is which class, unless each has the name of its class."""
    if all(one.folder == one.class_name for one in images.mapping):
        return []
    return [("folders", said(images.mapping))]


def _metrics(request: Request, model: VisionModel) -> str:
    missing = why_missing(request, model)
    if missing:
        return f"without {'; '.join(missing)}"
    modes = f", in {len(request.modes)} pruning modes" if len(request.modes) > 1 else ""
    precision = "" if request.precision == FLOAT32 else f", pruned in {request.precision}"
    return f"all {len(METRICS)}: {', '.join(METRICS)}{modes}{precision}"


def _cost_lines(expected: Expected, free: int) -> Lines:
    stages = ", ".join(f"{name} {duration(value)}" for name, value in expected.seconds.items())
    total = expected.total_seconds
    if total < sum(expected.seconds.values()):
        stages += "; some beside each other"
    available = psutil.virtual_memory().available
    memory = f"about {size(expected.memory_bytes)}; {size(available)} are available"
    if expected.memory_bytes > available:
        memory += ": a smaller --batch-size needs less"
    stored = f"attention of {number(expected.stored, 'image')} is stored"
    space = f"{size(free)} are free"
    if free < _AMPLE * expected.disk_bytes:
        space += ", which may be too little; a run that fills the disk stops, and resumes later"
    return [
        ("time", f"about {duration(total)}{f' ({stages})' if stages else ''}"),
        (
            "disk",
            f"about {size(expected.disk_bytes)} while it runs, then {size(expected.kept_bytes)} "
            f"({stored}); {space}",
        ),
        ("memory", memory),
    ]


def _output(request: Request, expected: Expected) -> str:
    place = str(request.out.absolute())
    if (request.out / "summary.nc").is_file():
        return f"{place}, which is made again"
    if request.restart and (request.out / "parts").is_dir():
        return f"{place}, started again"
    if (request.out / "parts" / "plan.json").is_file():
        return (
            f"{place}, resumes: {expected.finished_shards} of "
            f"{number(expected.shards, 'shard')} are done"
        )
    return f"{place}, new"


def _skipped_lines(images: ImageSet) -> Lines:
    lines = [("skipped", f"{name}: {reason}") for name, reason in images.skipped[:_NOTED]]
    if len(images.skipped) > _NOTED:
        more = len(images.skipped) - _NOTED
        lines.append(("skipped", f"{more} more, all in skipped.csv of the store"))
    return lines
