"""Compose the stages: from a model and a folder of images to a finished store.

Images are cut into shards. A shard is read and run through the model in batches, and leaves one
part on disk; attention goes straight to its file. Then a first summary is written, so that the
store can be opened. Pruning, autoencoder and layouts follow, beside each other where memory allows
it, and leave parts too. A stopped run resumes with the first missing part.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from headbrush.analysis.images.choosing import spread
from headbrush.analysis.images.class_selection import (
    best_and_worst,
    choose_classes,
    class_accuracy,
)
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.reading_check import write_skipped
from headbrush.analysis.measures.autoencoders.kinds import NONE
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.preflight.forecast import forecast_of
from headbrush.analysis.preflight.prepare import prepared
from headbrush.analysis.run.fits import (
    AUTOENCODER,
    EncodeJob,
    encode_shard,
    finish_layout,
    fit_to_sample,
    has_room_beside,
    layout_stages,
)
from headbrush.analysis.run.progress import Advance, StageProgress
from headbrush.analysis.run.request import FLOAT32, Request
from headbrush.analysis.run.scheduling import Scheduler, Task
from headbrush.analysis.run.shards import PRUNED, Shard, ShardJob, analyze_shard, cut_shards
from headbrush.analysis.run.stages.comparing import (
    COMPARED,
    CompareJob,
    compare_precisions,
    compared_images,
    precision_error,
)
from headbrush.analysis.run.stages.pruning import PruneJob, prune_shard
from headbrush.analysis.run.stages.reporter import Reporter
from headbrush.analysis.run.stages.screening import ScreenJob, screen_shard
from headbrush.analysis.run.stages.summaries import Summaries
from headbrush.analysis.run.store_summary import class_doubt
from headbrush.analysis.run.together import Together
from headbrush.analysis.run.work_folder import PartFiles


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

    def each(
        self,
        title: str,
        task: Task[_JobT],
        jobs: list[_JobT],
        report: Advance = lambda _share: None,
    ) -> None:
        """Do the jobs whose part is missing, as one stage; ``report`` is called with its share."""
        with self.progress.stage(title) as bar:
            missing = [job for job in jobs if not self.parts.has(job.name)]
            before = 1 - len(missing) / max(1, len(jobs))

            def advance(done: float) -> None:
                share = before + (1 - before) * done
                bar(share)
                report(share)

            advance(0.0)
            self.scheduler.run(self.model, task, missing, advance)


def analyze(
    request: Request, progress: StageProgress, when_open: Callable[[], None] = lambda: None
) -> Path:
    """Make the store ``request.out`` and return its path.

    Parameters
    ----------
    when_open
        Called once the store can be opened, before it is finished.

    Raises
    ------
    InputError
        If the model, the images, the cluster or the output folder cannot be used; nothing was
        overwritten.
    """
    with progress, prepared(request, progress) as ready, ready.folder as parts:
        progress.note(repr(ready.preflight))
        progress.follow(forecast_of(ready.preflight.expected))
        run = _Run(request, ready.model, parts, ready.scheduler, progress)
        _make(run, ready.images, when_open)
    return request.out


def _make(run: _Run, candidates: ImageSet, when_open: Callable[[], None]) -> None:
    request, parts = run.request, run.parts
    write_skipped(parts.store, candidates.skipped)
    images, accuracy = _select(run, candidates)
    shards = cut_shards(len(images), run.model.geometry)
    run.each("measure attention", analyze_shard, _shard_jobs(run, images, shards))
    warning = class_doubt(images, shards, parts)
    if warning:
        run.progress.note(warning)
    summaries = Summaries(request, run.model, images, candidates, shards, parts, accuracy, warning)
    with Reporter(parts.store) as reporter:
        with run.progress.stage("write first summary"):
            summaries.write_unfinished()
        when_open()
        _make_the_rest(run, images, shards, summaries, reporter)
        with run.progress.stage("write summary"):
            if undefined := summaries.write():
                run.progress.note(undefined)
            parts.remove()


def _make_the_rest(
    run: _Run, images: ImageSet, shards: list[Shard], summaries: Summaries, reporter: Reporter
) -> None:
    """Prune, and lay out beside it; readers of the store get each result when it is there."""
    request, parts, together = run.request, run.parts, Together(to_the_end=True)
    with_latents = request.autoencoder != NONE
    stages = layout_stages(run.model, images, shards, parts, request.seed, with_latents)
    cores = os.cpu_count() or 1
    beside = has_room_beside(request, run.model, len(images))
    jobs = -(-cores // 2) if beside else cores

    def lay_out(name: str) -> None:
        stage = stages[name]
        with run.progress.stage(stage.title) as bar, reporter.making(name) as report:

            def advance(share: float) -> None:
                bar(share)
                report(share)

            finish_layout(name, stage, parts, request.seed, jobs, together.watched(advance))
        summaries.write_unfinished()

    def prune() -> None:
        with reporter.making("importance") as report:
            watched = together.watched(report)
            run.each("prune heads", prune_shard, _prune_jobs(run, images, shards), watched)
        if request.precision != FLOAT32:
            job = CompareJob(COMPARED, compared_images(images), request.precision, parts)
            run.each("compare with float32", compare_precisions, [job])
            if error := precision_error(parts, request.precision):
                run.progress.note(error.words)
        lay_out("image_embedding")

    def lay_out_patches() -> None:
        _summarise_patterns(run, shards)
        lay_out("patch_embedding")

    shown_first, cls = partial(lay_out, "offset_embedding"), partial(lay_out, "cls_embedding")
    others = [lay_out_patches] if with_latents else []
    if beside:
        together.do(prune, [shown_first, cls, *others], 1)
    else:
        together.do(shown_first, [cls, *others, prune], 0)
    together.raise_first()


def _prune_jobs(run: _Run, images: ImageSet, shards: list[Shard]) -> list[PruneJob]:
    request = run.request
    return [
        PruneJob(
            PRUNED + shard.name,
            shard.of(images),
            request.batch_size,
            request.modes,
            request.predictions,
            run.parts,
            shard.start,
            tuple(one.name for one in shards) if run.model.has_features else (),
            request.precision,
        )
        for shard in shards
    ]


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
            with_bits=request.autoencoder != NONE,
            parts=run.parts,
        )
        for shard in shards
    ]
