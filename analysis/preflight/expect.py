"""What a whole analysis is expected to take, from what two images took.

Layouts cannot be tried on two images. Their times are those of ``benchmarks/`` on two idle cores,
for the same number of points, corrected by the speed of a small layout on this machine.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass

from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.measures.autoencoders.kinds import NONE
from headbrush.analysis.measures.layouts.embedding import FIT_LIMIT
from headbrush.analysis.measures.memory_budget import images_at_once
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.preflight.measure import Measured
from headbrush.analysis.run.fits import AUTOENCODER, has_room_beside, is_local, most_sampled
from headbrush.analysis.run.request import Request
from headbrush.analysis.run.shards import PRUNED, cut_shards

_BENCHMARKED = 2
"""Cores of the machine of the benchmarks."""
_PATTERN_BYTES = 40_000
"""Memory of a pattern's nearest neighbours, in layouts that are fitted as a whole."""
_WRITTEN_A_SECOND = 50e6
_FITS = ("autoencoder", "encoding", "layouts")
_REST = ("pruning", *_FITS)
"""What follows the attention."""


@dataclass(frozen=True)
class Expected:
    """What an analysis is expected to take.

    Attributes
    ----------
    images, stored
        Number of images, at most, and of those whose attention is stored.
    shards, finished_shards
        All, and those that an earlier run has finished.
    seconds
        Of every stage that takes a second or more, in order, had it the machine to itself.
    rest_seconds
        Of pruning, autoencoder, encoding and layouts together, which are made beside each other
        where there is room.
    disk_bytes, kept_bytes
        Disk space that is still needed while it runs, and the size of the finished store.
    memory_bytes
        Memory of the process.
    """

    images: int
    stored: int
    shards: int
    finished_shards: int
    seconds: dict[str, float]
    rest_seconds: float
    disk_bytes: float
    kept_bytes: float
    memory_bytes: float

    @property
    def total_seconds(self) -> float:
        """Of the whole analysis."""
        others = (value for name, value in self.seconds.items() if name not in _REST)
        return sum(others) + self.rest_seconds


def expect(
    request: Request,
    model: VisionModel,
    images: ImageSet,
    measured: Measured,
    finished: Collection[str],
    workers: int = 1,
) -> Expected:
    """Project the measured values to all images.

    Parameters
    ----------
    finished
        Names of the parts that an earlier run of the same plan has left.
    workers
        Processes that share the shards.
    """
    count = images_to_analyze(request, images)
    names = [shard.name for shard in cut_shards(count, model.geometry)]
    missing, unpruned, latent = (
        1 - sum(before + name in finished for name in names) / len(names)
        for before in ("", PRUNED, "latent-")
    )
    patterns = count * model.geometry.num_layers * model.geometry.num_heads
    stored = count if request.attention is None else min(request.attention, count)
    attention, summary = stored * measured.attention_bytes, count * measured.summary_bytes
    shared = measured.shared_bytes * (AUTOENCODER not in finished)
    seconds = {
        "predicting all images": _screening(request, images, measured) / workers,
        "attention": count * measured.image_seconds * missing / workers,
        "pruning": count * measured.pruning_seconds * unpruned / workers,
        "autoencoder": _fitting(model, patterns, measured) * (AUTOENCODER not in finished),
        "encoding": count * measured.encode_seconds * latent / workers,
        "layouts": _layouts(request, model, count, finished) * measured.layout_slowness,
        "writing": summary / _WRITTEN_A_SECOND,
    }
    seconds = {name: value for name, value in seconds.items() if value >= 1}
    batch = min(images_at_once(model, request.batch_size), count) * measured.image_bytes
    return Expected(
        images=count,
        stored=stored,
        shards=len(names),
        finished_shards=round((1 - missing) * len(names)),
        seconds=seconds,
        rest_seconds=together(
            seconds.get("pruning", 0.0),
            sum(seconds.get(name, 0.0) for name in _FITS),
            has_room_beside(request, model, count),
            workers if is_local(request, model) else 0,
        ),
        disk_bytes=(attention + count * measured.part_bytes) * missing + shared + summary,
        kept_bytes=attention + summary,
        memory_bytes=measured.base_bytes + max(batch, _PATTERN_BYTES * min(patterns, FIT_LIMIT)),
    )


def together(pruning: float, fits: float, is_beside: bool, workers: int) -> float:
    """Seconds of both; what they need of the cores when they share them adds up.

    Parameters
    ----------
    workers
        Cores that pruning takes of this computer.
    """
    if not is_beside:
        return pruning + fits
    cores = os.cpu_count() or 1
    shared = (pruning * min(workers, cores) + fits * min(_BENCHMARKED, cores)) / cores
    return max(pruning, fits, shared)


def images_to_analyze(request: Request, images: ImageSet) -> int:
    """How many images are analyzed, at most: which classes are chosen is not known before."""
    if request.best_worst is None:
        return len(images)
    known = images.labels[images.labels >= 0]
    sizes = sorted((int((known == label).sum()) for label in set(known.tolist())), reverse=True)
    most = [min(size, request.per_class or size) for size in sizes[: 2 * request.best_worst]]
    return min(sum(most), request.limit or sum(most))


def _screening(request: Request, images: ImageSet, measured: Measured) -> float:
    return 0.0 if request.best_worst is None else len(images) * measured.forward_seconds


def _fitting(model: VisionModel, patterns: int, measured: Measured) -> float:
    """Seconds of fitting the autoencoder."""
    sampled = min(patterns, most_sampled(model.geometry.pattern_patches))
    return measured.training_seconds + sampled * measured.training_pattern_seconds


def _layouts(request: Request, model: VisionModel, count: int, finished: Collection[str]) -> float:
    """Seconds of the layouts that are missing, on the machine of the benchmarks."""
    wanted = {"offset_embedding"}
    wanted |= {"patch_embedding"} if request.autoencoder != NONE else set()
    wanted |= {"cls_embedding"} if model.geometry.has_class_token else set()
    missing = len(wanted - set(finished))
    heads = model.geometry.num_layers * model.geometry.num_heads
    seconds = _pair(count * heads) * missing / 2
    return seconds + (0 if "image_embedding" in finished else _pair(count) / 2)


def _pair(points: int) -> float:
    """Seconds of two layouts of so many points each, side by side or one after the other."""
    if points < 3_000:
        return 0.74 * (points / 400) ** 1.25
    cores = (1 + 2 / max(2, os.cpu_count() or 2)) / 2  # half of an iteration uses one core
    if points <= FIT_LIMIT:
        return (5 + points / 1_600) * cores
    return 2 * (35 + (points - FIT_LIMIT) / 2_440) * cores
