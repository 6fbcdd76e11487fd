"""Compose the stages: from a model and a folder of images to a finished store.

Images are cut into shards. A shard is read, run through the model and pruned in batches, and
leaves one part on disk; attention goes straight to its file. The autoencoder and the layouts
follow, from the parts. A stopped run resumes with the first missing part.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from headbrush.analysis.images.choosing import spread
from headbrush.analysis.images.class_selection import (
    best_and_worst,
    choose_classes,
    class_accuracy,
    predicted_classes,
)
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.reading_check import write_skipped
from headbrush.analysis.measures.autoencoders.kinds import NONE
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.preflight.prepare import prepared
from headbrush.analysis.run.fits import (
    AUTOENCODER,
    EncodeJob,
    encode_shard,
    fit_to_sample,
    fitted_autoencoder,
    lay_out,
)
from headbrush.analysis.run.non_finite import without_infinities
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.request import Request
from headbrush.analysis.run.scheduling import Scheduler, Task
from headbrush.analysis.run.screening import ScreenJob, screen_shard
from headbrush.analysis.run.shards import Shard, ShardJob, analyze_shard, cut_shards
from headbrush.analysis.run.store_summary import (
    attributes,
    class_doubt,
    fidelity_attributes,
    summary,
)
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.store.store import write_summary


class _Job(Protocol):
    """Work of one shard; its part has the same name."""

    @property
    def name(self) -> str: ...


_JobT = TypeVar("_JobT", bound=_Job)


@dataclass(frozen=True)
class _Run:
    """State that the stages of one run share."""

    request: Request
    model: VisionModel
    parts: PartFiles
    scheduler: Scheduler
    progress: StageProgress

    def each(self, title: str, task: Task[_JobT], jobs: list[_JobT]) -> None:
        """Do the jobs whose part is missing, as one stage."""
        with self.progress.stage(title) as advance:
            missing = [job for job in jobs if not self.parts.has(job.name)]
            share = 1 - len(missing) / max(1, len(jobs))
            advance(share)
            self.scheduler.run(
                self.model, task, missing, lambda done: advance(share + (1 - share) * done)
            )


def analyze(request: Request, progress: StageProgress) -> Path:
    """Make the store ``request.out`` and return its path.

    Raises
    ------
    InputError
        If the model, the images, the cluster or the output folder cannot be used; nothing was
        overwritten.
    """
    with progress, prepared(request, progress) as ready, ready.folder as parts:
        progress.note(repr(ready.preflight))
        _make(_Run(request, ready.model, parts, ready.scheduler, progress), ready.images)
    return request.out


def _make(run: _Run, candidates: ImageSet) -> None:
    request, model, parts = run.request, run.model, run.parts
    write_skipped(parts.store, candidates.skipped)
    images, accuracy = _select(run, candidates)
    shards = cut_shards(len(images), model.geometry)
    run.each("attention and pruning", analyze_shard, _shard_jobs(run, images, shards))
    warning = class_doubt(images, shards, parts)
    if warning:
        run.progress.note(warning)
    with_latents = request.autoencoder != NONE
    if with_latents:
        _summarise_patterns(run, shards)
    layouts = lay_out(model, images, shards, parts, request.seed, run.progress, with_latents)
    with run.progress.stage("write summary"):
        values = summary(images, shards, parts, request, model.geometry)
        values |= {name: layout.xy for name, layout in layouts.items()}
        values, undefined = without_infinities(values)
        if undefined:
            run.progress.note(undefined)
        described = attributes(request, model, images, candidates, undefined)
        for name, found in layouts.items():
            described |= fidelity_attributes(name, found.fidelity)
        described |= {"warning": warning} if warning else {}
        if with_latents:
            precision = fitted_autoencoder(model, parts, request.autoencoder).average_precision
            described |= {} if np.isnan(precision) else {"autoencoder_average_precision": precision}
        if accuracy is None:
            accuracy = _accuracy(images, values["probability"])
        values["class_accuracy"] = accuracy
        write_summary(parts.store, values, described)
        parts.remove()


def _summarise_patterns(run: _Run, shards: list[Shard]) -> None:
    """Fit the autoencoder and encode all patterns."""
    request, parts = run.request, run.parts
    with run.progress.stage("train autoencoder") as advance:
        if not parts.has(AUTOENCODER):
            fit_to_sample(run.model, shards, parts, request.autoencoder, request.seed, advance)
    jobs = [
        EncodeJob(f"latent-{shard.name}", shard.name, request.autoencoder, parts)
        for shard in shards
    ]
    run.each("encode patterns", encode_shard, jobs)


def _select(run: _Run, candidates: ImageSet) -> tuple[ImageSet, np.ndarray | None]:
    """The images to analyze, and the accuracy of each class if it was measured to choose them."""
    request = run.request
    if request.best_worst is None:
        return candidates, None
    shards = cut_shards(len(candidates))
    jobs = [
        ScreenJob(f"screen-{shard.name}", shard.of(candidates), request.batch_size, run.parts)
        for shard in shards
    ]
    run.each("predict all images", screen_shard, jobs)
    predicted = np.concatenate([run.parts.load(job.name, "predicted")[0] for job in jobs])
    accuracy = class_accuracy(candidates.labels, predicted, len(candidates.class_names))
    chosen = best_and_worst(accuracy, request.best_worst)
    return choose_classes(candidates, chosen, request.limit, request.per_class), accuracy


def _shard_jobs(run: _Run, images: ImageSet, shards: list[Shard]) -> list[ShardJob]:
    request = run.request
    wanted = len(images) if request.attention is None else request.attention
    kept = spread(images.labels, wanted)
    return [
        ShardJob(
            name=shard.name,
            start=shard.start,
            images=shard.of(images),
            stored=tuple(int(i) - shard.start for i in kept if shard.start <= i < shard.stop),
            batch_size=request.batch_size,
            modes=request.modes,
            predictions=request.predictions,
            with_bits=request.autoencoder != NONE,
            parts=run.parts,
        )
        for shard in shards
    ]


def _accuracy(images: ImageSet, probability: np.ndarray) -> np.ndarray:
    count = len(images.class_names)
    if np.isnan(probability).all():  # no classifier
        return np.full(count, np.nan, np.float32)
    return class_accuracy(images.labels, predicted_classes(probability), count)
