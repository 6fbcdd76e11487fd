"""Which class of the model a folder of images stands for."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from headbrush.analysis.store.errors import InputError


class ClassError(InputError):
    """Class folders or a class file that do not fit the model."""


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


def classes_of_folders(
    folder: Path, folders: Iterable[str], classes: ClassList, class_file: Path | None
) -> tuple[dict[str, int | None], tuple[str, ...]]:
    """The class index of every class folder, and the names of all classes.

    Parameters
    ----------
    classes
        The model's classes. Where it has none (a headless backbone), the folders themselves are
        the classes.
    class_file
        CSV with the columns ``folder,index,name``, which overrides ``classes``.

    Raises
    ------
    ClassError
        If a folder names no class, or the class file cannot be used.
    """
    folders = tuple(folders)
    if not classes.names and not classes.ids and class_file is None:
        classes = ClassList(names=folders)
    names = classes.names or classes.ids
    if class_file is None:
        index = {name: classes.index(name) for name in folders}
    else:
        index, names = _read_class_file(class_file, names)
    unknown = [name for name in folders if index.get(name) is None]
    if unknown:
        raise ClassError(
            f"{folder}: the class folder {unknown[0]!r} ({len(unknown)} such) matches no class "
            "name, id or output index of the model; rename the folder, or give --classes FILE "
            "(folder,index,name)."
        )
    return index, names


def _read_class_file(
    path: Path, names: tuple[str, ...]
) -> tuple[dict[str, int | None], tuple[str, ...]]:
    if not path.is_file():
        raise ClassError(f"{path}: no such class file.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ClassError(f"{path}: not a CSV file in UTF-8 ({error}).") from error
    size = len(names) or len(rows)
    index: dict[str, int | None] = {}
    renamed = list(names) or [str(number) for number in range(size)]
    for line, row in enumerate(rows, start=2):
        folder, number, name = (row.get(key) or "" for key in ("folder", "index", "name"))
        if not folder or not number.isdecimal() or int(number) >= size:
            raise ClassError(
                f"{path}, line {line}: expected folder,index,name with an index below {size}."
            )
        index[folder] = int(number)
        renamed[int(number)] = name or folder
    return index, tuple(renamed)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name.casefold()).strip()
