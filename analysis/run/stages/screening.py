"""Predict every image once, to choose classes by their accuracy."""

from dataclasses import dataclass

import numpy as np
import torch

from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.measures.memory_budget import images_at_once
from headbrush.analysis.model.batches import load_batch
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.run.progress import Advance
from headbrush.analysis.run.work_folder import PartFiles


@dataclass(frozen=True)
class ScreenJob:
    """Job: predict the classes of one shard; can be sent to another process."""

    name: str
    images: ImageSet
    batch_size: int
    parts: PartFiles


@torch.inference_mode()
def screen_shard(model: VisionModel, job: ScreenJob, advance: Advance) -> None:
    """Save the predicted class of every image of a shard, ``(B,)`` int32."""
    predicted = []
    size = images_at_once(model, job.batch_size)
    for start in range(0, len(job.images), size):
        indices = range(start, min(start + size, len(job.images)))
        output = model.outputs(load_batch(model, job.images, indices))
        predicted.append(model.kind.probability(output).argmax(-1).int().cpu().numpy())
        advance(indices.stop / len(job.images))
    job.parts.save(job.name, predicted=np.concatenate(predicted))
