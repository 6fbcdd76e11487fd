"""A vision transformer ready for analysis, with the facts that an analysis needs."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from headbrush.analysis.model.attention_sites import Site
from headbrush.analysis.model.geometry import Geometry
from headbrush.analysis.model.modules.classifiers.given import GivenClassifier
from headbrush.analysis.model.modules.outputs import HEADLESS, OutputKind, scores


@dataclass(frozen=True)
class ModelRecipe:
    """The arguments with which another process loads the same model."""

    name: str
    checkpoint: Path | None
    pretrained: bool
    device: str
    arguments: tuple[tuple[str, Any], ...] = ()
    outputs: str = "auto"
    classifier: GivenClassifier | None = None
    stage: int | None = None

    def as_json(self) -> str:
        """For a store's attributes, from which the server loads the model again.

        A given classifier is not part of it: the store has its weights.
        """
        given = asdict(replace(self, classifier=None))
        del given["classifier"]
        given |= {"checkpoint": self.checkpoint and str(self.checkpoint)}
        return json.dumps(given | {"arguments": dict(self.arguments)})


@dataclass(frozen=True)
class Shortcuts:
    """Faster ways through a model, each of which gave the model's own values when it was wrapped.

    Attributes
    ----------
    tail
        Whether what follows the blocks is the model's ``norm`` and ``forward_head``.
    rows
        How many leading tokens the last block needs to compute; None: all.
    projections
        By layer, the linear map that is all there is between A·V and z; None where there is more.
    """

    tail: bool = False
    rows: int | None = None
    projections: tuple[nn.Linear | None, ...] = ()


NO_SHORTCUTS = Shortcuts()
_SMALL = 10_000_000
"""Parameters."""


@dataclass(frozen=True)
class VisionModel:
    """A vision transformer ready for analysis.

    Attributes
    ----------
    module
        In evaluation mode, on ``device``, without gradients.
    sites
        Its attention layers in order.
    shortcuts
        Faster ways through it.
    has_gradient
        Whether its outputs can be differentiated by what its heads put out.
    transform
        PIL image -> float32 ``(C, H, W)`` as the model expects it.
    input_size
        Channels, height and width of an input.
    mean, std
        What ``transform`` normalises by, one value a channel.
    checkpoint_sha256
        Hash of the weights' file; empty where there was none.
    kind
        How its outputs become probabilities.
    classifier
        The one that was given to it, if it is not its own.
    inexact
        Why its logits are no sum over its heads, a clause; empty where they are, or not checked.
    stage
        Number of the stage that is analyzed, of a model that has stages.
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
    kind: OutputKind = HEADLESS
    shortcuts: Shortcuts = NO_SHORTCUTS
    has_gradient: bool = True
    classifier: GivenClassifier | None = None
    inexact: str = ""
    stage: int | None = None
    class_ids: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    recipe: ModelRecipe | None = None
    notes: tuple[str, ...] = ()

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights, and of what it computes."""
        return next(self.module.parameters()).dtype

    @property
    def num_classes(self) -> int:
        """Classes of the probabilities; 0 for a headless backbone."""
        return self.kind.num_classes

    @property
    def has_features(self) -> bool:
        """Whether it puts out features of an image: no classes, and no map."""
        return not self.num_classes and not self.kind.is_map

    @property
    def is_small(self) -> bool:
        """Whether it runs on the CPU and is so small that more threads hardly make it faster.

        On a busy machine several threads wait for each other: measured four times slower, and far
        more where other work takes the cores away from one of them.
        """
        return _is_small(self.module, self.device)

    def copies_at_once(self, most: int) -> int:
        """How many copies of it run side by side here; one from elsewhere may be no good in two."""
        alone = self.recipe is None or not self.is_small
        return 1 if alone else min(most, os.cpu_count() or 1)

    def outputs(self, images: Tensor) -> Tensor:
        """What it puts out for ``(B, C, H, W)``: ``(B, K)``, or features of a headless model."""
        return scores(self.module(images), self.name)


@contextmanager
def spare_threads(module: nn.Module, device: torch.device) -> Iterator[None]:
    """While active, a small model computes in one thread: what is beside it takes the others.

    So do the products and decompositions of NumPy and SciPy. Threads of one small product wait for
    each other by counting, which takes processor time from all.
    """
    before = torch.get_num_threads()
    is_small = _is_small(module, device)
    if is_small:
        torch.set_num_threads(1)
    try:
        with threadpool_limits(1 if is_small else None, "blas"):
            yield
    finally:
        torch.set_num_threads(before)


def _is_small(module: nn.Module, device: torch.device) -> bool:
    weights = sum(parameter.numel() for parameter in module.parameters())
    return device.type == "cpu" and weights < _SMALL
