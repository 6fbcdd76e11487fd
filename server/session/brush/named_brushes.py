"""Named brushes: the reader's own list, stored in the browser, never in the store. Pure.

Every change returns a new list. What the browser kept is read back like a link: nothing of it is
trusted.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from headbrush.server.session.brush.clause_text import LinkError, clauses_text, read_clauses
from headbrush.server.session.brush.clauses import Brush, Clause
from headbrush.server.session.brush.layout_marks import layout_marks, other_layouts
from headbrush.server.stores.store_data import StoreData

MOST_NAMED = 12
MOST_COMPARED = 2
LONGEST_NAME = 40
LONGEST_BRUSH = 60_000
"""Characters of one named brush; more than a link can carry."""
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#7a4fbf", "#b8a800", "#56b4e9")
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII)


@dataclass(frozen=True)
class NamedBrush:
    """A brush with a name; if ``compared``, the views draw it in its colour."""

    name: str
    colour: str
    clauses: tuple[Clause, ...]
    compared: bool = False


@dataclass(frozen=True, eq=False)
class Compared:
    """A compared brush, resolved for the views.

    Attributes
    ----------
    brush
        All of its masks.
    images
        ``(m,)`` bool, its images whatever heads it names, for plots of heads.
    """

    name: str
    colour: str
    brush: Brush
    images: np.ndarray


Named = tuple[NamedBrush, ...]


class NamedError(ValueError):
    """A change of the list that is not allowed; the message is one sentence."""


def saved(named: Named, name: str, clauses: tuple[Clause, ...]) -> Named:
    """Save ``clauses`` under a name; an existing brush of that name keeps its place and colour.

    A new one is compared where fewer than two are.
    """
    if not clauses:
        raise NamedError("Nothing is brushed, so there is no brush to name.")
    if len(clauses_text(clauses)) > LONGEST_BRUSH:
        raise NamedError("This brush is too large to be kept.")
    clean = clean_name(name)
    for index, old in enumerate(named):
        if old.name == clean:
            return _changed(named, index, clauses=clauses)
    if len(named) >= MOST_NAMED:
        raise NamedError(f"At most {MOST_NAMED} brushes are kept; delete one first.")
    used = {old.colour for old in named}
    colour = next((c for c in COLOURS if c not in used), COLOURS[len(named) % len(COLOURS)])
    few = sum(old.compared for old in named) < MOST_COMPARED
    return (*named, NamedBrush(clean, colour, clauses, compared=few))


def compared_names(named: Named) -> tuple[str, ...]:
    """Names of those that are compared."""
    return tuple(one.name for one in named if one.compared)


def compared_pair(named: Named, pair: Sequence[tuple[str, tuple[Clause, ...]]]) -> Named:
    """Save two brushes and compare only these; a name that means another brush gets a number."""
    kept = tuple(replace(one, compared=False) for one in named)
    for name, clauses in pair:
        free = free_name(kept, name, clauses)
        kept = saved(kept, free, clauses)
        place = next(at for at, one in enumerate(kept) if one.name == free)
        kept = _changed(kept, place, compared=True)
    return kept


def free_name(named: Named, name: str, clauses: tuple[Clause, ...], mark: str = "") -> str:
    """``name``, or where it means another brush, the name with ``mark`` and a number."""
    meant = {one.name: one.clauses for one in named}
    clean, number = clean_name(name), 1
    wanted = clean
    while meant.get(wanted, clauses) != clauses:
        number += 1
        ending = mark if mark and number == 2 else f"{mark} {number}"
        wanted = clean[: LONGEST_NAME - len(ending)] + ending
    return wanted


def renamed(named: Named, index: int, name: str) -> Named:
    """Rename a brush; the new name must be free."""
    clean = clean_name(name)
    if any(old.name == clean for old in named[:index] + named[index + 1 :]):
        raise NamedError("Another brush already has this name.")
    return _changed(named, index, name=clean)


def recoloured(named: Named, index: int, colour: str) -> Named:
    """Change the colour of a brush, ``#rrggbb``."""
    if not _COLOUR.fullmatch(colour.lower()):
        raise NamedError("A colour must be #rrggbb.")
    return _changed(named, index, colour=colour.lower())


def deleted(named: Named, index: int) -> Named:
    """Without one."""
    return named[:index] + named[index + 1 :]


def toggled(named: Named, index: int) -> Named:
    """Toggle the comparison of a brush; the third one replaces the first."""
    if named[index].compared:
        return _changed(named, index, compared=False)
    others = [index for index, old in enumerate(named) if old.compared]
    if len(others) >= MOST_COMPARED:
        named = _changed(named, others[0], compared=False)
    return _changed(named, index, compared=True)


class _OtherLayoutError(ValueError):
    """Shapes of a brush lie on a layout that this store does not hold."""


def to_json(named: Named, data: StoreData) -> str:
    """The list as text for the browser's storage."""
    return json.dumps([
        {"name": one.name, "colour": one.colour, "brush": clauses_text(one.clauses),
         "compared": one.compared, "on": layout_marks(one.clauses, data)}
        for one in named
    ])  # fmt: skip


def from_json(text: str, data: StoreData) -> tuple[Named, str]:
    """Parse a saved list: its usable brushes, and a note, empty if all are usable."""
    if len(text) > 2 * MOST_NAMED * LONGEST_BRUSH:
        return (), "The saved brushes are too many to read."
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        rows = None
    if not isinstance(rows, list):
        return (), "The saved brushes could not be read."
    named: Named = ()
    elsewhere = 0
    for row in rows[:MOST_NAMED]:
        try:
            named = _with_row(named, row, data)
        except _OtherLayoutError:
            elsewhere += 1
        except (LinkError, NamedError, KeyError, TypeError, AttributeError):
            continue
    return named, _lost(len(rows), len(rows) - len(named) - elsewhere, elsewhere)


def _lost(count: int, unusable: int, elsewhere: int) -> str:
    notes = []
    if unusable:
        notes.append(f"{unusable} of {count} saved brushes could not be used.")
    if elsewhere:
        notes.append(
            f"Left out {elsewhere} of {count} saved brushes: drawn on another layout of the "
            "patterns than this store holds."
        )
    return " ".join(notes)


def _with_row(named: Named, row: dict, data: StoreData) -> Named:
    name, colour, compared = row["name"], row["colour"], row.get("compared") is True
    clauses = read_clauses(row["brush"], data, LONGEST_BRUSH)
    other = other_layouts(row.get("on") or "", data)
    if any(clause.layout in other for clause in clauses):
        raise _OtherLayoutError
    if any(old.name == clean_name(name) for old in named):
        raise NamedError("twice")
    extended = saved(named, name, clauses)
    index = len(named)
    extended = recoloured(extended, index, colour)
    return extended if extended[index].compared == compared else toggled(extended, index)


def _changed(named: Named, index: int, **values: object) -> Named:
    return (*named[:index], replace(named[index], **values), *named[index + 1 :])


def clean_name(name: str) -> str:
    """The name without what cannot be seen, and not too long.

    Raises
    ------
    NamedError
        If nothing is left.
    """
    kept = "".join(letter for letter in " ".join(name.split()) if letter.isprintable())
    if not kept:
        raise NamedError("A name is needed.")
    return kept[:LONGEST_NAME]
