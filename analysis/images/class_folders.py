"""Which class of the model every class folder stands for: the one place that decides it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headbrush.analysis.images.labels.class_file import ClassFile, read_class_file
from headbrush.analysis.images.labels.class_list import (
    ClassError,
    ClassList,
    is_number,
    natural,
)
from headbrush.analysis.images.labels.class_mapping import ClassMapping

CLASS_ORDERS = ("number", "text", "from-1")


@dataclass(frozen=True)
class FolderClasses:
    """The class of every folder.

    Attributes
    ----------
    mapping
        One entry a folder.
    names
        Readable names of all classes: of a model whose classes have none, those of the folders.
    notes
        What the user should know, one sentence each.
    """

    mapping: tuple[ClassMapping, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def classes_of_folders(
    folder: Path,
    counts: Mapping[str, int],
    classes: ClassList,
    class_file: Path | None = None,
    order: str = "number",
) -> FolderClasses:
    """Decide which class every class folder is.

    Parameters
    ----------
    counts
        Number of images in each class folder.
    classes
        The model's classes. Where it has none (a headless backbone), the folders themselves are
        the classes.
    class_file
        See ``read_class_file``; it overrides ``classes``.
    order
        Which output a folder called by a number is: ``number``, the output of that number;
        ``from-1``, one below. ``text``: the folders, sorted as text, are outputs 0, 1, 2, …, as in
        torchvision's ``ImageFolder``.

    Raises
    ------
    ClassError
        If a folder is no class or may be several, or the class file or the order cannot be used.
    """
    if order not in CLASS_ORDERS:
        raise ClassError(f"--class-order {order}: expected {', '.join(CLASS_ORDERS)}.")
    if class_file is not None:
        if order != "number":
            raise ClassError("--class-order and --classes both say which class a folder is.")
        return _by_file(folder, counts, classes, read_class_file(class_file))
    names = classes.names or classes.ids
    if not names:
        names = tuple(sorted(counts) if order == "text" else sorted(counts, key=natural))
        found = {name: (index, "folder") for index, name in enumerate(names)}
    elif order == "text":
        sorted_names = _in_text_order(folder, counts, len(classes))
        place = {name: index for index, name in enumerate(sorted_names)}
        found = {name: (place[name], "place in text order") for name in counts}
        names = sorted_names if classes.is_numbers else names
    else:
        found = {name: _numbered(name, order, len(classes)) or classes.find(name)
                 for name in counts}  # fmt: skip
        _demand_all(folder, found, classes)
        if classes.is_numbers and order == "from-1":
            names = tuple(str(number + 1) for number in range(len(classes)))
    return FolderClasses(_mapping(counts, found, names), names)


def _by_file(
    folder: Path, counts: Mapping[str, int], known: ClassList, file: ClassFile
) -> FolderClasses:
    count = len(known) or file.size
    file.demand_outputs(count)
    classes = file.classes(known, count)
    found = {name: file.find(name, classes) for name in counts}
    unknown = [name for name, fit in found.items() if fit is None]
    if unknown:
        raise ClassError(
            f"{folder}: the class folder {unknown[0]!r} ({len(unknown)} such) is not in "
            f"{file.path}, which has {', '.join(repr(row.key) for row in file.rows[:3])}, …; add a "
            "line folder,index,name."
        )
    notes = _without_folder(file, counts)
    return FolderClasses(_mapping(counts, found, classes.names), classes.names, notes)


def _without_folder(file: ClassFile, counts: Mapping[str, int]) -> tuple[str, ...]:
    absent = [row.key for row in file.rows if row.key not in counts]
    if not file.has_folders or not absent or not counts:
        return ()
    return (
        f"{file.path} names {len(absent)} folders that hold no images or are spelt otherwise: "
        f"{', '.join(absent[:5])}{', …' if len(absent) > 5 else ''}.",
    )


def _numbered(name: str, order: str, count: int) -> tuple[int, str] | None:
    if order != "from-1" or not is_number(name):
        return None
    if not 1 <= int(name) <= count:
        raise ClassError(
            f"--class-order from-1: the class folder {name!r} is none of 1 to {count}, the numbers "
            f"of the model's {count} outputs."
        )
    return int(name) - 1, "number from 1"


def _in_text_order(folder: Path, counts: Mapping[str, int], outputs: int) -> tuple[str, ...]:
    """The folder of every output in text order; of all numbers, where some folders are absent."""
    everything = sorted(counts)
    numbers = sorted(str(number) for number in range(outputs)) if outputs <= 10**6 else []
    if len(everything) != outputs:
        if "0" not in counts or not set(everything) <= set(numbers):
            raise ClassError(
                f"--class-order text: {folder} has {len(everything)} class folders and the model "
                f"has {outputs} outputs; the place in text order is known only where every class "
                "has a folder, or folders are called 0, 1, 2, …; give --classes FILE instead."
            )
        everything = numbers
    return tuple(everything)


def _demand_all(
    folder: Path, found: Mapping[str, tuple[int, str] | None], classes: ClassList
) -> None:
    unknown = [name for name, fit in found.items() if fit is None]
    if not unknown:
        return
    outputs, ways = len(classes), "rename the folder, or give --classes FILE (folder,index,name)"
    if len(found) == outputs:
        ways += (
            f", or --class-order text if the model's {outputs} outputs are these folders in text "
            "order, as torchvision's ImageFolder makes them"
        )
    if unknown == [str(outputs)] and "0" not in found:
        ways += ", or --class-order from-1 if folder 1 is output 0"
    raise ClassError(
        f"{folder}: the class folder {unknown[0]!r} ({len(unknown)} such) matches no class "
        f"name, id or output index of the model (0 to {outputs - 1}); {ways}."
    )


def _mapping(
    counts: Mapping[str, int],
    found: Mapping[str, tuple[int, str] | None],
    names: tuple[str, ...],
) -> tuple[ClassMapping, ...]:
    return tuple(
        ClassMapping(name, fit[0], names[fit[0]], counts[name], fit[1])
        for name, fit in found.items()
        if fit is not None
    )
