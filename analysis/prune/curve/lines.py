"""One line of a curve: an order of heads, and what is left after each step of it.

A line is a task of a scheduler: it leaves each finished point in the parts of the curve, and goes
on from there when it is done again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.measures.memory_budget import images_at_once
from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.prune.predicting import Predictor
from headbrush.analysis.prune.stored_model import StoredModel
from headbrush.analysis.prune.summary import PruneEffect, RunningEffect
from headbrush.analysis.run.progress import Advance
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.store.facts.studies.curve import points_of
from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.analysis.store.store import Store

_BATCH = 16
_KEPT_BYTES = 2**28
"""Of what enters the blocks, for each line that is drawn at the same time."""
_DIVERGENCE = PRUNING_METRICS.index("jsd")
_CHOOSING = 0.75
"""Share of a line's time that choosing its order takes, where it is chosen head by head."""


@dataclass(frozen=True)
class LineJob:
    """Job: draw one line; can be sent to another process.

    Attributes
    ----------
    name
        Of its part.
    heads
        The order, as numbers ``layer · H + head``; empty: chosen head by head.
    chosen, drawn
        Images to choose on, and to draw on.
    step
        Heads that go between two points.
    """

    name: str
    heads: tuple[int, ...]
    store: Path
    chosen: tuple[int, ...]
    drawn: tuple[int, ...]
    step: int
    parts: PartFiles


def draw_line(model: VisionModel, job: LineJob, advance: Advance) -> None:
    """Choose the order if it has none, and predict at each of its points; write the part."""
    stored = StoredModel(Store(job.store), model)
    begin = 0.0 if job.heads else _CHOOSING
    heads = job.heads or _greedy(stored, job, lambda share: advance(begin * share))
    predicted = Predictions(stored, job.drawn)
    points = points_of(len(heads), job.step)
    found = _finished(job, f"{job.name}-points")
    right, jsd, flipped = (found.get(name, []) for name in ("right", "jsd", "flipped"))
    for number in range(len(right), len(points)):
        effect = predicted.effect(set_of(heads[: points[number]], model.geometry.num_heads))
        right.append(round(effect.accuracy * effect.labelled) if effect.labelled else 0)
        jsd.append(effect.jsd)
        flipped.append(len(effect.flipped))
        values = {"right": np.array(right), "jsd": np.array(jsd), "flipped": np.array(flipped)}
        job.parts.save(f"{job.name}-points", **values)
        advance(begin + (1 - begin) * (number + 1) / len(points))
    job.parts.save(job.name, heads=np.array(heads), **job.parts.load_all(f"{job.name}-points"))


def set_of(heads: Sequence[int], in_a_layer: int) -> PruneSet:
    """Heads by their numbers, as a prune set."""
    return PruneSet.of_heads(divmod(int(head), in_a_layer) for head in heads)


def _finished(job: LineJob, name: str) -> dict[str, list]:
    """What an earlier run has left of a line."""
    if not job.parts.has(name):
        return {}
    return {key: values.tolist() for key, values in job.parts.load_all(name).items()}


class Predictions:
    """What pruning does to the predictions of some images."""

    def __init__(self, stored: StoredModel, images: Sequence[int]) -> None:
        self._predictor = Predictor(
            stored.model, lambda places: stored.batch([images[at] for at in places]), _KEPT_BYTES
        )
        self._batches = [
            range(at, min(at + _BATCH, len(images))) for at in range(0, len(images), _BATCH)
        ]
        self._labels = stored.labels[list(images)]
        self._multilabel = stored.model.kind.is_multilabel
        found = [self._predictor.predict(batch).probability for batch in self._batches]
        self._before = np.concatenate(found)

    def effect(self, pruned: PruneSet) -> PruneEffect:
        """Of a set, on all the images."""
        running = RunningEffect(self._before, self._labels, self._multilabel)
        for batch in self._batches:
            predicted = self._predictor.predict(batch, pruned)
            running.add(predicted.images, predicted.probability)
        return running.effect


def _greedy(stored: StoredModel, job: LineJob, advance: Advance) -> list[int]:
    """All heads; each time those that change least, given those that have gone, go next."""
    model, name = stored.model, f"{job.name}-order"
    count = len(model.sites) * model.geometry.num_heads
    gone = _finished(job, name).get("heads", [])
    while len(gone) < count:
        left = [head for head in range(count) if head not in gone]
        if len(left) > 1:
            change = _change(stored, job.chosen, set_of(gone, model.geometry.num_heads))
            left.sort(key=lambda head: change[head])
        gone += left[: job.step]
        job.parts.save(name, heads=np.array(gone))
        # each round tries the heads that are left
        advance(1 - ((count - len(gone)) / count) ** 2)
    return gone


def _change(stored: StoredModel, images: Sequence[int], pruned: PruneSet) -> np.ndarray:
    """Mean divergence that pruning one head more causes, ``(heads,)``."""
    size = images_at_once(stored.model, _BATCH)
    total = np.zeros(len(stored.model.sites) * stored.model.geometry.num_heads)
    for at in range(0, len(images), size):
        with torch.inference_mode():
            traced = trace(stored.model, stored.batch(images[at : at + size]), pruned)
        # (B, L, H) -> (L·H,)
        found = leave_one_out(stored.model, traced, None)[_DIVERGENCE, 0]
        total += found.astype(float).sum(0).ravel()
    return total / len(images)
