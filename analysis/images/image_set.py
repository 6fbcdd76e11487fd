"""Images with their labels: what an analysis reads, whatever they come from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from headbrush.analysis.images.decoding import ImageError, examine_image, load_image
from headbrush.analysis.images.labels.class_mapping import ClassMapping
from headbrush.analysis.images.reading.rules import AS_PILLOW, Reading
from headbrush.analysis.images.reading.traits import Traits

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ImageSet:
    """Images with their classes, in the order of a store's images: files of a folder.

    Attributes
    ----------
    folder
        Where the files are.
    names
        Files relative to ``folder``, with ``/`` between parts.
    labels
        ``(m,)`` int32 index of the true class, -1 unknown.
    class_names
        Readable name of every class; empty where neither folders nor the model name any.
    skipped
        Files left out, each with the reason.
    notes
        What the user should know before the analysis: sentences of one line.
    mapping
        Which class every class folder was taken for.
    reading
        How files become pictures of 8 bits.
    """

    folder: Path
    names: tuple[str, ...]
    labels: np.ndarray
    class_names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    mapping: tuple[ClassMapping, ...] = ()
    reading: Reading = AS_PILLOW

    def __len__(self) -> int:
        return len(self.names)

    @property
    def has_labels(self) -> bool:
        """Whether the folders name classes."""
        return bool((self.labels >= 0).any())

    @property
    def thread_safe(self) -> bool:
        """Whether several threads may load at once."""
        return True

    @property
    def source(self) -> str:
        """Where the images come from, for the record."""
        return str(self.folder.resolve())

    def load(self, index: int) -> "Image.Image | torch.Tensor":
        """Decode one image completely.

        Raises
        ------
        ImageError
            If it cannot be decoded.
        """
        return load_image(self.folder / self.names[index], self.reading)

    def examine(self, index: int) -> Traits | str:
        """What is special about the image, or why it cannot be used."""
        path = self.folder / self.names[index]
        try:
            return examine_image(path, self.reading)[1]
        except ImageError as error:
            return str(error).removeprefix(f"{path}: ").rstrip(".")

    def fingerprint(self, index: int) -> int:
        """Changes when the image does, cheaply: the size of its file."""
        return (self.folder / self.names[index]).stat().st_size

    def take(self, indices: Sequence[int]) -> "ImageSet":
        """The images at ``indices``, in that order."""
        names = tuple(self.names[i] for i in indices)
        return replace(self, names=names, labels=self.labels[list(indices)])
