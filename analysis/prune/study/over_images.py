"""A study over some images of a store: a few images a job, one part a job."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from headbrush.analysis.model.vision_model import VisionModel, spare_threads
from headbrush.analysis.prune.study.work import own_names, study_parts
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.scheduling import Task, open_scheduler
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store

Made = TypeVar("Made")
_USUAL = 40
"""Images."""


@dataclass(frozen=True)
class ImagesJob:
    """Job: study some images, write one part; can be sent to another process.

    Attributes
    ----------
    name
        Of its part.
    images
        Indices of the store at ``store``.
    units
        Groups of heads, as numbers ``layer · H + head``; empty: not used.
    """

    name: str
    images: tuple[int, ...]
    store: Path
    parts: PartFiles
    seed: int = 0
    units: tuple[tuple[int, ...], ...] = ()


def chosen_images(store: Store, images: int | None, seed: int, least: int = 1) -> tuple[int, ...]:
    """Images of a store at random, in order; more images include those of fewer.

    Without ``images``, they are 40, or all of a smaller store.

    Raises
    ------
    InputError
        If there are not so many, or the seed is none.
    """
    count = store.sizes["image"]
    images = min(_USUAL, count) if images is None else images
    if not least <= images <= count:
        raise InputError(f"--images {images}: expected {least} to {count}, the store's images.")
    if not 0 <= seed < 2**32:
        raise InputError(f"--seed {seed}: expected 0 to {2**32 - 1}.")
    return tuple(sorted(np.random.default_rng(seed).permutation(count)[:images].tolist()))


@dataclass(frozen=True)
class OverImages:
    """What to do for the images of a study.

    Attributes
    ----------
    file
        Of the study.
    title
        Of the stage, in words.
    task
        Writes the part of a job: arrays whose first dimension counts its images.
    at_once
        Images of a job.
    """

    file: Path
    title: str
    task: Task[ImagesJob]
    at_once: int
    plan: Mapping[str, object]
    seed: int = 0
    units: tuple[tuple[int, ...], ...] = ()

    def run(
        self,
        store: Store,
        model: VisionModel,
        images: Sequence[int],
        scheduler: str | None,
        progress: StageProgress,
        finish: Callable[[dict[str, np.ndarray]], Made],
    ) -> Made:
        """Make the parts that are not there yet, and hand the arrays of all images to ``finish``.

        ``finish`` writes the study and returns it; then the parts are deleted.
        """
        plan = {**self.plan, **own_names(store), "images": list(images), "size": self.at_once}
        with progress, study_parts(self.file, self.title, plan) as parts:
            jobs = self._jobs(store, images, parts)
            left = [job for job in jobs if not parts.has(job.name)]
            with (
                open_scheduler(scheduler, [str(store.path)]) as workers,
                spare_threads(model.module, model.device),
                progress.stage(self.title) as bar,
            ):
                done = 1 - len(left) / len(jobs)
                workers.run(model, self.task, left, lambda share: bar(done + (1 - done) * share))
            found = [parts.load_all(job.name) for job in jobs]
            made = finish({key: np.concatenate([part[key] for part in found]) for key in found[0]})
            parts.remove()
        return made

    def _jobs(self, store: Store, images: Sequence[int], parts: PartFiles) -> list[ImagesJob]:
        return [
            ImagesJob(f"{at:05}", tuple(images[at : at + self.at_once]), store.path, parts,
                      self.seed, self.units)
            for at in range(0, len(images), self.at_once)
        ]  # fmt: skip
