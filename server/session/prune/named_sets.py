"""Named prune sets: the reader's own list, kept by the browser and carried by links. Pure.

Every change returns a new list. What a browser or a link says is not trusted.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.store.errors import InputError
from headbrush.server.session.brush.clause_text import LinkError
from headbrush.server.session.brush.named_brushes import NamedError, clean_name
from headbrush.server.stores.store_data import StoreData

KEY = "set_of"
MOST_SETS = 8
LONGEST = 12_000
"""Characters of one set."""
_MARK = "*"


@dataclass(frozen=True)
class NamedSet:
    """A prune set with a name."""

    name: str
    pruned: PruneSet


NamedSets = tuple[NamedSet, ...]


def read_set(text: str, data: StoreData) -> PruneSet:
    """The prune set of a text, of this store's heads.

    Raises
    ------
    LinkError
        If it cannot be used.
    """
    try:
        pruned = PruneSet.parse(text[: LONGEST + 1])
        pruned.demand_within(data.num_layers, data.heads_per_layer)
    except InputError as error:
        raise LinkError from error
    if len(text) > LONGEST:
        raise LinkError
    return pruned


def compared_sets(sets: NamedSets, pruned: PruneSet) -> NamedSets:
    """The named sets, behind the shown one if that has no name."""
    if not pruned or any(one.pruned == pruned for one in sets):
        return sets
    return NamedSet("this set", pruned), *sets


def with_set(sets: NamedSets, name: str, pruned: PruneSet) -> NamedSets:
    """The list with one more set; an existing one of that name keeps its place.

    Raises
    ------
    NamedError
        Saying what is wrong.
    """
    clean = clean_name(name)
    if not pruned:
        raise NamedError("No head is pruned, so there is no set to name.")
    made = NamedSet(clean, pruned)
    if any(one.name == clean for one in sets):
        return tuple(made if one.name == clean else one for one in sets)
    if len(sets) >= MOST_SETS:
        raise NamedError(f"At most {MOST_SETS} prune sets are kept; delete one first.")
    return (*sets, made)


def to_json(sets: NamedSets) -> str:
    """The list as text for the browser's storage."""
    return json.dumps([{"name": one.name, "prune": str(one.pruned)} for one in sets])


def from_json(text: str, data: StoreData) -> tuple[NamedSets, str]:
    """Parse a kept list: its usable sets, and a note, empty if all are usable."""
    unreadable = "The kept prune sets could not be read."
    if len(text) > 2 * MOST_SETS * LONGEST:
        return (), unreadable
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        rows = None
    if not isinstance(rows, list):
        return (), unreadable
    sets: NamedSets = ()
    for row in rows[:MOST_SETS]:
        try:
            sets = with_set(sets, row["name"], read_set(row["prune"], data))
        except (LinkError, NamedError, KeyError, TypeError, AttributeError):
            continue
    lost = len(rows) - len(sets)
    return sets, f"{lost} of {len(rows)} kept prune sets could not be used." if lost else ""


def set_pairs(sets: NamedSets, room: int) -> tuple[list[tuple[str, str]], str]:
    """Pairs of a query of at most ``room`` characters, and a note on what is left out."""
    pairs, left_out = [], []
    for one in sets:
        text = f"{one.pruned}{_MARK}{one.name}"
        room -= len(quote_plus(text, safe=":,*")) + len(KEY) + 2
        if room < 0:
            left_out.append(one.name)
        else:
            pairs.append((KEY, text))
    note = f"prune sets too large for a link: {', '.join(left_out)}" if left_out else ""
    return pairs, note


def sets_of_link(
    arguments: Mapping[str, Sequence[bytes]], data: StoreData
) -> tuple[NamedSets, str]:
    """The named sets of a link, and a note on unusable ones."""
    texts = [value.decode("utf-8", "replace") for value in arguments.get(KEY, ())]
    sets: NamedSets = ()
    for text in texts[:MOST_SETS]:
        heads, _, name = text.partition(_MARK)
        try:
            sets = with_set(sets, name, read_set(heads, data))
        except (LinkError, NamedError):
            continue
    lost = len(texts) - len(sets)
    return sets, f"{lost} of the link's prune sets could not be used." if lost else ""


def joined_sets(own: NamedSets, linked: NamedSets) -> NamedSets:
    """The reader's own sets and those of a link; a name that means another set gets a mark."""
    kept = own
    for one in linked:
        meant = {old.name: old.pruned for old in kept}
        name = one.name
        if meant.get(name, one.pruned) != one.pruned:
            name = clean_name(f"{name[:30]} (link)")
        if len(kept) < MOST_SETS or name in meant:
            kept = with_set(kept, name, one.pruned)
    return kept
