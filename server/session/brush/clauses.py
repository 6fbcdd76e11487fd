"""A brush as a list of clauses, and its resolution to masks. Pure.

Images (m), heads (L·H) and patterns (m·L·H) are brushed; a pattern is what one head does in one
image. Clauses of one view combine in order, a first one that subtracts or intersects with
everything; clauses of different views intersect.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Literal

import numpy as np

from headbrush.server.tools import kernels
from headbrush.server.tools.byte_lru import ByteLRU

BrushView = Literal["images", "heads", "patterns"]
"""What a brush marks; each has a view of its own, A, B1 and C1, and D1."""
Combine = Literal["replace", "add", "subtract", "intersect", "xor"]
_MOST_STRIPES = 256
_CELLS = 128
_CELLS_FROM = 50_000


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
    points: Callable[[str], np.ndarray],
    exclude: BrushView | None = None,
    kept: ByteLRU | None = None,
) -> Brush:
    """Masks of all ``clauses`` but those of the view ``exclude``.

    Parameters
    ----------
    points
        Coordinates ``(m·L·H, 2)`` of the patterns in a layout, or ``(m·L·H,)`` their ``name``.
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
    image_count, head_count = kernels.tally(patterns, images, heads)
    if any(clause.view == "patterns" for clause in used):
        images &= image_count > 0
        heads &= head_count > 0
    return Brush(images, heads, patterns.ravel(), image_count, head_count, True)


def _within(shape: Ids | Box | Lasso, places: np.ndarray) -> np.ndarray:
    return np.isin(places, shape.ids) if isinstance(shape, Ids) else inside(shape, places)


def inside(shape: Box | Lasso, points: np.ndarray) -> np.ndarray:
    """Which of ``points`` ``(n, 2)`` lie within ``shape``; NaN lies nowhere.

    A lasso is filled by the even-odd rule, as a canvas fills it.
    """
    wide = np.float64 if points.dtype == np.float64 else np.float32
    points = kernels.given(points, wide)
    if isinstance(shape, Box):
        return kernels.points_in_box(points, tuple(map(float, astuple(shape))))
    xs, ys = (kernels.given(np.array(part), float) for part in (shape.xs, shape.ys))
    stripes = _stripes(ys)
    cells = _cells(len(points), xs, ys, stripes)
    return kernels.points_in_polygon(points, xs, ys, *stripes, *cells)


def warm_up() -> None:
    """Compile the loops that the first brush needs."""
    points = np.zeros((1, 2), np.float32)
    triangle = Lasso((0, 1, 1), (0, 0, 1))
    for shape in (Box(0, 1, 0, 1), triangle):
        resolve([Clause("patterns", shape)], 1, 1, lambda _layout: points)
    inside(triangle, np.zeros((_CELLS_FROM, 2), np.float32))


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


def _cells(
    count: int, xs: np.ndarray, ys: np.ndarray, stripes: tuple[float, np.ndarray, np.ndarray]
) -> tuple[np.ndarray, tuple[float, float]]:
    """Which cells of a grid over a polygon lie inside, 1, outside, 0, or perhaps in part, 2.

    A grid pays off for very many points; else there is one cell.
    """
    one = np.full((1, 1), 2, np.uint8), (0.0, 0.0)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        per = [float(_CELLS / np.float64(np.ptp(part))) for part in (xs, ys)]
        scaled = [(part - part.min()) * scale for part, scale in zip((xs, ys), per, strict=True)]
    if count < _CELLS_FROM or not np.isfinite([*per, *map(np.max, scaled)]).all():
        return one
    middle = np.arange(_CELLS) + 0.5
    across, up = (middle / scale + part.min() for part, scale in zip((xs, ys), per, strict=True))
    middles = np.stack(np.meshgrid(across, up), -1).reshape(-1, 2)
    enclosed = kernels.points_in_polygon(kernels.given(middles, float), xs, ys, *stripes, *one)
    cells = enclosed.reshape(_CELLS, _CELLS).astype(np.uint8)
    outline = [kernels.given(part, float) for part in scaled]
    kernels.mark_outline(outline[0], outline[1], cells)
    return cells, (per[0], per[1])


def _combined(
    clauses: Sequence[Clause],
    size: int,
    points: Callable[[str], np.ndarray],
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
    clause: Clause, size: int, points: Callable[[str], np.ndarray], kept: ByteLRU | None
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
