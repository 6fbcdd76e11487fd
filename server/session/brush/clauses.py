"""A brush as a list of clauses, and its resolution to masks. Pure.

Images (m), heads (L·H) and patterns (m·L·H) are brushed; a pattern is what one head does in one
image. Clauses of one view combine in order, a first one that subtracts or intersects with
everything; clauses of different views intersect.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Literal, cast

import numpy as np

from headbrush.server.tools.byte_lru import ByteLRU
from headbrush.server.tools.loops import kernels
from headbrush.server.tools.loops.cell_index import CellIndex, coordinates
from headbrush.server.tools.loops.in_parts import in_parts

BrushView = Literal["images", "heads", "patterns"]
"""What a brush marks; each has a view of its own, A, B1 and C1, and D1."""
Combine = Literal["replace", "add", "subtract", "intersect", "xor"]
_MOST_STRIPES = 256
_CELLS_FROM = 50_000
"""Points from which on it pays off to know their cells."""
_NO_NUMBERS = kernels.given(np.empty(0), np.uint16)
_NO_STATES = kernels.given(np.empty(0), np.uint8)
Places = np.ndarray | CellIndex
"""Coordinates of patterns ``(m·L·H, 2)``, or ``(m·L·H,)`` numbers of their names."""


@dataclass(frozen=True)
class Ids:
    """Numbers of images or heads, or of names of patterns.

    Attributes
    ----------
    query
        Of images that words have found: these words; else empty.
    """

    ids: tuple[int, ...]
    query: str = ""


@dataclass(frozen=True)
class Box:
    """A rectangle in the coordinates of a view, its edges included."""

    x0: float
    x1: float
    y0: float
    y1: float


@dataclass(frozen=True)
class Lasso:
    """The outline of a polygon in the coordinates of a view."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]


@dataclass(frozen=True)
class Clause:
    """One gesture's selection in ``view``, and how it combines with that view's earlier ones.

    Attributes
    ----------
    layout
        Of patterns: which layout a box or lasso lies on; ``name`` where ids are names of patterns.
    """

    view: BrushView
    shape: Ids | Box | Lasso
    combine: Combine = "replace"
    layout: str = ""


@dataclass(frozen=True)
class Brush:
    """Resolved clauses: what is brushed of each kind.

    Attributes
    ----------
    images, heads, patterns
        Bool masks ``(m,)``, ``(L·H,)``, ``(m·L·H,)``.
    image_count, head_count
        Number of brushed patterns of each image and head, ``(m,)`` and ``(L·H,)``.
    active
        Whether there is any clause.
    """

    images: np.ndarray
    heads: np.ndarray
    patterns: np.ndarray
    image_count: np.ndarray
    head_count: np.ndarray
    active: bool


def without(clauses: tuple[Clause, ...], view: BrushView) -> tuple[Clause, ...]:
    """``clauses`` but those of ``view``."""
    return tuple(clause for clause in clauses if clause.view != view)


def joined(clauses: tuple[Clause, ...], clause: Clause) -> tuple[Clause, ...]:
    """``clauses`` and a further one; ``replace`` drops the earlier ones of its view."""
    if clause.combine == "replace":
        clauses = without(clauses, clause.view)
    return (*clauses, clause)


def resolve(
    clauses: Sequence[Clause],
    num_images: int,
    num_heads: int,
    points: Callable[[str], Places],
    exclude: BrushView | None = None,
    kept: ByteLRU | None = None,
) -> Brush:
    """Masks of all ``clauses`` but those of the view ``exclude``.

    Parameters
    ----------
    points
        Where the patterns are in a layout, or their names where that is ``name``.
    kept
        Cache of the points in each shape, so that a further clause costs only its own shape.
    """
    used = [clause for clause in clauses if clause.view != exclude]
    images = np.ones(num_images, bool)
    heads = np.ones(num_heads, bool)
    patterns = np.ones((num_images, num_heads), bool)
    for view in dict.fromkeys(clause.view for clause in used):
        own = [clause for clause in used if clause.view == view]
        if view == "images":
            images &= _combined(own, num_images, points, kept)
        elif view == "heads":
            heads &= _combined(own, num_heads, points, kept)
        else:
            patterns &= _combined(own, patterns.size, points, kept).reshape(patterns.shape)
    if not used:  # nothing to count, and nothing to compile
        counts = np.full(num_images, num_heads), np.full(num_heads, num_images)
        return Brush(images, heads, patterns.ravel(), *counts, False)
    image_count, head_count = _tally(patterns, images, heads)
    if any(clause.view == "patterns" for clause in used):
        images &= image_count > 0
        heads &= head_count > 0
    return Brush(images, heads, patterns.ravel(), image_count, head_count, True)


