"""What decides where each head looks, as a store keeps it and in words."""

import math
from dataclasses import dataclass

from headbrush.analysis.store.facts.percent import percent
from headbrush.analysis.store.schema import PARTS
from headbrush.analysis.store.store import Store

POSITIONAL, FOLLOWS = 0.25, 0.5
"""Content as a share of what is decided: at most the one, at least the other."""
MOSTLY_SPREAD = 0.9
"""Share of all bits that are spread, from which on a head looks nearly everywhere."""


@dataclass(frozen=True)
class HeadBits:
    """What decides where one head looks, in bits; the parts add up to log2 of the patches.

    Attributes
    ----------
    fixed
        The same in every image.
    by_class
        By the image's class; NaN where classes cannot be told apart.
    within
        By the image itself, beside its class.
    spread
        Not decided: attention is shared between patches.
    moved
        Share of the attention that moves from image to image; NaN of a single image.
    """

    fixed: float
    by_class: float
    within: float
    spread: float
    moved: float

    @property
    def parts(self) -> tuple[float, float, float, float]:
        """Fixed, by class, within and spread."""
        return self.fixed, self.by_class, self.within, self.spread

    @property
    def content(self) -> float:
        """By the image, be it by its class or not."""
        return self.within if math.isnan(self.by_class) else self.by_class + self.within

    @property
    def total(self) -> float:
        """All bits, log2 of the patches."""
        return self.fixed + self.content + self.spread

    @property
    def kind(self) -> str:
        """``positional``, ``follows the content``, ``both``, ``nearly even`` or ``unknown``."""
        if math.isnan(self.content):
            return "unknown"
        decided = self.fixed + self.content
        if decided <= max(0.0, (1 - MOSTLY_SPREAD) * self.total):
            return "nearly even"
        share = self.content / decided
        if share <= POSITIONAL:
            return "positional"
        return "follows the content" if share >= FOLLOWS else "position and content"

    @property
    def words(self) -> str:
        """``positional: 5.5 of 7.6 bits fixed, content 0.9; moves 22 % of its attention``."""
        return f"{self.kind}: {self.figures}"

    @property
    def figures(self) -> str:
        """``5.5 of 7.6 bits fixed, content 0.9; moves 22 % of its attention``."""
        if self.kind == "unknown":
            return "there is one image only"
        fixed = f"{self.fixed:.1f} of {self.total:.1f} bits fixed"
        return f"{fixed}, content {round(self.content, 1) + 0.0:.1f}{self.moves}"

    @property
    def moves(self) -> str:
        """``; moves 22 % of its attention``; "" of a single image."""
        moved = f"; moves {percent(self.moved)} of its attention"
        return "" if math.isnan(self.moved) else moved


def head_bits(store: Store) -> list[HeadBits]:
    """Bits of all heads in head order over all images; empty where an older store has none."""
    if not all(map(store.has, ("part", "bits", "moved"))):
        return []
    store.read("part")  # refuses other parts
    parts = store.read("bits").reshape(len(PARTS), -1)
    return [
        HeadBits(*map(float, (*of_head, moved)))
        for of_head, moved in zip(parts.T, store.read("moved").ravel(), strict=True)
    ]
