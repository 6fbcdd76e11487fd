"""The classes of a model, and which of them a name means."""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass

from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.tools.lazy_property import lazy_property


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

    def __len__(self) -> int:
        return max(len(self.ids), len(self.names))

    @property
    def is_numbers(self) -> bool:
        """Whether the classes have no names, only numbers."""
        return not self.ids and self.names == tuple(map(str, range(len(self.names))))

    def find(self, folder: str) -> tuple[int, str] | None:
        """Index of the class that ``folder`` means, and how that was found; None if none.

        The first of these that fits any class decides: its id; its whole name or the first of its
        names; another of its names; its number; an id or name that differs only in case, accents'
        encoding and punctuation.

        Raises
        ------
        ClassError
            If it fits several classes equally well.
        """
        for how, known in self._levels.items():
            wanted = _plain(folder) if how == _ALIKE else _composed(folder)
            fits = known.get(wanted, ())
            if len(fits) > 1:
                raise ClassError(self._ambiguous(folder, fits))
            if fits:
                is_own = is_number(folder) and fits[0] == int(folder)  # of a model without names
                return fits[0], "number" if is_own else how
            if how == _OTHER and is_number(folder) and int(folder) < len(self):
                return int(folder), "number"
        return None

    def label(self, index: int) -> str:
        """Index, id and name of a class, for a sentence."""
        known = (self.ids[index : index + 1], self.names[index : index + 1])
        words = dict.fromkeys(word for words in known for word in words)
        return " ".join([str(index), *words])

    def _ambiguous(self, folder: str, fits: tuple[int, ...]) -> str:
        listed = "; ".join(self.label(index) for index in fits[:5])
        return (
            f"the class folder {folder!r} may be any of {len(fits)} classes ({listed}): rename it "
            f"to an id or a whole name, or give --classes FILE (folder,index,name)."
        )

    @lazy_property
    def _levels(self) -> dict[str, dict[str, tuple[int, ...]]]:
        """For every way to fit, in order: from a name to the classes that it fits."""
        found: dict[str, dict[str, list[int]]] = {
            how: defaultdict(list) for how in ("id", "name", _OTHER, _ALIKE)
        }
        for index, identifier in enumerate(self.ids):
            found["id"][_composed(identifier)].append(index)
            found[_ALIKE][_plain(identifier)].append(index)
        for index, name in enumerate(self.names):
            synonyms = [name, *(part.strip() for part in name.split(","))]
            for place, synonym in enumerate(synonyms):
                found["name" if place < 2 else _OTHER][_composed(synonym)].append(index)
                found[_ALIKE][_plain(synonym)].append(index)
        return {
            how: {word: tuple(dict.fromkeys(fits)) for word, fits in known.items() if word}
            for how, known in found.items()
        }


_OTHER, _ALIKE = "other name", "similar name"


def is_number(text: str) -> bool:
    """Whether a folder is called by a whole number of usual length."""
    return text.isascii() and text.isdecimal() and len(text) < 10


def natural(text: str) -> tuple[tuple[bool, int, str], ...]:
    """Key that sorts as people do: ``2`` before ``10``, ``class2`` before ``class10``."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple(
        (not part[0].isdecimal(), int(part[:4000]) if part[0].isdecimal() else 0, part)
        for part in parts
    )


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", name).casefold()).strip()
