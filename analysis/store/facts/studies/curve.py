"""The curve of a store: how its model does with fewer and fewer heads.

It is ``studies/curve-IMAGES-SEED.json``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.facts.studies.files import (
    Study,
    demand_numbers,
    fields_of,
    largest,
    read_study,
    save_study,
    studies_of,
    study_file,
)
from headbrush.analysis.store.store import Store

ORDERS = {
    "random": "in random order",
    "jsd": "smallest mean divergence first",
    "gradient": "smallest mean gradient first",
    "greedy": "smallest divergence given those already pruned first",
    "repeated": "heads whose pattern another one has too first",
}
"""Orders in which heads are pruned, in words."""
_KIND = "curve"


@dataclass(frozen=True)
class Line:
    """One order of pruning, and what is left at each point of the curve.

    Attributes
    ----------
    order
        Of ``ORDERS``; ``draw`` counts those at random.
    heads
        All heads as numbers ``layer · H + head``, the first pruned first.
    right
        ``(points,)`` images predicted correctly, of those with a class.
    jsd
        ``(points,)`` mean Jensen-Shannon divergence from the unpruned predictions, in bits.
    flipped
        ``(points,)`` images whose most probable class is another.
    """

    order: str
    draw: int
    heads: tuple[int, ...]
    right: tuple[int, ...]
    jsd: tuple[float, ...]
    flipped: tuple[int, ...]


@dataclass(frozen=True)
class Curve(Study):
    """How a model does with fewer and fewer heads.

    Attributes
    ----------
    chosen, drawn
        Images of the store on which orders were chosen, and on which the curve was drawn.
    labelled
        Of the second ones, those with a true class.
    pruned
        ``(points,)`` how many heads are pruned: from 0 to all.
    parameters, flops
        ``(points,)`` of a model of which these heads were left out, FLOPs of the products for one
        image; empty where no such model gives the same outputs, ``inexact`` says why.
    """

    step: int
    chosen: tuple[int, ...]
    drawn: tuple[int, ...]
    labelled: int
    pruned: tuple[int, ...]
    parameters: tuple[int, ...]
    flops: tuple[int, ...]
    inexact: str
    lines: tuple[Line, ...]

    @property
    def orders(self) -> list[str]:
        """Those that it has lines of."""
        return list(dict.fromkeys(line.order for line in self.lines))

    def of(self, order: str) -> list[Line]:
        """Its lines of an order; several of ``random``."""
        return [line for line in self.lines if line.order == order]

    def accuracy(self, line: Line) -> np.ndarray:
        """``(points,)`` shares predicted correctly; NaN without labels."""
        return np.array(line.right, float) / (self.labelled or np.nan)

    def spared(self, line: Line, loss: float = 0.01) -> int:
        """The most heads that can go with at most this loss of accuracy, at any point up to it."""
        falls = self.accuracy(line)[0] - self.accuracy(line) > loss + 1e-9
        return self.pruned[int(falls.argmax()) - 1] if falls.any() else self.pruned[-1]


def curve_file(store: Path, images: int, seed: int) -> Path:
    """The file of a curve."""
    return study_file(store, f"{_KIND}-{images}-{seed}")


def save_curve(store: Path, curve: Curve) -> Path:
    """Write a curve, at once or not at all."""
    return save_study(curve_file(store, curve.images, curve.seed), _KIND, curve)


def load_curve(store: Store) -> Curve | None:
    """The curve of a store over the most images; None without one that belongs to it."""
    return largest(curves_of(store))


def curves_of(store: Store) -> Iterator[tuple[Path, Curve | StoreError]]:
    """Every curve of a store and its file; instead of a curve that cannot be used, why."""
    return studies_of(store, _KIND, read_curve)


def curve_words(curve: Curve) -> list[str]:
    """How many heads can go, order by order, until accuracy falls by more than 1 % or an image."""
    if not curve.labelled:
        return ["No image has a class, so there is no accuracy."]
    loss = max(0.01, 1 / curve.labelled)
    count = curve.layers * curve.heads
    sentences = [f"At most {100 * loss:.3g} % of accuracy is lost without:"]
    for order in curve.orders:
        spared = sorted(curve.spared(line, loss) for line in curve.of(order))
        words = str(spared[0])
        if len(spared) > 1:
            words = f"{spared[0]} to {spared[-1]} (median {np.median(spared):g})"
        sentences.append(f"  {order}: {words} of {count} heads, {ORDERS[order]}.")
    return sentences


def read_curve(path: Path) -> Curve:
    """A curve of a file.

    Raises
    ------
    StoreError
        If it is damaged, or no curve.
    """
    return read_study(path, _KIND, _made)


def _made(content: dict[str, Any]) -> Curve:
    lines = tuple(fields_of(Line, line) for line in content["lines"])
    curve = replace(fields_of(Curve, content | {"lines": []}), lines=lines)
    _demand_whole(curve)
    return curve


def _demand_whole(curve: Curve) -> None:
    """Refuse what does not fit together."""
    count, points = curve.layers * curve.heads, len(curve.pruned)
    if list(curve.pruned) != points_of(count, curve.step):
        raise ValueError("its points are others than it says")
    for images in (curve.chosen, curve.drawn):
        demand_numbers(images, 1 << 31)
    if len(curve.chosen) + len(curve.drawn) != curve.images:
        raise ValueError("it has other images than it says")
    for costs in (curve.parameters, curve.flops):
        if len(costs) not in (0, points):
            raise ValueError("its costs are not those of its points")
        demand_numbers(costs, 1e24)
    for line in curve.lines:
        if line.order not in ORDERS or sorted(line.heads) != list(range(count)):
            raise ValueError("a line does not name every head once")
        for values, most in ((line.right, curve.labelled), (line.jsd, 1), (line.flipped, 1e9)):
            if len(values) != points:
                raise ValueError("a line has other points")
            demand_numbers(values, most)


def points_of(heads: int, step: int) -> list[int]:
    """How many heads are pruned at each point of a curve."""
    return [*range(0, heads, step), heads]
