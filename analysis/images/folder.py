"""The image files of a folder."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from headbrush.analysis.images.decoding import ImageError
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.reading.formats import extensions, formats
from headbrush.analysis.images.reading.leftovers import (
    is_conflict_copy,
    is_leftover_file,
    is_leftover_folder,
    why_no_image,
)

_Identity = tuple[int, int]
"""Device and number of a file or folder."""


def list_images(folder: Path) -> ImageSet:
    """List the images of a folder, not labelled yet.

    Links are followed, each folder once. What a system leaves for itself is ignored; all other
    files that are no images, and class folders without images, are listed as skipped.

    Raises
    ------
    ImageError
        If the folder is missing, cannot be read or holds no image.
    """
    try:
        if not folder.is_dir():
            is_file = folder.is_file()
            raise ImageError(
                f"{folder}: {'a file; expected a' if is_file else 'no such'} folder of images."
            )
        listing = _Listing(folder)
        listing.walk_all()
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"{str(folder)!r}: cannot be read ({error}).") from error
    if not listing.names:
        raise ImageError(
            f"{folder}: no images in it; expected {folder}/<class>/<file> or {folder}/<file> "
            f"ending in {', '.join(sorted(extensions()))}{_first(listing.skipped)}."
        )
    names = tuple(sorted(listing.names, key=lambda name: name.split("/")))
    unknown = np.full(len(names), -1, np.int32)
    return ImageSet(folder, names, unknown, (), tuple(listing.all_skipped()))


def _first(skipped: list[tuple[str, str]]) -> str:
    if not skipped:
        return ""
    name, reason = skipped[0]
    return f"; found {len(skipped)} other files, the first {name!r}: {reason}"


@dataclass
class _Listing:
    """What a folder holds, as far as it has been walked."""

    root: Path
    names: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    _classes: list[str] = field(default_factory=list)
    _links: list[str] = field(default_factory=list)
    _seen: set[_Identity] = field(default_factory=set)

    def walk_all(self) -> None:
        """Walk the folder itself, and then the links to folders elsewhere."""
        str(self.root.resolve()).encode()
        around = {_identity(path.stat()) for path in self.root.resolve().parents}
        self._walk("")
        while self._links:
            name = self._links.pop(0)
            identity = _identity((self.root / name).stat())
            if identity in around:
                self.skipped.append((f"{name}/", "a link to a folder around this one"))
            elif identity in self._seen:
                self.skipped.append((f"{name}/", "a link to a folder that is listed already"))
            else:
                self._walk(name)

    def all_skipped(self) -> list[tuple[str, str]]:
        """What is left out, sorted, then the class folders without images."""
        used = {name.split("/")[0] for name in self.names}
        known = {name for name, _ in self.skipped}
        empty = [
            (f"{name}/", "folder without images")
            for name in sorted(self._classes)
            if name not in used and f"{name}/" not in known
        ]
        return sorted(self.skipped) + empty

    def _walk(self, start: str) -> None:
        """Walk a folder and the folders in it, but no links to folders."""
        pending = [start]
        while pending:
            name = pending.pop()
            try:
                self._seen.add(_identity((self.root / name).stat()))
                entries = sorted(entry.name for entry in (self.root / name).iterdir())
            except OSError as error:
                if not name:
                    raise
                self.skipped.append((f"{name}/", f"cannot be read ({error.strerror})"))
                continue
            below = [f"{name}/{entry}" if name else entry for entry in entries]
            folders = [path for path in below if self._is_folder(path)]
            pending += reversed(folders)

    def _is_folder(self, name: str) -> bool:
        """Take a file, or say whether it is a folder to walk."""
        base, path = name.rpartition("/")[2], self.root / name
        try:
            mode = path.stat().st_mode
        except OSError:  # a broken link or a loop of links
            mode = 0
        if stat.S_ISDIR(mode) and not is_leftover_folder(base):
            self._classes += [] if "/" in name else [name]
            if path.is_symlink():
                self._links.append(name)
            return not path.is_symlink()
        if not stat.S_ISDIR(mode) and not is_leftover_file(base):
            reason = _why_skipped(path, mode)
            self.skipped += [(name, reason)] if reason else []
            self.names += [] if reason else [name]
        return False


def _why_skipped(path: Path, mode: int) -> str:
    """Why a file is left out; empty if it is an image."""
    suffix = path.suffix.lower()
    if not mode:
        return "broken link"
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if not stat.S_ISREG(mode):
        return "not a regular file"
    if is_conflict_copy(path.name):
        return "a conflict copy of a synchronizing program"
    if suffix in extensions() or (not suffix and _is_image(path)):
        return ""
    return why_no_image(suffix)


def _is_image(path: Path) -> bool:
    """Whether a file without an ending begins as an image does."""
    try:
        with Image.open(path, formats=formats()):
            return True
    except Exception:  # whatever a decoder raises for a file that is not its own
        return False


def _identity(found: os.stat_result) -> _Identity:
    return found.st_dev, found.st_ino
