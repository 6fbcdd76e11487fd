"""A vision transformer ready for analysis, with the facts that an analysis needs."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from headbrush.analysis.model.attention_sites import Site
from headbrush.analysis.model.geometry import Geometry


@dataclass(frozen=True)
class ModelRecipe:
    """The arguments with which another process loads the same model."""

    name: str
    checkpoint: Path | None
    pretrained: bool
    device: str
    arguments: tuple[tuple[str, Any], ...] = ()

    def as_json(self) -> str:
        """For a store's attributes, from which the server loads the model again."""
        given = asdict(self) | {"checkpoint": self.checkpoint and str(self.checkpoint)}
        return json.dumps(given | {"arguments": dict(self.arguments)})


@dataclass(frozen=True)
class VisionModel:
    """A vision transformer ready for analysis.

    Attributes
    ----------
    module
        In evaluation mode, on ``device``, without gradients.
    sites
        Its attention layers in order.
    transform
        PIL image -> float32 ``(C, H, W)`` as the model expects it.
    input_size
        Channels, height and width of an input.
    mean, std
        What ``transform`` normalises by, one value a channel.
    checkpoint_sha256
        Hash of the weights' file; empty where there was none.
    num_classes
        Outputs of the classifier; 0 for a headless backbone.
    class_ids, class_names
        Identifiers (for example ImageNet synsets) and readable names, if known.
    recipe
        How to load it elsewhere; None of a module that exists only in this process.
    notes
        What the user should know before the analysis: sentences of one line.
    """

    module: nn.Module
    geometry: Geometry
    sites: tuple[Site, ...]
    transform: Callable[[Image.Image], Tensor]
    input_size: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    device: torch.device
    name: str
    checkpoint_sha256: str = ""
    num_classes: int = 0
    class_ids: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    recipe: ModelRecipe | None = None
    notes: tuple[str, ...] = ()
