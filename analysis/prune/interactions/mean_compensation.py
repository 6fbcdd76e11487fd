"""Compensation over images of a store, kept as a study."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from headbrush.analysis.explain.direct import demand_logits
from headbrush.analysis.explain.refusal import InexactError
from headbrush.analysis.measures.memory_budget import images_at_once
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.prune.errors import LiveError
from headbrush.analysis.prune.interactions.compensation import compensation
from headbrush.analysis.prune.stored_model import StoredModel, demand_source, stored_source
from headbrush.analysis.prune.study.over_images import ImagesJob, OverImages, chosen_images
from headbrush.analysis.prune.study.work import model_of, own_names
from headbrush.analysis.run.progress import Advance, StageProgress
from headbrush.analysis.run.scheduling import demand_sendable
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.facts.studies.compensation import (
    MeanCompensation,
    compensation_file,
    read_compensation,
    save_compensation,
)
from headbrush.analysis.store.facts.studies.files import demand_own
from headbrush.analysis.store.store import Store

_AT_ONCE = 4


def mean_compensation(
    store: Store, images: int | None, seed: int, scheduler: str | None, progress: StageProgress
) -> MeanCompensation:
    """Take the effect of pruning each head apart over some images of a store; write the study.

    Raises
    ------
    InputError
        If an option makes no sense, the model, its images or the cluster cannot be used, or the
        model's logits are no sum of what its heads say.
    """
    chosen = chosen_images(store, images, seed)
    source = stored_source(store)
    demand_source(source)
    demand_sendable(scheduler, source["name"])
    file = compensation_file(store.path, len(chosen), seed)
    try:
        found = read_compensation(file)
        demand_own(file, found, store)
    except StoreError:
        return _made(store, chosen, seed, scheduler, progress)
    return found


def _made(
    store: Store,
    chosen: tuple[int, ...],
    seed: int,
    scheduler: str | None,
    progress: StageProgress,
) -> MeanCompensation:
    model = model_of(store, chosen[0], "there is no logit to take apart")
    file = compensation_file(store.path, len(chosen), seed)
    work = OverImages(file, "compensation", _compensate, images_at_once(model, _AT_ONCE), {})

    def finish(values: dict[str, np.ndarray]) -> MeanCompensation:
        found = MeanCompensation(
            images=len(chosen),
            seed=seed,
            layers=store.sizes["layer"],
            heads=store.sizes["head"],
            **own_names(store),
            chosen=chosen,
            total=tuple(values["total"].mean(0).tolist()),
            parts=tuple(map(tuple, values["parts"].mean(0).tolist())),
            error=float(values["error"].max()),
        )
        save_compensation(store.path, found)
        return found

    with _in_words():
        demand_logits(model)
        return work.run(store, model, chosen, scheduler, progress, finish)


def _compensate(model: VisionModel, job: ImagesJob, _advance: Advance) -> None:
    stored = StoredModel(Store(job.store), model)
    labels = torch.tensor([int(stored.labels[image]) for image in job.images])
    with _in_words(), torch.inference_mode():
        found = compensation(model, trace(model, stored.batch(job.images)), labels)
    job.parts.save(job.name, total=found.total, parts=found.parts, error=found.error)


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except InexactError as refusal:
        raise LiveError(f"Effects of heads cannot be taken apart: {refusal}.") from refusal
