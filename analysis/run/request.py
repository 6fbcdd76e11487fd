"""The request for an analysis: model, images and options."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor, nn

from headbrush.analysis.images.dataset import MapDataset
from headbrush.analysis.model.pruning.modes import PRUNING_MODES

FLOAT32, BF16, TF32 = "float32", "bf16", "tf32"
PRECISIONS = (FLOAT32, BF16, TF32)
"""Kinds of numbers in which heads are pruned."""


@dataclass(frozen=True)
class Request:
    """A request for an analysis; its fields are the options of ``headbrush analyze``.

    Attributes
    ----------
    images
        A folder, or a map-style dataset of this process.
    out
        The store to make.
    model
        A timm name, a folder with timm's ``config.json``, or a module of this process.
    checkpoint
        Your own weights, ``.safetensors`` or ``.pth``.
    pretrained
        Whether to use timm's published weights if there is no checkpoint.
    class_names, transform
        Only for such a module: names of its outputs, and PIL image -> float32 ``(C, H, W)``.
    vit, output
        Only for such a module: the path of the ViT inside it, and what makes a map ``(B, K, height,
        width)``, or logits ``(B, K)``, of what it returns.
    outputs
        How the model's outputs become probabilities: ``auto``, ``softmax`` or ``sigmoid``.
    probe
        Whether a ridge probe on the model's features, fitted to the images, is its classifier.
    texts
        File of texts with their embeddings, which are the classes.
    stage
        Of a model with stages (Swin), the one that is analyzed, from 1; None: the one with the
        most layers.
    image_size
        Height and width of the model's input in pixels; None: the model's own.
    exif_rotation
        Whether image files are turned as their EXIF orientation says; if not, it is ignored, as in
        torchvision.
    max_megapixels
        The largest image file that is decoded, in millions of pixels; None: Pillow's own limit, 89.
    limit, per_class
        Maximum number of images, in all and per class.
    best_worst
        Analyze only this many of the best and of the worst predicted classes.
    classes
        File that assigns folders to classes, for example a CSV ``folder,index,name``.
    class_order
        Which output a folder called by a number is: ``number``, that of its number; ``from-1``,
        one below; ``text``, its place among the folders sorted as text, as in torchvision.
    attention
        Number of images whose attention is stored, spread over the classes; None stores all.
    all_modes
        Whether heads are pruned in all seven modes, not only as a whole.
    predictions
        Whether heads are pruned to measure the change of the prediction. If not, the faster
        gradient approximation is used instead.
    precision
        In which heads are pruned: ``float32``, or the quicker ``bf16`` or ``tf32``, whose error is
        measured on some images.
    autoencoder
        What summarises the patch patterns: ``linear``, their principal components, or
        ``convolutional``, the paper's, which takes longer; with ``none`` their layout is made from
        offsets and targets of the attention.
    batch_size
        Images per batch.
    device
        ``auto``, ``cpu`` or ``cuda``.
    seed
        Seed of sampling, training and layouts.
    scheduler
        Address of a Dask scheduler; None works in this process.
    restart
        Start over, even if ``out`` is a finished store.
    command
        The command line, recorded in the store.
    version
        headbrush's version, recorded in the store.
    """

    images: Path | MapDataset
    out: Path
    model: str | nn.Module
    checkpoint: Path | None = None
    pretrained: bool = True
    class_names: tuple[str, ...] | None = None
    transform: Callable[[Image.Image], Tensor] | None = None
    vit: str | None = None
    output: Callable[[Any], Tensor] | None = None
    outputs: str = "auto"
    probe: bool = False
    texts: Path | None = None
    stage: int | None = None
    image_size: tuple[int, int] | None = None
    exif_rotation: bool = False
    max_megapixels: int | None = None
    limit: int | None = None
    per_class: int | None = None
    best_worst: int | None = None
    classes: Path | None = None
    class_order: str = "number"
    attention: int | None = 60
    all_modes: bool = False
    predictions: bool = True
    precision: str = FLOAT32
    autoencoder: str = "linear"
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
