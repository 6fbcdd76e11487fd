"""Image folders: which files, which class each belongs to, and how to decode one safely."""

import csv
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from headbrush.analysis.images.class_folders import ClassList, classes_of_folders
from headbrush.analysis.store.atomic_files import replacing
from headbrush.analysis.store.errors import InputError

if TYPE_CHECKING:
    import torch

EXTENSIONS = frozenset(
    (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
)
THUMBNAIL_SIDE = 96


class ImageError(InputError):
    """A folder or a file of images that cannot be used."""


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
    """

    folder: Path
    names: tuple[str, ...]
    labels: np.ndarray
    class_names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()

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
        return load_image(self.folder / self.names[index])

    def fault(self, index: int) -> str:
        """Why the image cannot be used; empty if it can."""
        path = self.folder / self.names[index]
        try:
            str(path).encode()
            self.load(index)
        except UnicodeEncodeError:
            return "its name is not UTF-8"
        except ImageError as error:
            return str(error).removeprefix(f"{path}: ").rstrip(".")
        return ""

    def fingerprint(self, index: int) -> int:
        """Changes when the image does, cheaply: the size of its file."""
        return (self.folder / self.names[index]).stat().st_size

    def take(self, indices: Sequence[int]) -> "ImageSet":
        """The images at ``indices``, in that order."""
        names = tuple(self.names[i] for i in indices)
        return replace(self, names=names, labels=self.labels[list(indices)])


def find_images(folder: Path, classes: ClassList, class_file: Path | None = None) -> ImageSet:
    """List ``DIR/<class>/<file>``, or a flat folder without labels.

    See ``list_images`` and ``label_images``, which this does one after the other.
    """
    return label_images(list_images(folder), classes, class_file)


def list_images(folder: Path) -> ImageSet:
    """List the images of a folder, not labelled yet.

    Files without an image extension and class folders without images are listed as skipped.

    Raises
    ------
    ImageError
        If the folder is missing or holds no image.
    """
    if not folder.is_dir():
        raise ImageError(f"{folder}: no such folder of images.")
    files, skipped = _image_files(folder)
    if not files:
        raise ImageError(
            f"{folder}: no images in it; expected {folder}/<class>/<file> or {folder}/<file> "
            f"ending in {', '.join(sorted(EXTENSIONS))}."
        )
    names = tuple(file.as_posix() for file in files)
    return ImageSet(folder, names, np.full(len(names), -1, np.int32), (), tuple(skipped))


def label_images(images: ImageSet, classes: ClassList, class_file: Path | None = None) -> ImageSet:
    """Label the images of a folder by its class folders; the disk is not asked again.

    ``classes`` and ``class_file`` are those of ``classes_of_folders``.

    Raises
    ------
    ClassError
        If a class folder names no class.
    """
    parents = [name.split("/")[0] if "/" in name else None for name in images.names]
    folders = sorted({parent for parent in parents if parent is not None})
    index, class_names = classes_of_folders(images.folder, folders, classes, class_file)
    labels = [-1 if parent is None else index[parent] for parent in parents]
    return replace(images, labels=np.array(labels, np.int32), class_names=class_names)


def choose(images: ImageSet, limit: int | None, per_class: int | None) -> ImageSet:
    """At most ``per_class`` images of each class and ``limit`` in all, spread over the classes."""
    order = list(_class_by_class(images.labels, per_class))
    return images.take(sorted(order if limit is None else order[:limit]))


def spread(labels: np.ndarray, count: int) -> np.ndarray:
    """Sorted indices of ``count`` images, taken from the classes in turn."""
    chosen = [index for index, _ in zip(_class_by_class(labels, None), range(count), strict=False)]
    return np.array(sorted(chosen), np.int64)


def drop_unreadable(
    images: ImageSet, on_progress: Callable[[float], None] = lambda _share: None
) -> ImageSet:
    """Decode every image once and leave out those that fail, with the reason.

    Raises
    ------
    ImageError
        If none is left.
    """
    reasons = []
    with ThreadPoolExecutor(None if images.thread_safe else 1) as pool:
        for done, reason in enumerate(pool.map(images.fault, range(len(images)))):
            reasons.append(reason)
            on_progress((done + 1) / len(images))
    skipped = tuple((n, r) for n, r in zip(images.names, reasons, strict=True) if r)
    kept = images.take([i for i, reason in enumerate(reasons) if not reason])
    if not len(kept):
        raise ImageError(
            f"{images.source}: none of its {len(images)} images can be read; "
            f"the first, {skipped[0][0]!r}: {skipped[0][1]}."
        )
    return replace(kept, skipped=(*images.skipped, *skipped))


def write_skipped(path: Path, skipped: Sequence[tuple[str, str]]) -> None:
    """Write ``skipped.csv`` (name, reason) into the folder ``path``, at once or not at all."""
    with (
        replacing(path / "skipped.csv") as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        csv.writer(file).writerows([("name", "reason"), *skipped])


def load_image(path: Path) -> Image.Image:
    """Decode one file completely; a 16-bit grey image is scaled to 8 bits.

    Raises
    ------
    ImageError
        If it is not an image, is truncated, or has more pixels than Pillow's limit.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
            with Image.open(path) as image:
                image.load()
                return _to_eight_bits(image)
    except UnidentifiedImageError as error:
        raise ImageError(f"{path}: not an image that Pillow can read.") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageError(f"{path}: too many pixels to decode safely ({error}).") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(f"{path}: cannot be decoded ({error}).") from error


def thumbnails(batch: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """Thumbnails of the model's inputs.

    Parameters
    ----------
    batch
        ``(B, C, H, W)`` float32 as normalised by ``mean`` and ``std``.

    Returns
    -------
    ``(B, h, w, 3)`` uint8, at most :data:`THUMBNAIL_SIDE` a side.
    """
    # (B, C, H, W) -> (B, H, W, C)
    pixels = batch.transpose(0, 2, 3, 1) * np.asarray(std) + np.asarray(mean)
    pixels = (pixels.clip(0, 1) * 255).round().astype(np.uint8)
    pixels = np.broadcast_to(pixels, (*pixels.shape[:3], 3)) if pixels.shape[3] == 1 else pixels
    height, width = pixels.shape[1:3]
    scale = min(1.0, THUMBNAIL_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = [
        Image.fromarray(np.ascontiguousarray(p)).resize(size, Image.Resampling.BOX) for p in pixels
    ]
    return np.stack([np.asarray(picture) for picture in small])


def _image_files(folder: Path) -> tuple[list[Path], list[tuple[str, str]]]:
    """The images under ``folder``, sorted; and what else is there, with the reason to skip it."""
    files, folders, skipped = [], [], []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts):
            continue
        if path.is_dir():
            folders += [relative] if len(relative.parts) == 1 else []
        elif path.suffix.lower() in EXTENSIONS and path.is_file():
            files.append(relative)
        elif path.suffix.lower() in EXTENSIONS:
            skipped.append((relative.as_posix(), "broken link"))
        else:
            skipped.append((relative.as_posix(), "not an image file"))
    used = {file.parts[0] for file in files}
    empty = [(f"{name}/", "folder without images") for name in folders if name.name not in used]
    return files, skipped + empty


def _class_by_class(labels: np.ndarray, per_class: int | None) -> Iterator[int]:
    groups = [np.flatnonzero(labels == label)[:per_class] for label in np.unique(labels)]
    for rank in range(max(map(len, groups), default=0)):
        for group in groups:
            if rank < len(group):
                yield int(group[rank])


def _to_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, np.float32)
        top = 65535 if values.max(initial=0) > 255 else 255
        return Image.fromarray((values.clip(0, top) * (255 / top)).astype(np.uint8))
    return image.copy()
