"""Studies of a store: how it does with fewer and fewer heads, as files under ``studies``.

A curve is ``studies/curve-IMAGES-SEED.json``: plain JSON, written at once or not at all. Anyone may
have written it, so it is checked when it is read.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from headbrush.analysis.store.atomic_files import replacing, writing
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.store import Store
from headbrush.analysis.store.untrusted_store import demand_regular

STUDIES = "studies"
"""The folder of a store that holds them."""
VERSION = 1
ORDERS = {
    "random": "in random order",
    "jsd": "smallest mean divergence first",
    "gradient": "smallest mean gradient first",
    "greedy": "smallest divergence given those already pruned first",
    "repeated": "heads whose pattern another one has too first",
}
"""Orders in which heads are pruned, in words."""
_MOST_BYTES = 1 << 26
_FAULTS = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


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
class Curve:
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
    store_created, checkpoint_sha256
        Of the store; a curve of another analysis is not shown.
    """

    images: int
    seed: int
    step: int
    layers: int
    heads: int
    chosen: tuple[int, ...]
    drawn: tuple[int, ...]
    labelled: int
    pruned: tuple[int, ...]
    parameters: tuple[int, ...]
    flops: tuple[int, ...]
    inexact: str
    store_created: str
    checkpoint_sha256: str
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


_Kind = TypeVar("_Kind", Line, Curve)


def curve_file(store: Path, images: int, seed: int) -> Path:
    """The file of a curve."""
    return store / STUDIES / f"curve-{images}-{seed}.json"


def save_curve(store: Path, curve: Curve) -> Path:
    """Write a curve, at once or not at all."""
    path = curve_file(store, curve.images, curve.seed)
    with writing(path):
        path.parent.mkdir(exist_ok=True)
    with replacing(path) as temporary:
        content = {"study": "curve", "version": VERSION, **asdict(curve)}
        temporary.write_text(json.dumps(content) + "\n", encoding="utf-8")
    return path


def load_curve(store: Store) -> Curve | None:
    """The curve of a store over the most images; None without one that belongs to it."""
    found = [curve for _, curve in curves_of(store) if isinstance(curve, Curve)]
    return max(found, key=lambda curve: curve.images, default=None)


def curves_of(store: Store) -> Iterator[tuple[Path, Curve | StoreError]]:
    """Every curve of a store and its file; instead of a curve that cannot be used, why."""
    for path in sorted((store.path / STUDIES).glob("curve-*.json")):
        try:
            curve = read_curve(path)
            demand_own(path, curve, store)
        except StoreError as error:
            yield path, error
        else:
            yield path, curve


def study_facts(store: Store) -> list[tuple[str, object]]:
    """Rows about the studies of a store, for ``headbrush info``."""
    rows: list[tuple[str, object]] = []
    for path, curve in curves_of(store):
        words = str(curve)
        if isinstance(curve, Curve):
            words = f"{path.name}, {curve.images} images: {', '.join(curve.orders)}"
        rows.append(("pruning curve", words))
    return rows


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
    try:
        demand_regular(path)
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large")
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["study"] != "curve" or content["version"] != VERSION:
            raise ValueError("it is of another version")
        lines = tuple(_of(Line, line) for line in content["lines"])
        curve = replace(_of(Curve, content | {"lines": []}), lines=lines)
        _demand_whole(curve)
    except (OSError, RecursionError, *_FAULTS) as error:
        raise StoreError(f"{path}: no readable curve ({error}); delete it.") from error
    return curve


def _of(kind: type[_Kind], content: dict[str, Any]) -> _Kind:
    """An object of its fields, with tuples for lists."""
    given: dict[str, Any] = {}
    for name in kind.__dataclass_fields__:
        value = content[name]
        given[name] = tuple(value) if isinstance(value, list) else value
    return kind(**given)


def _demand_whole(curve: Curve) -> None:
    """Refuse what does not fit together."""
    count, points = curve.layers * curve.heads, len(curve.pruned)
    if list(curve.pruned) != points_of(count, curve.step):
        raise ValueError("its points are others than it says")
    for images in (curve.chosen, curve.drawn):
        _demand_numbers(images, 1 << 31)
    if len(curve.chosen) + len(curve.drawn) != curve.images:
        raise ValueError("it has other images than it says")
    for costs in (curve.parameters, curve.flops):
        if len(costs) not in (0, points):
            raise ValueError("its costs are not those of its points")
        _demand_numbers(costs, 1e24)
    for line in curve.lines:
        if line.order not in ORDERS or sorted(line.heads) != list(range(count)):
            raise ValueError("a line does not name every head once")
        for values, most in ((line.right, curve.labelled), (line.jsd, 1), (line.flipped, 1e9)):
            if len(values) != points:
                raise ValueError("a line has other points")
            _demand_numbers(values, most)


def _demand_numbers(values: Sequence[Any], most: float) -> None:
    if not all(type(value) in (int, float) and 0 <= value <= most for value in values):
        raise ValueError("a number is out of its range")


def points_of(heads: int, step: int) -> list[int]:
    """How many heads are pruned at each point of a curve."""
    return [*range(0, heads, step), heads]


def demand_own(path: Path, curve: Curve, store: Store) -> None:
    """Refuse the curve of another analysis.

    Raises
    ------
    StoreError
        If it is not one of this store.
    """
    own = (store.attrs["created"], store.attrs["checkpoint_sha256"])
    sizes = (store.sizes["layer"], store.sizes["head"])
    is_own = (curve.store_created, curve.checkpoint_sha256) == own
    if not is_own or (curve.layers, curve.heads) != sizes:
        raise StoreError(f"{path}: of another analysis than this store; delete it.")
