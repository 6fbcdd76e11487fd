"""Images from a dataset in memory, for example in a notebook, instead of from a folder."""

import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image

from headbrush.analysis.images.decoding import ImageError, examine_image, read_picture
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.labels.class_list import ClassList
from headbrush.analysis.images.reading.arrays import channels_last, pixels_of
from headbrush.analysis.images.reading.row_labels import row_labels
from headbrush.analysis.images.reading.rows import LABELS, demand_rows, image_and_label
from headbrush.analysis.images.reading.rules import Reading
from headbrush.analysis.images.reading.traits import Traits
from headbrush.analysis.store.errors import InputError

_TWICE = 3
"""Images that are loaded twice, to see whether the dataset changes them at random."""
_LONGEST = 200
"""Characters of a reason."""
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
    takes_plain
        Whether the model takes values of 0 to 1, not normalized.
    classes
        The dataset's own names of its classes; empty if it has none.
    """

    dataset: MapDataset = ()
    is_random: bool = False
    input_size: tuple[int, ...] = ()
    takes_plain: bool = False
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
        """A PIL image for the model's transform, or a tensor that already is the model's input.

        Raises
        ------
        ImageError
            If the dataset does not give one.
        """
        try:
            return self._read(index)[0]
        except Exception as error:  # whatever the dataset's own code raises
            raise ImageError(f"image {self.names[index]} of the dataset: {_why(error)}.") from error

    def examine(self, index: int) -> Traits | str:
        """What is special about the image, or why the dataset cannot give it."""
        try:
            return self._read(index)[1]
        except Exception as error:  # whatever the dataset's own code raises
            return _why(error)

    def fingerprint(self, index: int) -> int:
        """Checksum of the pixels; 0 where every load gives others."""
        return 0 if self.is_random else _checksum(self.load(index))

    def _read(self, index: int) -> tuple[Image.Image | torch.Tensor, Traits]:
        image, _ = image_and_label(self.dataset[int(self.names[index])])
        if isinstance(image, torch.Tensor) and image.is_floating_point():
            return self._ready(image.detach().cpu())
        return _picture(image, self.reading)

    def _ready(self, image: torch.Tensor) -> tuple[torch.Tensor, Traits]:
        """A float tensor that is the model's input."""
        if self.input_size not in ((), image.shape):
            raise ImageError(
                f"a float tensor {tuple(image.shape)}, and the model takes {self.input_size}; "
                "resize it, or give PIL images or uint8 tensors"
            )
        if not image.isfinite().all():
            raise ImageError("it has values that are NaN or infinite")
        low, high = float(image.min()), float(image.max())
        is_plain = self.takes_plain and low >= 0 and high <= 1
        return image.float(), Traits(inputs=None if is_plain else (low, high))


def _why(error: Exception) -> str:
    """What is wrong with an image, in one line; of the dataset's own errors, with their type."""
    lines = str(error).strip().splitlines() or [""]
    text = lines[0][:_LONGEST].rstrip(". ")
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}".rstrip(": ")


def dataset_images(
    dataset: MapDataset,
    classes: ClassList,
    num_classes: int,
    input_size: tuple[int, ...] = (),
    takes_plain: bool = False,
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
        found, unknown = row_labels(dataset, own or names, num_classes or len(own or names))
    except ValueError as error:
        raise ImageError(f"{type(dataset).__name__}: {error}.") from error
    labels = np.array(found, np.int64)
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
        takes_plain=takes_plain,
        classes=own,
    )
    notes = _label_notes(unknown, len(labels))
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


def _label_notes(unknown: int, count: int) -> tuple[str, ...]:
    if not unknown:
        return ()
    return (f"{unknown} of {count} images have no label that is one class: theirs is unknown.",)


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


def _picture(image: object, reading: Reading) -> tuple[Image.Image, Traits]:
    """A PIL image of 8 bits."""
    if isinstance(image, Mapping) and "bytes" in image:
        image = image["bytes"] or image.get("path")
    if isinstance(image, (str, Path)):
        return examine_image(Path(image), reading)
    if isinstance(image, (bytes, bytearray)):
        return examine_image(bytes(image), reading)
    if isinstance(image, torch.Tensor):
        image = channels_last(image.detach().cpu().numpy())
    elif not isinstance(image, Image.Image) and hasattr(image, "__array__"):
        image = np.asarray(image)
    if isinstance(image, np.ndarray):
        image = Image.fromarray(pixels_of(image))
    if isinstance(image, Image.Image):
        return read_picture(image, reading)
    raise ImageError(
        f"an image of the type {type(image).__name__}; expected a PIL image, an array or a tensor"
    )
