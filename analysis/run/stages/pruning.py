"""Prune every head of one shard's images, after the shard's attention has been measured."""

from dataclasses import dataclass

import numpy as np
import torch

from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.measures.importance import leave_one_out, map_change
from headbrush.analysis.measures.memory_budget import images_at_once
from headbrush.analysis.measures.neighbours import Neighbours, neighbours_lost
from headbrush.analysis.model.batches import load_batch
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.run.progress import Advance
from headbrush.analysis.run.request import FLOAT32
from headbrush.analysis.run.stages.precision import at_precision
from headbrush.analysis.run.work_folder import PartFiles


@dataclass(frozen=True)
class PruneJob:
    """Job: prune the heads of one shard's ``images``; can be sent to another process.

    Attributes
    ----------
    modes
        Pruning modes; the first is that of ``importance``.
    predictions
        Whether the model is resumed to measure the change of the prediction, or of neighbours.
    start
        Number of the shard's first image among all.
    features
        Of a model that puts out features, the parts that hold those of all images.
    precision
        In which it is pruned, one of ``PRECISIONS``.
    """

    name: str
    images: ImageSet
    batch_size: int
    modes: tuple[int, ...]
    predictions: bool
    parts: PartFiles
    start: int = 0
    features: tuple[str, ...] = ()
    precision: str = FLOAT32


def prune_shard(model: VisionModel, job: PruneJob, advance: Advance) -> None:
    """Save the ``PRUNING_METRICS`` of a shard, ``(metric, mode, B, L, H)`` float32.

    Of a model without classifier also ``other``, its own metric: how many neighbours are lost, or
    how far its map changes, ``(mode, B, L, H)``.
    """
    with at_precision(model, job.precision) as pruned:
        _prune(pruned, job, advance)


def _prune(model: VisionModel, job: PruneJob, advance: Advance) -> None:
    found, other, neighbours = [], [], _neighbours(job)
    size = images_at_once(model, job.batch_size)
    for start in range(0, len(job.images), size):
        indices = range(start, min(start + size, len(job.images)))
        traced = trace(model, load_batch(model, job.images, indices).to(model.dtype))
        labels = torch.from_numpy(job.images.labels[indices.start : indices.stop])
        found.append(leave_one_out(model, traced, labels, job.modes, job.predictions))
        if neighbours is not None:
            numbers = range(job.start + indices.start, job.start + indices.stop)
            other.append(neighbours_lost(model, traced, numbers, neighbours, job.modes))
        elif model.kind.is_map and job.predictions:
            other.append(map_change(model, traced, job.modes))
        advance(indices.stop / len(job.images))
    arrays = {"pruned": np.concatenate(found, axis=2)}
    job.parts.save(job.name, **arrays, **({"other": np.concatenate(other, 1)} if other else {}))


def _neighbours(job: PruneJob) -> Neighbours | None:
    if not (job.predictions and job.features):
        return None
    loaded = [job.parts.load(name, "feature")[0] for name in job.features]
    return Neighbours(np.concatenate(loaded))
