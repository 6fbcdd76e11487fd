"""The picture of the patterns, and their colours, computed once per process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from headbrush.analysis.store.facts.pattern_families import PatternFamilies
from headbrush.server.session.brush.clauses import Brush
from headbrush.server.session.brush.named_brushes import Compared
from headbrush.server.session.palette import (
    CONTOURS,
    NO_NAME,
    class_colours,
    layer_colours,
    name_colours,
    rgb,
    signed_colours,
)
from headbrush.server.stores.metrics import DIRECT
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.patterns.contours import Lines, contours
from headbrush.server.views.patterns.density import COUNT, Colouring, Picture, Range, counts, draw

_BRUSHED_FROM = 2
"""Brushed patterns lie over grey ones and so begin with a stronger colour."""


@dataclass(frozen=True)
class Drawing:
    """The inputs of a picture of the patterns, except the brush; can be drawn in any thread.

    ``style`` is one of ``PATTERN_STYLES``; ``total`` tells how many patterns each pixel has.
    """

    points: np.ndarray
    view: Range
    size: tuple[int, int]
    colouring: Colouring
    style: str
    ramp: tuple[str, ...]
    total: Callable[[], np.ndarray] | None = None

    def picture(self, brush: Brush) -> Picture | Lines:
        """The density or the contours, the brushed patterns in colour if there is a brush."""
        return self.coloured(self.colouring, brush.patterns if brush.active else None)

    def of_page(self, brush: Brush, compared: Sequence[Compared]) -> Picture | Lines:
        """What a page shows: the compared brushes, or else the brush."""
        if compared:
            return self.coloured(*pattern_colours(compared, brush, self.ramp[0]))
        return self.picture(brush)

    def coloured(self, colouring: Colouring, mask: np.ndarray | None) -> Picture | Lines:
        """Draw the patterns of ``mask`` in other colours, the others in grey."""
        ramp = self.ramp if mask is None else self.ramp[_BRUSHED_FROM:]
        if self.style == "contours":
            return contours(self.points, self.view, self.size, colouring, mask, CONTOURS)
        flat = self.style == "points"
        total = self.total() if self.total and mask is not None else None
        return draw(self.points, self.view, self.size, colouring, mask, flat, ramp, total)


def kept_total(
    data: StoreData, layout: str, view: Range, size: tuple[int, int]
) -> Callable[[], np.ndarray]:
    """How many patterns each pixel has, counted when it is first needed, as no brush changes it."""
    return partial(_total, data, layout, data.version, view, size)


@lru_cache(maxsize=16)
def _total(
    data: StoreData, layout: str, _version: int, view: Range, size: tuple[int, int]
) -> np.ndarray:
    return counts(data.embedding(layout), view, size)


def colouring(data: StoreData, name: str) -> Colouring:
    """Colours of all patterns by count, name, layer, head, class or a metric."""
    return _colouring(data, name, data.version)


@lru_cache(maxsize=32)
def _colouring(data: StoreData, name: str, _version: int) -> Colouring:
    if name == "count":
        return COUNT
    if name == "name" and data.families is not None:
        return _by_name(data.families)
    if name == "layer":
        layers = data.layer_of_head.astype(np.int16)
        return Colouring(np.tile(layers, data.num_images), layer_colours(data.num_layers))
    if name == "head":
        heads = np.arange(data.num_heads, dtype=np.int16) % data.heads_per_layer
        return Colouring(np.tile(heads, data.num_images), class_colours(data.heads_per_layer))
    if name == "class":
        kinds = np.repeat(data.labels.astype(np.int16), data.num_heads)
        return Colouring(kinds, class_colours(int(data.labels.max()) + 1))
    if name == DIRECT:
        return _by_sign(data.importance(DIRECT).ravel())
    values = (data.entropy if name == "entropy" else data.importance(name)).ravel()
    low, high = np.nanquantile(values, (0.02, 0.98)) if np.isfinite(values).any() else (0, 1)
    return Colouring(values=values, span=(float(low), float(high)))


def _by_sign(values: np.ndarray) -> Colouring:
    """Values with a sign: 0 is in the middle."""
    most = np.nanquantile(np.abs(values), 0.98) if np.isfinite(values).any() else 1
    return Colouring(palette=signed_colours(), values=values, span=(-float(most), float(most)))


def _by_name(families: PatternFamilies) -> Colouring:
    """The most frequent names in colours of their own, patterns without a name in grey."""
    palette = [NO_NAME] * len(families.names)
    named = [number for number in families.occurring if number < len(palette) - 1]
    for number, colour in zip(named, name_colours(len(named)), strict=True):
        palette[number] = colour
    return Colouring(families.numbers, palette)


def pattern_names(compared: Sequence[Compared]) -> tuple[list[str], list[str]]:
    """Names and colours of what the pattern layout shows; what is in both has mixed colour."""
    names, palette = [one.name for one in compared], [one.colour for one in compared]
    if len(compared) > 1:
        names.append("both")
        palette.append(mixed(*palette))
    return names, palette


def pattern_colours(
    compared: Sequence[Compared], brush: Brush | None = None, pale: str = ""
) -> tuple[Colouring, np.ndarray]:
    """Colouring and mask ``(m·L·H,)`` of one or two brushes.

    Where a brush is given, what it leaves out is near the colour ``pale``.
    """
    members = np.zeros(len(compared[0].brush.patterns), np.int16)
    for bit, one in enumerate(compared):
        members |= one.brush.patterns.astype(np.int16) << bit
    palette, codes = pattern_names(compared)[1], np.maximum(members - 1, 0)
    if brush is not None and brush.active:
        codes[~brush.patterns] += len(palette)
        palette += [mixed(pale, mixed(pale, colour)) for colour in palette]
    return Colouring(codes, palette), members > 0


def mixed(one: str, other: str) -> str:
    """The mean of two colours ``#rrggbb``."""
    pairs = zip(rgb(one), rgb(other), strict=True)
    return "#" + "".join(f"{(a + b) // 2:02x}" for a, b in pairs)
