"""Interactions of pairs over images of a store, kept as a study."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from scipy.special import stdtr, stdtrit
from scipy.stats import false_discovery_control
from torch import Tensor

from headbrush.analysis.explain.direct import demand_logits
from headbrush.analysis.explain.refusal import InexactError
from headbrush.analysis.measures.importance import true_classes
from headbrush.analysis.measures.memory_budget import images_at_once
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.prune.errors import LiveError
from headbrush.analysis.prune.interactions.groups import group_pairs, groups_of
from headbrush.analysis.prune.interactions.pairs import PairEffects, head_pairs
from headbrush.analysis.prune.stored_model import StoredModel, demand_source, stored_source
from headbrush.analysis.prune.study.over_images import ImagesJob, OverImages, chosen_images
from headbrush.analysis.prune.study.work import model_of, own_names
from headbrush.analysis.run.progress import Advance, StageProgress
from headbrush.analysis.run.scheduling import demand_sendable
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.facts.studies.files import demand_own
from headbrush.analysis.store.facts.studies.interactions import (
    MeanInteractions,
    interactions_file,
    read_interactions,
    save_interactions,
)
from headbrush.analysis.store.store import Store

_IN_A_BATCH = 8
"""Images, of which groups are pruned; heads are pruned image by image, in batches of variants."""
_OTHER_ROWS = 5
"""Variants at once where pairs of heads run again."""
_TWICE = 3
"""Images whose pairs run again, in batches of another size; with groups their batch."""
_CONFIDENCE = 0.95


def mean_interactions(
    store: Store,
    groups: str,
    images: int | None,
    seed: int,
    scheduler: str | None,
    progress: StageProgress,
) -> MeanInteractions:
    """Prune heads, or groups of them, alone and in pairs over some images; write the study.

    Raises
    ------
    InputError
        If an option makes no sense, there is no pair, the model, its images or the cluster cannot
        be used, or the model puts out no logits.
    """
    chosen = chosen_images(store, images, seed, least=2)
    members = groups_of(store, groups)
    source = stored_source(store)
    demand_source(source)
    demand_sendable(scheduler, source["name"])
    file = interactions_file(store.path, groups, len(chosen), seed)
    try:
        found = read_interactions(file)
        demand_own(file, found, store)
    except StoreError:
        return _made(store, groups, members, chosen, seed, scheduler, progress)
    return found


def _made(
    store: Store,
    groups: str,
    members: dict[str, tuple[int, ...]],
    chosen: tuple[int, ...],
    seed: int,
    scheduler: str | None,
    progress: StageProgress,
) -> MeanInteractions:
    model = model_of(store, chosen[0], "there are no logits that pairs could change")
    try:
        demand_logits(model)
    except InexactError as refusal:
        raise LiveError(f"Interactions of heads cannot be measured: {refusal}.") from refusal
    alone = groups == "heads"
    work = OverImages(
        interactions_file(store.path, groups, len(chosen), seed),
        "interactions",
        partial(_measure, twice=chosen[:_TWICE]),
        1 if alone else images_at_once(model, _IN_A_BATCH),
        {"groups": list(members.items())},
        units=() if alone else tuple(members.values()),
    )

    def finish(values: dict[str, np.ndarray]) -> MeanInteractions:
        found = MeanInteractions(
            images=len(chosen),
            seed=seed,
            layers=store.sizes["layer"],
            heads=store.sizes["head"],
            **own_names(store),
            groups=groups,
            chosen=chosen,
            names=tuple(members),
            members=tuple(members.values()),
            effect=tuple(values["effect"].mean(0).tolist()),
            pairs=_pairs(**values),
        )
        save_interactions(store.path, found)
        return found

    return work.run(store, model, chosen, scheduler, progress, finish)


def _measure(model: VisionModel, job: ImagesJob, advance: Advance, twice: tuple[int, ...]) -> None:
    stored = StoredModel(Store(job.store), model)
    images = stored.batch(job.images)
    labels = torch.tensor([int(stored.labels[image]) for image in job.images])
    repeated = job.images[0] in twice
    share = 0.5 if repeated else 1
    found = _effects(model, images, labels, job, lambda done: advance(share * done))
    noise = np.zeros((0, *found.iota.shape[1:]))
    if repeated:
        again = _again(model, images, labels, job, lambda done: advance(share * (1 + done)))
        noise = (found.iota - again.iota[: len(images)]).cpu().numpy()
    values = {name: value.cpu().numpy() for name, value in vars(found).items()}
    job.parts.save(job.name, **values, noise=noise)


def _effects(
    model: VisionModel,
    images: Tensor,
    labels: Tensor,
    job: ImagesJob,
    advance: Callable[[float], None],
    rows: int | None = None,
) -> PairEffects:
    traced = trace(model, images)
    classes = true_classes(traced, labels)
    if job.units:
        return group_pairs(model, traced, classes, job.units, advance)
    return head_pairs(model, traced, classes, advance, rows)


def _again(
    model: VisionModel,
    images: Tensor,
    labels: Tensor,
    job: ImagesJob,
    advance: Callable[[float], None],
) -> PairEffects:
    """The same in batches of another size, which differs by rounding; groups with an image more."""
    if job.units:
        images, labels = (torch.cat([one, one[:1]]) for one in (images, labels))
    return _effects(model, images, labels, job, advance, _OTHER_ROWS)


def _pairs(
    iota: np.ndarray, size: np.ndarray, resolution: np.ndarray, noise: np.ndarray, **_: np.ndarray
) -> tuple[tuple[float, ...], ...]:
    """Those of the study, of values ``(images, G, G)``."""
    first, second = np.triu_indices(iota.shape[1], 1)
    mean, half, p = _tested(iota[:, first, second])
    spread = noise[:, first, second] / np.sqrt(2)  # a difference is of two runs
    own, whole = np.sqrt((spread**2).mean(0)), np.sqrt((spread**2).mean())
    columns = (
        mean,
        mean - half,
        mean + half,
        false_discovery_control(p),
        size[:, first, second].mean(0),
        np.maximum(own, max(whole, resolution.mean())),
    )
    return tuple(map(tuple, np.stack(columns, 1).tolist()))


def _tested(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, half of its 95 % interval, and p that it is 0, of ``(images, n)``, by Student's t."""
    degrees, mean = len(values) - 1, values.mean(0)
    error = values.std(0, ddof=1) / np.sqrt(len(values))
    t = np.divide(mean, error, out=np.where(mean, np.inf, 0), where=error > 0)
    half = stdtrit(degrees, (1 + _CONFIDENCE) / 2) * error
    return mean, half, 2 * stdtr(degrees, -abs(t))
