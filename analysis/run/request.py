"""The request for an analysis: model, images and options."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from torch import Tensor, nn

from headbrush.analysis.images.dataset import MapDataset
from headbrush.analysis.model.pruning_modes import PRUNING_MODES


@dataclass(frozen=True)
class Request:
    """A request for an analysis; its fields are the options of ``headbrush analyze``.

    Attributes
    ----------
    images
        A folder, or a map-style dataset of this process.
    model
        A timm name, a folder with timm's ``config.json``, or a module of this process.
    class_names, transform
        Of such a module: names of its outputs, and PIL image -> float32 ``(C, H, W)``.
    image_size
        Height and width of the model's input in pixels, if not its own.
    best_worst
        Analyze only this many of the best and of the worst predicted classes.
    attention
        How many images keep their attention, spread over the classes; None keeps all.
    all_modes
        Whether heads are pruned in all seven modes, not only as a whole.
    predictions
        Whether heads are pruned to see what the prediction becomes. If not, the faster gradient
        approximation is used instead.
    scheduler
        Address of a Dask scheduler; None works in this process.
    command
        The command line, recorded in the store.
    """

    images: Path | MapDataset
    out: Path
    model: str | nn.Module
    checkpoint: Path | None = None
    pretrained: bool = True
    class_names: tuple[str, ...] | None = None
    transform: Callable[[Image.Image], Tensor] | None = None
    image_size: tuple[int, int] | None = None
    limit: int | None = None
    per_class: int | None = None
    best_worst: int | None = None
    classes: Path | None = None
    attention: int | None = 60
    all_modes: bool = False
    predictions: bool = True
    batch_size: int = 16
    device: str = "auto"
    seed: int = 0
    scheduler: str | None = None
    restart: bool = False
    command: str = ""
    version: str = ""

    @property
    def modes(self) -> tuple[int, ...]:
        """The pruning modes to measure."""
        return PRUNING_MODES if self.all_modes else PRUNING_MODES[:1]
