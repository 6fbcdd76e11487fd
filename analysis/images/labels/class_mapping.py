"""What was decided: which folder is which class, and in words."""

from collections.abc import Sequence
from dataclasses import dataclass

_MOST_SAID = 20


@dataclass(frozen=True)
class ClassMapping:
    """One class folder, and the class that it was taken for.

    Attributes
    ----------
    folder
        Its name.
    index
        The model output; in a headless model the place among the classes.
    class_name
        Readable name of that class.
    images
        Number of images in the folder, before any choice among them.
    how
        What decided: ``id``, ``name``, ``other name``, ``similar name``, ``number``, ``number from
        1``, ``place in text order``, ``class file``, or ``folder`` where the folders are the
        classes.
    """

    folder: str
    index: int
    class_name: str
    images: int
    how: str


def said(mapping: Sequence[ClassMapping]) -> str:
    """The mapping as one line; of many folders the first ones, and those that moved."""
    parts = []
    for how in dict.fromkeys(one.how for one in mapping):
        of_kind = [one for one in mapping if one.how == how]
        shown = [f"{one.folder} → {one.index} {one.class_name}" for one in of_kind[:_MOST_SAID]]
        more = [f"… {len(of_kind) - _MOST_SAID} more"] if len(of_kind) > _MOST_SAID else []
        parts.append(f"by {how}: {', '.join(shown + more)}")
    return _one_line("; ".join(parts))


def notes_of(mapping: Sequence[ClassMapping]) -> tuple[str, ...]:
    """Sentences on what a reader may not expect."""
    notes = []
    numbered = [one for one in mapping if one.how in ("number", "number from 1")]
    order = [one for one in mapping if one.how == "place in text order"]
    if any(one.how == "number" for one in numbered):
        notes.append(
            "Folders called by numbers are the model outputs of these numbers. If the model was "
            "trained on such folders by torchvision's ImageFolder, whose outputs are in text order "
            "(0, 1, 10, 11, 2), give --class-order text."
            if any(int(one.folder) > 9 for one in numbered)
            else "Folders called by numbers are the model outputs of these numbers, from 0."
        )
    if numbered and numbered[0].how == "number from 1":
        notes.append("Folders called by numbers are counted from 1: folder 1 is output 0.")
    if order:
        some = [f"{one.folder} is {one.index}" for one in order[:4]]
        notes.append(
            "Folders in text order are the model outputs 0, 1, 2, … as in torchvision's "
            f"ImageFolder: {', '.join([*some, *['…'] * (len(order) > 4)])}"
        )
    alike = [f"{one.folder} → {one.class_name}" for one in mapping if one.how == "similar name"]
    if alike:
        notes.append(f"{len(alike)} folders were matched by similar names: {', '.join(alike[:5])}.")
    return tuple(_one_line(note) for note in (*notes, *_shared(mapping)))


def _one_line(text: str) -> str:
    """Text that can be printed and stored, whatever bytes a folder is called by."""
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())


def _shared(mapping: Sequence[ClassMapping]) -> list[str]:
    folders: dict[int, list[ClassMapping]] = {}
    for one in mapping:
        folders.setdefault(one.index, []).append(one)
    return [
        f"The folders {', '.join(one.folder for one in group)} are one class, "
        f"{index} {group[0].class_name}."
        for index, group in folders.items()
        if len(group) > 1
    ]
