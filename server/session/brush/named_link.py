"""Named brushes in a link, untrusted, and beside the reader's own ones. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote_plus

from headbrush.server.session.brush.clause_text import LinkError, clauses_text, read_clauses
from headbrush.server.session.brush.layout_marks import layout_marks, other_layouts
from headbrush.server.session.brush.named_brushes import (
    MOST_COMPARED,
    MOST_NAMED,
    Named,
    NamedError,
    free_name,
    recoloured,
    saved,
    toggled,
)
from headbrush.server.stores.store_data import StoreData

KEY = "named"
SAFE = ":,~*"
"""Characters that such a link leaves as they are."""
_PARTS = 4
_MARK = " (link)"


def named_pairs(named: Named, data: StoreData, room: int) -> tuple[list[tuple[str, str]], str]:
    """Pairs of a query of at most ``room`` characters, and a note on what is left out.

    Compared brushes come first.
    """
    pairs, left_out = [], []
    for one in sorted(named, key=lambda brush: not brush.compared):
        flag = "c" if one.compared else "n"
        marks = layout_marks(one.clauses, data)
        text = "*".join((one.colour[1:] + flag, clauses_text(one.clauses), marks, one.name))
        room -= len(quote_plus(text, safe=SAFE)) + len(KEY) + 2
        if room < 0:
            left_out.append(one.name)
        else:
            pairs.append((KEY, text))
    note = f"too large for a link: {', '.join(left_out)}" if left_out else ""
    return pairs, note


def read_named(
    arguments: Mapping[str, Sequence[bytes]], data: StoreData, longest: int
) -> tuple[Named, str]:
    """The named brushes of a link to this store's images, and a note on unusable ones."""
    texts = [value.decode("utf-8", "replace") for value in arguments.get(KEY, ())]
    images = (arguments.get("set") or [data.fingerprint.encode()])[0]
    if not texts or images != data.fingerprint.encode():
        return (), ""
    named: Named = ()
    for text in texts[:MOST_NAMED]:
        try:
            named = _with(named, text, data, longest)
        except (LinkError, NamedError):
            continue
    lost = len(texts) - len(named)
    return named, f"{lost} of the link's named brushes could not be used." if lost else ""


def _with(named: Named, text: str, data: StoreData, longest: int) -> Named:
    words = text.split("*", _PARTS - 1)
    if len(words) < _PARTS:
        raise LinkError
    look, brush, marks, name = words
    clauses = read_clauses(brush, data, longest)
    other = other_layouts(marks, data)
    if any(clause.layout in other for clause in clauses) or look[6:] not in ("c", "n"):
        raise LinkError
    place, extended = len(named), saved(named, name, clauses)
    if len(extended) == place:
        raise NamedError("twice")
    extended = recoloured(extended, place, f"#{look[:6]}")
    wanted = look[6:] == "c"
    return extended if extended[place].compared == wanted else toggled(extended, place)


def joined_named(own: Named, linked: Named) -> tuple[Named, str]:
    """The reader's own brushes and those of a link, which decide what is compared; and a note.

    A brush of the link whose name means another brush here gets a name of its own; none of the
    reader's is changed. What exceeds the number of brushes that are kept is left out.
    """
    if not any(one.compared for one in linked):
        kept = own
    else:
        kept = tuple(replace(one, compared=False) for one in own)
    renamed, left_out = [], []
    for one in linked:
        name = free_name(kept, one.name, one.clauses, _MARK)
        place = next((at for at, old in enumerate(kept) if old.name == name), len(kept))
        if place == len(kept) >= MOST_NAMED:
            left_out.append(one.name)
            continue
        if name != one.name:
            renamed.append(f"{one.name} is here {name}")
        is_free = sum(old.compared for old in kept) < MOST_COMPARED
        entry = replace(one, name=name, compared=one.compared and is_free)
        if place < len(kept):
            entry = replace(kept[place], compared=kept[place].compared or entry.compared)
        kept = (*kept[:place], entry, *kept[place + 1 :])
    notes = [f"The link's {words}, as another brush has that name." for words in renamed]
    if left_out:
        names = ", ".join(left_out)
        notes.append(f"At most {MOST_NAMED} brushes are kept; left out of the link: {names}.")
    return kept, " ".join(notes)
