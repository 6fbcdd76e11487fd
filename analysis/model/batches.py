"""Images as the input of a model."""

from collections.abc import Sequence

import torch

from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.model.vision_model import VisionModel


def load_batch(model: VisionModel, images: ImageSet, indices: Sequence[int]) -> torch.Tensor:
    """The model's input for some images, ``(B, C, H, W)`` float32 on the model's device."""
    loaded = (images.load(i) for i in indices)
    inputs = [one if isinstance(one, torch.Tensor) else model.transform(one) for one in loaded]
    return torch.stack(inputs).to(model.device, torch.float32)