def _tally(
    patterns: np.ndarray, images: np.ndarray, heads: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Keep patterns whose image and head are both allowed, in place; count the rest of each."""
    counts = in_parts(
        lambda begin, end: kernels.tally(patterns[begin:end], images[begin:end], heads),
        *patterns.shape,
    )
    of_images, of_heads = zip(*counts, strict=True)
    return np.concatenate(of_images), np.sum(of_heads, 0)


def _within(shape: Ids | Box | Lasso, places: Places) -> np.ndarray:
    if isinstance(places, CellIndex) or not isinstance(shape, Ids):
        return inside(cast(Box | Lasso, shape), places)
    is_wanted = np.zeros(max(places.max(initial=0), *shape.ids, 0) + 1, bool)
    is_wanted[list(shape.ids)] = True
    return is_wanted[places]


def inside(shape: Box | Lasso, points: np.ndarray | CellIndex) -> np.ndarray:
    """Which of ``points`` ``(n, 2)`` lie within ``shape``; NaN lies nowhere.

    A lasso is filled by the even-odd rule, as a canvas fills it.
    """
    cells = points if isinstance(points, CellIndex) else None
    places = cells.points if cells else coordinates(cast(np.ndarray, points))
    if isinstance(shape, Box):
        box = tuple(map(float, astuple(shape)))
        return _found(
            lambda begin, end, found: kernels.points_in_box(places[begin:end], box, found),
            len(places),
        )
    polygon = _Polygon(shape)
    if cells is None and len(places) < _CELLS_FROM:
        return polygon.tried(places)
    cells = cells or CellIndex(places)
    states = cells.states(polygon.tried(cells.middles()), polygon.xs, polygon.ys)
    return polygon.tried(places, cells.numbers, states)


class _Polygon:
    """A lasso for the loops: its corners, and which edges reach into each stripe."""

    def __init__(self, lasso: Lasso) -> None:
        self.xs, self.ys = (kernels.given(np.array(part), float) for part in (lasso.xs, lasso.ys))
        self._stripes = _stripes(self.ys)

    def tried(
        self,
        points: np.ndarray,
        numbers: np.ndarray = _NO_NUMBERS,
        states: np.ndarray = _NO_STATES,
    ) -> np.ndarray:
        """Which points it encloses, given the cells of all of them, or of none."""
        return _found(
            lambda begin, end, found: kernels.points_in_polygon(
                points[begin:end], self.xs, self.ys, *self._stripes, numbers[begin:end], states,
                found,
            ),
            len(points),
        )  # fmt: skip


def _found(loop: Callable[[int, int, np.ndarray], None], count: int) -> np.ndarray:
    """``(count,)`` bool that a loop says in parts, as bytes of 0 and 1."""
    found = np.empty(count, np.uint8)
    in_parts(lambda begin, end: loop(begin, end, found[begin:end]), count)
    return found.view(bool)


def warm_up() -> None:
    """Compile the loops that the first brush needs."""
    points = np.zeros((1, 2), np.float32)
    triangle = Lasso((0, 1, 1), (0, 0, 1))
    for shape in (Box(0, 1, 0, 1), triangle):
        resolve([Clause("patterns", shape)], 1, 1, lambda _layout: points)
    inside(triangle, CellIndex(points))


def _stripes(ys: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Even horizontal stripes: how many a unit, where the edges of each start, and the edges."""
    count = min(_MOST_STRIPES, len(ys))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        per_y = np.float64(count) / (ys.max() - ys.min())
        if not np.isfinite(per_y):  # a line, or corners beyond all measure
            per_y = np.float64(0)
        stripe = np.clip((ys - ys.min()) * per_y, 0, count - 1)
    stripe = np.nan_to_num(stripe).astype(int)
    ends = np.sort([stripe, np.roll(stripe, -1)], axis=0)
    reaching = [np.flatnonzero((ends[0] <= s) & (s <= ends[1])) for s in range(count)]
    return float(per_y), np.cumsum([0, *map(len, reaching)]), np.concatenate(reaching)


def _combined(
    clauses: Sequence[Clause],
    size: int,
    points: Callable[[str], Places],
    kept: ByteLRU | None,
) -> np.ndarray:
    mask = np.full(size, clauses[0].combine in ("subtract", "intersect"))
    for clause in clauses:
        marked = _marked(clause, size, points, kept)
        if clause.combine == "add":
            mask |= marked
        elif clause.combine == "subtract":
            mask &= ~marked
        elif clause.combine == "intersect":
            mask &= marked
        elif clause.combine == "xor":
            mask ^= marked
        else:
            mask = marked.copy()
    return mask


def _marked(
    clause: Clause, size: int, points: Callable[[str], Places], kept: ByteLRU | None
) -> np.ndarray:
    """The mask of one clause by itself."""
    if isinstance(clause.shape, Ids) and clause.view != "patterns":
        mask = np.zeros(size, bool)
        mask[list(clause.shape.ids)] = True
        return mask
    key = clause.layout, clause.shape
    mask = None if kept is None else kept.get(key)
    if mask is None:
        mask = _within(clause.shape, points(clause.layout))
        if kept is not None:
            kept.put(key, mask, mask.nbytes)
    return mask
