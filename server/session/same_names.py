"""What two stores have in common: images by their names, heads by layer and place. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.state import Changes, ViewState
from headbrush.server.stores.store_data import StoreData

LINKED = ("image", "layer", "head", "metric", "clauses", "overview", "image_colour")
"""Parts of a state that two stores side by side share."""


class SameNames:
    """Images and heads of two stores that are called the same.

    Attributes
    ----------
    images, heads
        For each store, and each of its images or heads, its number in the other store, or -1.
    common
        Number of images with the same name.
    """

    def __init__(self, stores: Sequence[StoreData]) -> None:
        self.stores = stores
        ids = [{name: i for i, name in enumerate(data.names)} for data in stores]
        pairs = [(0, 1), (1, 0)]
        self.images = [[ids[there].get(n, -1) for n in stores[here].names] for here, there in pairs]
        self.heads = [_heads_there(stores[here], stores[there]) for here, there in pairs]
        self.common = len(ids[0].keys() & ids[1].keys())

    def translated(self, side: int, state: ViewState) -> Changes:
        """Translate a state of store ``side`` to the other; what that does not have is left out."""
        parts = linked_parts(state)
        there = -1 if state.image is None else self.images[side][state.image]
        parts["image"] = None if there < 0 else there
        if self.heads[side][self.stores[side].head_at(state.layer, state.head).number] < 0:
            del parts["layer"], parts["head"]
        clauses = (self._clause(clause, side) for clause in state.clauses)
        parts["clauses"] = tuple(clause for clause in clauses if clause is not None)
        return parts

    def _clause(self, clause: Clause, side: int) -> Clause | None:
        if not isinstance(clause.shape, Ids):
            return None  # patterns of one store are not those of the other
        same = {"images": self.images[side], "heads": self.heads[side]}
        if clause.view in same:
            found = [same[clause.view][number] for number in clause.shape.ids]
        else:
            found = _same_patterns(clause.shape.ids, self.stores[side], self.stores[1 - side])
        ids = tuple(sorted(number for number in found if number >= 0))
        is_whole = bool(ids) or not clause.shape.ids
        return replace(clause, shape=Ids(ids)) if is_whole else None


def linked_parts(state: ViewState) -> Changes:
    """The parts of a state that both stores share."""
    parts: Changes = {}
    for name in LINKED:
        parts[name] = getattr(state, name)
    return parts


def _heads_there(here: StoreData, there: StoreData) -> list[int]:
    heads = [here.head(number) for number in range(here.num_heads)]
    return [
        there.head_at(head.layer, head.head).number
        if head.layer < there.num_layers and head.head < there.heads_per_layer
        else -1
        for head in heads
    ]


def _same_patterns(ids: Sequence[int], here: StoreData, there: StoreData) -> list[int]:
    """Numbers that names of patterns of one store have in the other, or -1."""
    if here.families is None or there.families is None:
        return []
    places = {name: place for place, name in enumerate(there.families.names)}
    return [places.get(here.families.names[one], -1) for one in ids]
