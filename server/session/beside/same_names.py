"""What two stores have in common: images by their names, heads as they are matched. Pure."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.state import Changes, ViewState
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.matching import by_place

LINKED = (
    "image", "layer", "head", "metric", "clauses", "overview", "image_colour", "workspace", "match",
    "partners", "beside_order",
)  # fmt: skip
"""Parts of a state that two stores side by side share."""


class SameNames:
    """Images of two stores that are called the same, and heads that are matched.

    At first these are the heads of the same layer and place.

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
        self.common = len(ids[0].keys() & ids[1].keys())
        self.match(by_place(*stores))

    def match(self, pairs: np.ndarray) -> None:
        """Take other pairs of heads: for each head of the first store its number, or −1."""
        back = np.full(self.stores[1].num_heads, -1)
        matched = np.flatnonzero(pairs >= 0)
        back[pairs[matched]] = matched
        self.heads = [pairs.tolist(), back.tolist()]

    def translated(self, side: int, state: ViewState) -> Changes:
        """Translate a state of store ``side`` to the other; what that does not have is left out."""
        parts = linked_parts(state)
        there = -1 if state.image is None else self.images[side][state.image]
        parts["image"] = None if there < 0 else there
        head = self.heads[side][self.stores[side].head_at(state.layer, state.head).number]
        if head < 0:
            del parts["layer"], parts["head"]
        else:
            chosen = self.stores[1 - side].head(head)
            parts["layer"], parts["head"] = chosen.layer, chosen.head
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
    """The parts of a state that a step of two stores is about."""
    parts: Changes = {"compared": state.compared}
    for name in LINKED:
        parts[name] = getattr(state, name)
    return parts


def _same_patterns(ids: Sequence[int], here: StoreData, there: StoreData) -> list[int]:
    """Numbers that names of patterns of one store have in the other, or -1."""
    if here.families is None or there.families is None:
        return []
    places = {name: place for place, name in enumerate(there.families.names)}
    return [places.get(here.families.names[one], -1) for one in ids]
