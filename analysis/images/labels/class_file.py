"""A file that says which folder is which class, in the forms that programs write."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from headbrush.analysis.images.labels.class_list import ClassError, ClassList
from headbrush.analysis.images.labels.class_rows import ClassRow, rows_of_json, rows_of_text
from headbrush.analysis.images.labels.text_file import TextError, decoded

_MOST_CLASSES = 1_000_000
_MOST_BYTES = 100_000_000


@dataclass(frozen=True)
class ClassFile:
    """Rows of a class file, checked among themselves.

    Attributes
    ----------
    has_folders
        Whether its rows name folders. If not, they name the model's outputs.
    is_order
        Whether a row's place is its index, so that no row may be missing.
    """

    path: Path
    rows: tuple[ClassRow, ...]
    has_folders: bool
    is_order: bool

    @property
    def size(self) -> int:
        """The number of classes that it needs at least."""
        return 1 + max(row.index for row in self.rows)

    def demand_outputs(self, count: int) -> None:
        """Check it against the number of the model's outputs.

        Raises
        ------
        ClassError
            If an index is not an output, or names in order are more or fewer than outputs.
        """
        for row in self.rows:
            if row.index >= count:
                raise ClassError(
                    f"{self.path}, {row.place}: the index {row.index} is none of the model's "
                    f"{count} outputs, 0 to {count - 1}."
                )
        if self.is_order and len(self.rows) != count:
            raise ClassError(
                f"{self.path} has {len(self.rows)} names, one an output, and the model has {count} "
                "outputs; give one name an output, or lines folder,index,name."
            )

    def names(self, known: ClassList, count: int) -> tuple[str, ...]:
        """Readable names of ``count`` classes: those of the file, else those that are known."""
        named = next((names for names in (known.names, known.ids) if len(names) == count), None)
        names = list(named or map(str, range(count)))
        for row in reversed(self.rows):  # of several folders of a class the first names it
            names[row.index] = row.name or row.key
        return tuple(names)

    def classes(self, known: ClassList, count: int) -> ClassList:
        """The classes by the names that the file gives them."""
        keys = [""] * count
        for row in self.rows:
            keys[row.index] = row.key
        return ClassList(tuple(keys), self.names(known, count))

    def find(self, folder: str, classes: ClassList) -> tuple[int, str] | None:
        """Index of the class of a folder; ``classes`` are those of the file."""
        exact = {row.key: row.index for row in self.rows}
        if folder in exact:
            return exact[folder], "class file"
        if not self.has_folders:
            return classes.find(folder)
        found = ClassList(names=tuple(exact)).find(folder)
        if found is None or found[1] == "number":
            return None
        return list(exact.values())[found[0]], found[1]


def read_class_file(path: Path) -> ClassFile:
    """Read and check a class file; the model need not be known.

    A table (``,``, ``;`` or tab) of folder, index and name with any header or none; names in the
    order of the outputs, one a line; or JSON: ``class_to_idx``, ``id2label``, ``label2id``, timm's
    ``label_names``, ImageNet's class index, or a list.

    Raises
    ------
    ClassError
        If it is no such file, or contradicts itself.
    """
    if not path.is_file():
        raise ClassError(f"{path}: no such class file.")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ClassError(f"{path}: larger than {_MOST_BYTES // 1_000_000} MB, no class file.")
        text = decoded(path.read_bytes())
    except OSError as error:
        raise ClassError(f"{path}: cannot be read ({error.strerror}).") from error
    except TextError as error:
        raise ClassError(f"{path}: {error}.") from error
    is_json = text.lstrip()[:1] in ("{", "[")
    found = (rows_of_json if is_json else rows_of_text)(path, text)
    _demand_consistent(path, found.rows, found.has_folders)
    return ClassFile(path, found.rows, found.has_folders, found.is_order)


def _demand_consistent(path: Path, rows: Iterable[ClassRow], has_folders: bool) -> None:
    index_of: dict[str, ClassRow] = {}
    row_of: dict[int, ClassRow] = {}
    for row in rows:
        if row.index >= _MOST_CLASSES:
            raise ClassError(
                f"{path}, {row.place}: the index {row.index} is not below {_MOST_CLASSES}."
            )
        before = index_of.setdefault(row.key, row)
        if has_folders and before.index != row.index:
            raise ClassError(
                f"{path}, {row.place}: the folder {row.key!r} has the index {row.index}, and "
                f"{before.index} in {before.place}."
            )
        other = row_of.setdefault(row.index, row)
        if other.name and row.name and other.name != row.name:
            raise ClassError(
                f"{path}, {row.place}: the index {row.index} is called {row.name!r}, and "
                f"{other.name!r} in {other.place}."
            )
