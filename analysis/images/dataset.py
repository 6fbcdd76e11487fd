"""Images from a dataset in memory, for example in a notebook, instead of from a folder."""

import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image

from headbrush.analysis.images.decoding import ImageError, examine_image
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.labels.class_list import ClassList
from headbrush.analysis.images.reading.arrays import pixels_of
from headbrush.analysis.images.reading.depth import eight_bits
from headbrush.analysis.images.reading.formats import formats
from headbrush.analysis.images.reading.rows import LABELS, class_index, demand_rows, image_and_label
from headbrush.analysis.images.reading.rules import Reading
from headbrush.analysis.images.reading.traits import Traits

_TWICE = 3
"""Images that are loaded twice, to see whether the dataset changes them at random."""
_RANDOM = (
    "the dataset changes its images at random: two loads of one image differ, so a resumed "
    "analysis or another run sees others; take the random transforms off."
)


class MapDataset(Protocol):
    """Has ``len()`` and gives ``(image, label)``, or an image, for an index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> object: ...


@dataclass(frozen=True)
class DatasetImages(ImageSet):
    """A map-style dataset, as PyTorch has them; names are its indices.

    Attributes
    ----------
    dataset
        An image is a PIL image, a ``(H, W)`` or ``(H, W, 3)`` uint8 array, a uint8 tensor
        ``(C, H, W)``, or a float tensor ``(C, H, W)`` that is already what the model takes; also a
        path, the bytes of a file, or an array of 0 to 1.
    is_random
        Whether two loads of an image differ.
    input_size
        Channels, height and width that the model takes; empty if any.
    classes
        The dataset's own names of its classes; empty if it has none.
    """

    dataset: MapDataset = ()
    is_random: bool = False
    input_size: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def thread_safe(self) -> bool:
        """Always False: a dataset may not be thread-safe."""
        return False

    @property
    def source(self) -> str:
        """The kind of the dataset, and its length."""
        return f"{type(self.dataset).__name__} of {len(self.dataset)} images, in memory"

    def load(self, index: int) -> Image.Image | torch.Tensor:
        """A PIL image for the model's transform, or a tensor that already is the model's input."""
        return self._read(index)[0]

    def examine(self, index: int) -> Traits | str:
        """What is special about the image, or why the dataset cannot give it."""
        try:
            return self._read(index)[1]
        except Exception as error:  # whatever the dataset's own code raises
            return f"{type(error).__name__}: {error}"

    def fingerprint(self, index: int) -> int:
        """Checksum of the pixels; 0 where every load gives others."""
        return 0 if self.is_random else _checksum(self.load(index))

    def _read(self, index: int) -> tuple[Image.Image | torch.Tensor, Traits]:
        image, _ = image_and_label(self.dataset[int(self.names[index])])
        picture, traits = _picture(image, self.reading)
        if isinstance(picture, torch.Tensor) and self.input_size not in ((), picture.shape):
            raise ValueError(
                f"a float tensor {tuple(picture.shape)}, and the model takes {self.input_size}; "
                "resize it, or give PIL images"
            )
        return picture, traits


def dataset_images(
    dataset: MapDataset,
    classes: ClassList,
    num_classes: int,
    input_size: tuple[int, ...] = (),
) -> DatasetImages:
    """Images and labels of a dataset; ``dataset.classes`` names the classes if the model does not.

    Raises
    ------
    ImageError
        If it is not a map-style dataset, is empty, or has a label that is not a model output.
    """
    try:
        demand_rows(dataset)
    except ValueError as error:
        raise ImageError(f"{error}.") from error
    own = _names_of(dataset)
    names = classes.names or classes.ids or own
    try:
        labels = np.array(_labels(dataset, own or names), np.int64)
    except (ValueError, OverflowError) as error:
        raise ImageError(f"{type(dataset).__name__}: {error}.") from error
    names = names or tuple(map(str, range(max(num_classes, labels.max() + 1))))
    wrong = np.flatnonzero((labels < -1) | (labels >= (num_classes or len(names))))
    if len(wrong):
        raise ImageError(
            f"image {wrong[0]} of the dataset has the label {labels[wrong[0]]}; expected an output "
            f"of the model, 0 to {num_classes - 1}, or -1 for unknown."
        )
    width = len(str(len(dataset) - 1))
    indices = tuple(f"{index:0{width}}" for index in range(len(dataset)))
    images = DatasetImages(
        Path(),
        indices,
        labels.astype(np.int32),
        tuple(names),
        dataset=dataset,
        input_size=input_size,
        classes=own,
    )
    notes = _label_notes(labels)
    if not _is_random(images):
        return replace(images, notes=notes)
    return replace(images, is_random=True, notes=(*notes, _RANDOM))


def _names_of(dataset: Any) -> tuple[str, ...]:
    """Class names as torchvision and Hugging Face's datasets keep them; empty if unknown."""
    while not hasattr(dataset, "classes") and hasattr(dataset, "dataset"):  # a subset
        dataset = dataset.dataset
    features = getattr(dataset, "features", None)
    labels = [features[key] for key in LABELS if key in features] if features else []
    found = getattr(dataset, "classes", None) or getattr(next(iter(labels), None), "names", None)
    if not isinstance(found, (list, tuple)):
        return ()
    return tuple(", ".join(map(str, n)) if isinstance(n, (list, tuple)) else str(n) for n in found)


