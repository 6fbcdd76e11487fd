"""Sets of pruned heads: as objects, and as text of a link or a command line."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from headbrush.analysis.model.pruning.head_text import HEAD
from headbrush.analysis.model.pruning.modes import PRUNING_MODES, REGIONS
from headbrush.analysis.store.errors import InputError

_PART = re.compile(rf"{HEAD}(?::(\w{{1,8}}))?", re.ASCII)
_WHOLE = "whole"
_MODES = {_WHOLE: 1} | {str(mode): mode for mode in PRUNING_MODES}
_MODE_OF = {frozenset(regions): mode for mode, regions in REGIONS.items() if mode}
_LONGEST = 100_000
"""Characters of a text, more than a model's heads need."""


@dataclass(frozen=True, order=True)
class PrunedPart:
    """What is pruned of one head.

    Attributes
    ----------
    mode
        1 to 7, as in ``MODES``; 1 is the whole head.
    """

    layer: int
    head: int
    mode: int = 1

    @property
    def place(self) -> tuple[int, int]:
        """Layer and head."""
        return self.layer, self.head

    def __str__(self) -> str:
        name = f"{self.layer}.{self.head}"
        return name if self.mode == 1 else f"{name}:{self.mode}"


@dataclass(frozen=True)
class PruneSet:
    """A set of pruned heads, at most one part a head; equal sets are equal objects.

    Attributes
    ----------
    parts
        In order of layer and head. Of several parts of one head, their union.
    """

    parts: tuple[PrunedPart, ...] = ()

    def __post_init__(self) -> None:
        regions: dict[tuple[int, int], set[int]] = defaultdict(set)
        for part in self.parts:
            if part.mode not in PRUNING_MODES:
                raise InputError(f"pruning mode {part.mode}: expected {_expected()}.")
            if min(part.layer, part.head) < 0:
                raise InputError(f"head {part.layer}.{part.head}: layers and heads count from 0.")
            regions[part.layer, part.head] |= set(REGIONS[part.mode])
        merged = (
            PrunedPart(*place, _MODE_OF[frozenset(found)]) for place, found in regions.items()
        )
        object.__setattr__(self, "parts", tuple(sorted(merged)))

    @classmethod
    def of_heads(cls, heads: Iterable[tuple[int, int]]) -> "PruneSet":
        """Whole heads, as pairs of layer and head."""
        return cls(tuple(PrunedPart(int(layer), int(head)) for layer, head in heads))

    @classmethod
    def parse(cls, text: str) -> "PruneSet":
        """The set of a text: ``2.0,3.4,5.1:4``; a mode is ``whole`` or 1 to 7.

        Raises
        ------
        InputError
            Naming the part that is wrong.
        """
        if len(text) > _LONGEST:
            raise InputError(f"prune set: {len(text)} characters; at most {_LONGEST} are read.")
        words = [word.strip() for word in text.split(",")]
        return cls(tuple(_part(word) for word in words if word))

    def __str__(self) -> str:
        """As :meth:`parse` reads it; empty for the empty set."""
        return ",".join(map(str, self.parts))

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[PrunedPart]:
        return iter(self.parts)

    def __or__(self, other: "PruneSet") -> "PruneSet":
        return PruneSet(self.parts + other.parts)

    def without(self, heads: Iterable[tuple[int, int]]) -> "PruneSet":
        """The set without any part of these heads, as pairs of layer and head."""
        gone = {(int(layer), int(head)) for layer, head in heads}
        return PruneSet(tuple(part for part in self if part.place not in gone))

    def toggled(self, part: PrunedPart) -> "PruneSet":
        """The set without the head of ``part`` if it is in it, else with it."""
        if part.place in self.places:
            return self.without([part.place])
        return PruneSet((*self.parts, part))

    @property
    def places(self) -> frozenset[tuple[int, int]]:
        """Layer and head of each part."""
        return frozenset(part.place for part in self)

    @property
    def layers(self) -> tuple[int, ...]:
        """Layers with a pruned head, in order."""
        return tuple(sorted({part.layer for part in self.parts}))

    @property
    def is_whole(self) -> bool:
        """Whether every head in it is pruned as a whole."""
        return all(part.mode == 1 for part in self.parts)

    def of_layer(self, layer: int) -> dict[int, int]:
        """Mode by pruned head of one layer."""
        return {part.head: part.mode for part in self.parts if part.layer == layer}

    def demand_within(self, layers: int, heads: int) -> None:
        """Refuse heads that a model of so many layers and heads does not have.

        Raises
        ------
        InputError
            Naming the first of them.
        """
        for part in self.parts:
            if part.layer >= layers or part.head >= heads:
                raise InputError(
                    f"head {part.layer}.{part.head} is not in this model: layers are 0 to "
                    f"{layers - 1}, heads 0 to {heads - 1}."
                )


NOTHING = PruneSet()
"""The empty set."""


def _part(word: str) -> PrunedPart:
    match = _PART.fullmatch(word)
    if match is None:
        raise InputError(
            f"{word[:40]!r} is not a head; expected LAYER.HEAD or LAYER.HEAD:MODE, such as 2.0 or "
            "2.0:4."
        )
    layer, head, mode = match.groups()
    if mode is not None and mode not in _MODES:
        raise InputError(f"{word!r}: pruning mode {mode!r}; expected {_expected()}.")
    return PrunedPart(int(layer), int(head), _MODES[mode or _WHOLE])


def _expected() -> str:
    return f"{_WHOLE}, or {PRUNING_MODES[0]} to {PRUNING_MODES[-1]}"
