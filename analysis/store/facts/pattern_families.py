"""The names of all patterns as numbers, without the width of a band: rows above, own column …"""

from dataclasses import dataclass

import numpy as np

from headbrush.analysis.store.facts.head_names import names_stored
from headbrush.analysis.store.store import Store

NO_NAME = "no name"
_MOST = 128
"""Of more names none has a pattern: their numbers are int8."""


@dataclass(frozen=True)
class PatternFamilies:
    """Names of patterns.

    Attributes
    ----------
    names
        All that the store tells apart, in its order, and last :data:`NO_NAME`.
    numbers
        ``(m·L·H,)`` int16: place of each pattern's name in ``names``; read-only.
    counts
        ``(len(names),)``: how many patterns each name has.
    """

    names: tuple[str, ...]
    numbers: np.ndarray
    counts: np.ndarray

    @property
    def occurring(self) -> list[int]:
        """Numbers of the names that some pattern has, the most frequent first, no name last."""
        last = len(self.names) - 1
        order = np.argsort(-self.counts[:last], kind="stable").tolist()
        return [number for number in (*order, last) if self.counts[number]]


def pattern_families(store: Store) -> PatternFamilies | None:
    """The names of all patterns; None where the store has no names."""
    if not names_stored(store):
        return None
    families: list[str] = store.read("pattern_family")[:_MOST].tolist()
    places = {name: place for place, name in enumerate(dict.fromkeys(families))}
    place_of = np.array([*(places[name] for name in families), len(places)], np.int16)
    number = store.read("pattern_name").ravel()
    numbers = place_of[np.where((number >= 0) & (number < len(families)), number, len(families))]
    names = (*places, NO_NAME)
    numbers.setflags(write=False)
    return PatternFamilies(names, numbers, np.bincount(numbers, minlength=len(names)))
