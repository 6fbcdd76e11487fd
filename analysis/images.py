"""Image folders: which files, which class each belongs to, and how to decode one safely."""

import csv
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from analysis.errors import InputError

EXTENSIONS = frozenset(
    (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
)
THUMBNAIL_SIDE = 96


class ImageError(InputError):
    """A folder, a class list or a file of images that cannot be used."""


@dataclass(frozen=True)
class ClassList:
    """The classes that folders can stand for, in the order of the model's outputs.

    Attributes
    ----------
    ids
        Identifiers, for example ImageNet synsets; empty where the model has none.
    names
        Readable names; several of one class are separated by commas.
    """

    ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def index(self, folder: str) -> int | None:
        """Index of the class that ``folder`` names by id, name or integer; None if none."""
        if folder in self.ids:
            return self.ids.index(folder)
        wanted = _plain(folder)
        for index, name in enumerate(self.names):
            if wanted in {_plain(name), *map(_plain, name.split(","))}:
                return index
        size = max(len(self.ids), len(self.names))
        return int(folder) if folder.isascii() and folder.isdigit() and int(folder) < size else None


@dataclass(frozen=True)
class ImageSet:
    """Files of a folder with their classes, in the order of a store's images.

    Attributes
    ----------
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

    def take(self, indices: Sequence[int]) -> "ImageSet":
        """The images at ``indices``, in that order."""
        names = tuple(self.names[i] for i in indices)
        return replace(self, names=names, labels=self.labels[list(indices)])


def find_images(folder: Path, classes: ClassList, class_file: Path | None = None) -> ImageSet:
    """List ``DIR/<class>/<file>``, or a flat folder without labels.

    Parameters
    ----------
    classes
        The model's classes. Where it has none (a headless backbone), the folders themselves are
        the classes.
    class_file
        CSV with the columns ``folder,index,name``, which overrides ``classes``.

    Raises
    ------
    ImageError
        If the folder is missing or holds no image, or a class folder names no class.
    """
    if not folder.is_dir():
        raise ImageError(f"{folder}: no such folder of images.")
    files = sorted(_image_files(folder))
    if not files:
        raise ImageError(
            f"{folder}: no images in it; expected {folder}/<class>/<file> or {folder}/<file> "
            f"ending in {', '.join(sorted(EXTENSIONS))}."
        )
    parents = [file.parts[0] if len(file.parts) > 1 else None for file in files]
    folders = sorted({parent for parent in parents if parent is not None})
    if not classes.names and not classes.ids and class_file is None:
        classes = ClassList(names=tuple(folders))
    names = classes.names or classes.ids
    if class_file is None:
        index = {name: classes.index(name) for name in folders}
    else:
        index, names = _read_class_file(class_file, names)
    _check_folders(folder, folders, index)
    labels = [-1 if parent is None else index[parent] for parent in parents]
    return ImageSet(
        folder, tuple(file.as_posix() for file in files), np.array(labels, np.int32), names
    )


def choose(images: ImageSet, limit: int | None, per_class: int | None) -> ImageSet:
    """At most ``per_class`` images of each class and ``limit`` in all, spread over the classes."""
    order = list(_class_by_class(images.labels, per_class))
    return images.take(sorted(order if limit is None else order[:limit]))


def spread(labels: np.ndarray, count: int) -> np.ndarray:
    """Sorted indices of ``count`` images, taken from the classes in turn."""
    chosen = [index for index, _ in zip(_class_by_class(labels, None), range(count), strict=False)]
    return np.array(sorted(chosen), np.int64)


def drop_unreadable(images: ImageSet, on_progress=lambda _fraction: None) -> ImageSet:
    """Decode every file once and leave out those that fail, with the reason.

    Raises
    ------
    ImageError
        If none is left.
    """
    reasons = []
    with ThreadPoolExecutor() as pool:
        for done, reason in enumerate(pool.map(lambda n: _fault(images.folder / n), images.names)):
            reasons.append(reason)
            on_progress((done + 1) / len(images))
    shown = (name.encode(errors="backslashreplace").decode() for name in images.names)
    skipped = tuple((n, r) for n, r in zip(shown, reasons, strict=True) if r)
    kept = images.take([i for i, reason in enumerate(reasons) if not reason])
    if not len(kept):
        raise ImageError(
            f"{images.folder}: none of its {len(images)} images can be read; "
            f"the first, {skipped[0][0]!r}: {skipped[0][1]}."
        )
    return replace(kept, skipped=skipped)


def load_image(path: Path) -> Image.Image:
    """Decode one file completely; a 16-bit grey image is scaled to 8 bits.

    Raises
    ------
    ImageError
        If it is no image, is truncated, or has more pixels than Pillow's bomb limit.
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
    """The model's own inputs as small pictures.

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
    small = [Image.fromarray(np.ascontiguousarray(p)).resize(size, Image.BOX) for p in pixels]
    return np.stack([np.asarray(picture) for picture in small])


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name.casefold()).strip()


def _image_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if path.suffix.lower() in EXTENSIONS and not hidden and path.is_file():
            yield relative


def _check_folders(folder: Path, folders: Iterable[str], index: dict[str, int | None]) -> None:
    unknown = [name for name in folders if index.get(name) is None]
    if unknown:
        raise ImageError(
            f"{folder}: the class folder {unknown[0]!r} ({len(unknown)} such) is no class name, id "
            "or output index of the model; rename it or give --classes FILE (folder,index,name)."
        )


def _read_class_file(
    path: Path, names: tuple[str, ...]
) -> tuple[dict[str, int | None], tuple[str, ...]]:
    if not path.is_file():
        raise ImageError(f"{path}: no such class file.")
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    size = len(names) or len(rows)
    index: dict[str, int | None] = {}
    renamed = list(names) or [str(number) for number in range(size)]
    for line, row in enumerate(rows, start=2):
        folder, number, name = (row.get(key) or "" for key in ("folder", "index", "name"))
        if not folder or not number.isdecimal() or int(number) >= size:
            raise ImageError(
                f"{path}, line {line}: expected folder,index,name with an index below {size}."
            )
        index[folder] = int(number)
        renamed[int(number)] = name or folder
    return index, tuple(renamed)


def _class_by_class(labels: np.ndarray, per_class: int | None) -> Iterator[int]:
    groups = [np.flatnonzero(labels == label)[:per_class] for label in np.unique(labels)]
    for rank in range(max(map(len, groups), default=0)):
        for group in groups:
            if rank < len(group):
                yield int(group[rank])


def _fault(path: Path) -> str:
    try:
        str(path).encode()
        load_image(path)
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    except ImageError as error:
        return str(error).removeprefix(f"{path}: ").rstrip(".")
    return ""


def _to_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, np.float32)
        top = 65535 if values.max(initial=0) > 255 else 255
        return Image.fromarray((values.clip(0, top) * (255 / top)).astype(np.uint8))
    return image.copy()
