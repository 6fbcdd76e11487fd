"""The pairs of heads that a reader has changed: as a part of the state, and in a link. Pure."""

from collections.abc import Sequence

import numpy as np

from headbrush.server.session.brush.clause_text import LinkError, index_below
from headbrush.server.stores.store_data import StoreData

Partners = tuple[tuple[int, int], ...]
"""Numbers of a head of the first store and of its partner in the second, −1 for none."""
_BETWEEN, _OF, _NONE = "~", "-", "none"
MOST_TEXT = 6000
"""Characters of the longest list that a link carries."""


def with_partners(pairs: np.ndarray, partners: Partners) -> np.ndarray:
    """Pairs ``(L·H,)`` with those that a reader has changed; no head has two partners."""
    result = pairs.copy()
    for head, other in partners:
        result[head] = other
    own = [head for head, _ in partners]
    taken = [other for _, other in partners if other >= 0]
    twice = np.isin(result, taken)
    twice[own] = False
    result[twice] = -1
    return result


def given_partner(pairs: np.ndarray, partners: Partners, head: int, other: int) -> Partners:
    """Give a head another partner, −1 for none.

    A head that had this partner gets the other's former one: the two swap.

    Parameters
    ----------
    pairs
        ``(L·H,)`` as matched without the reader's changes.
    """
    now = with_partners(pairs, partners)
    if other >= 0:
        now[now == other] = now[head]
    now[head] = other
    changed = np.flatnonzero(now != pairs)
    return tuple(zip(changed.tolist(), now[changed].tolist(), strict=True))


def partners_text(partners: Partners, stores: Sequence[StoreData]) -> str:
    """The changed pairs in a link: ``2.0-3.1~4.2-none``."""
    first, second = stores
    return _BETWEEN.join(
        f"{_address(first, head)}{_OF}{_address(second, other) if other >= 0 else _NONE}"
        for head, other in partners
    )


def read_partners(text: str, stores: Sequence[StoreData]) -> Partners:
    """The changed pairs in a link.

    Raises
    ------
    LinkError
        If a head is in no store, or is there twice.
    """
    if not text:
        return ()
    if len(text) > MOST_TEXT:
        raise LinkError
    found: dict[int, int] = {}
    for pair in text.split(_BETWEEN):
        head, _, other = pair.partition(_OF)
        number = _number(stores[0], head)
        if number in found:
            raise LinkError
        found[number] = -1 if other == _NONE else _number(stores[1], other)
    taken = [other for other in found.values() if other >= 0]
    if len(set(taken)) < len(taken):
        raise LinkError
    return tuple(sorted(found.items()))


def _address(data: StoreData, number: int) -> str:
    head = data.head(number)
    return f"{head.layer}.{head.head}"


def _number(data: StoreData, text: str) -> int:
    layer, _, head = text.partition(".")
    return data.head_at(
        index_below(layer, data.num_layers), index_below(head, data.heads_per_layer)
    ).number
