"""Images from a dataset in memory, for example in a notebook, instead of from a folder."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image

from headbrush.analysis.images.decoding import ImageError
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.labels.class_list import ClassList
from headbrush.analysis.images.reading.traits import Traits


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
        ``(C, H, W)``, or a float tensor ``(C, H, W)`` that is already what the model takes.
    """

    dataset: MapDataset = ()

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
        return _picture(_image_and_label(self.dataset, int(self.names[index]))[0])

    def examine(self, index: int) -> Traits | str:
        """Why the dataset cannot give the image, if it cannot."""
        try:
            self.load(index)
        except Exception as error:  # whatever the dataset's own code raises
            return f"{type(error).__name__}: {error}"
        return Traits()

    def fingerprint(self, index: int) -> int:
        """Checksum of the pixels."""
        picture = self.load(index)
        values = picture.cpu().numpy() if isinstance(picture, torch.Tensor) else picture
        return zlib.crc32(np.ascontiguousarray(values).tobytes())


def dataset_images(dataset: MapDataset, classes: ClassList, num_classes: int) -> DatasetImages:
    """Images and labels of a dataset; ``dataset.classes`` names the classes if the model does not.

    Raises
    ------
    ImageError
        If it is not a map-style dataset, is empty, or has a label that is not a model output.
    """
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise ImageError(
            f"images is a {type(dataset).__name__}: expected a folder, or a dataset with len() and "
            "indices that gives (image, label)."
        )
    if not len(dataset):
        raise ImageError("the dataset is empty; expected at least one image.")
    labels = np.array(_labels(dataset), np.int64)
    names = classes.names or classes.ids or tuple(map(str, getattr(dataset, "classes", ())))
    names = names or tuple(map(str, range(max(num_classes, labels.max() + 1))))
    wrong = np.flatnonzero((labels < -1) | (labels >= (num_classes or len(names))))
    if len(wrong):
        raise ImageError(
            f"image {wrong[0]} of the dataset has the label {labels[wrong[0]]}; expected an output "
            f"of the model, 0 to {num_classes - 1}, or -1 for unknown."
        )
    width = len(str(len(dataset) - 1))
    indices = tuple(f"{index:0{width}}" for index in range(len(dataset)))
    return DatasetImages(Path(), indices, labels.astype(np.int32), tuple(names), dataset=dataset)


def _labels(dataset: MapDataset) -> Sequence[int]:
    known = getattr(dataset, "targets", None)
    if known is not None and len(known) == len(dataset):
        return [int(label) for label in known]
    return [_image_and_label(dataset, index)[1] for index in range(len(dataset))]


def _image_and_label(dataset: MapDataset, index: int) -> tuple[object, int]:
    item = dataset[index]
    if isinstance(item, (tuple, list)):
        return item[0], int(item[1])
    return item, -1


def _picture(image: object) -> Image.Image | torch.Tensor:
    if isinstance(image, torch.Tensor) and image.dtype == torch.uint8:
        image = image.movedim(0, -1).squeeze(-1).cpu().numpy()  # (C, H, W) -> (H, W, C)
    if isinstance(image, np.ndarray):
        return Image.fromarray(image)
    if isinstance(image, (Image.Image, torch.Tensor)):
        return image
    raise TypeError(f"an image is a {type(image).__name__}")