def _label_notes(labels: np.ndarray) -> tuple[str, ...]:
    unknown = int((labels < 0).sum())
    if not unknown or unknown == len(labels):
        return ()
    return (
        f"{unknown} of {len(labels)} images have no label, or several: their class is unknown.",
    )


def _labels(dataset: MapDataset, names: Sequence[str]) -> list[int]:
    known = getattr(dataset, "targets", None)
    is_changed = getattr(dataset, "target_transform", None) is not None
    if known is not None and len(known) == len(dataset) and not is_changed:
        return [class_index(label, names) for label in known]
    return [class_index(_label(dataset, index), names) for index in range(len(dataset))]


def _label(dataset: MapDataset, index: int) -> object:
    try:
        item = dataset[index]
    except Exception:  # whatever the dataset's own code raises: such an image is skipped later
        return None
    return image_and_label(item)[1]


def _is_random(images: DatasetImages) -> bool:
    """Whether two loads of one of the first images differ."""
    for index in range(min(_TWICE, len(images))):
        with suppress(Exception):  # an image that cannot be had is skipped later
            if _checksum(images.load(index)) != _checksum(images.load(index)):
                return True
    return False


def _checksum(picture: Image.Image | torch.Tensor) -> int:
    values = picture.cpu().numpy() if isinstance(picture, torch.Tensor) else picture
    return zlib.crc32(np.ascontiguousarray(values).tobytes())


def _picture(image: object, reading: Reading) -> tuple[Image.Image | torch.Tensor, Traits]:
    """A PIL image of 8 bits, or a float tensor that already is the model's input."""
    if isinstance(image, Mapping) and "bytes" in image:
        image = image["bytes"] or image.get("path")
    if isinstance(image, (str, Path)):
        return examine_image(Path(image), reading)
    if isinstance(image, (bytes, bytearray)):
        with Image.open(BytesIO(image), formats=formats()) as opened:
            opened.load()
            return eight_bits(opened, reading)
    if isinstance(image, torch.Tensor):
        image = image.detach().cpu()
        if image.is_floating_point():
            if not image.isfinite().all():
                raise ValueError("it has values that are NaN or infinite")
            return image if image.dtype == torch.float32 else image.float(), Traits()
        image = (image.movedim(0, -1) if image.ndim == len("CHW") else image).numpy()
    if isinstance(image, np.ndarray):
        image = Image.fromarray(pixels_of(image))
    if isinstance(image, Image.Image):
        return eight_bits(image, reading)
    raise TypeError(f"an image is a {type(image).__name__}")
