"""A brush is a list of clauses; resolving them is pure.

Three kinds of thing: images (m), heads (L·H) and instances (m·L·H), an instance being one head of
one image. Clauses of one view combine in order; clauses of different views intersect.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["image", "head", "instance"]
Combine = Literal["replace", "add", "subtract", "intersect", "xor"]


@dataclass(frozen=True)
class Ids:
    """Numbers of images or heads."""

    ids: tuple[int, ...]


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
    """What one gesture in ``view`` marks, and how it joins what that view marked before.

    Attributes
    ----------
    layout
        Which coordinates a shape refers to: ``patch`` or ``cls`` for instances.
    """

    view: str
    kind: Kind
    shape: Ids | Box | Lasso
    combine: Combine = "replace"
    layout: str = ""


@dataclass(frozen=True)
class Brush:
    """Resolved clauses: what is brushed of each kind.

    Attributes
    ----------
    images, heads, instances
        Bool masks ``(m,)``, ``(L·H,)``, ``(m·L·H,)``.
    image_count, head_count
        How many brushed instances fall to each image and head, ``(m,)`` and ``(L·H,)``.
    active
        Whether there is any clause.
    """

    images: np.ndarray
    heads: np.ndarray
    instances: np.ndarray
    image_count: np.ndarray
    head_count: np.ndarray
    active: bool


def resolve(
    clauses: Sequence[Clause],
    num_images: int,
    num_heads: int,
    points: Callable[[str], np.ndarray],
    exclude: str | None = None,
) -> Brush:
    """Masks of all ``clauses`` but those of the view ``exclude``.

    Parameters
    ----------
    points
        Coordinates ``(m·L·H, 2)`` of the instances in a layout.
    """
    used = [clause for clause in clauses if clause.view != exclude]
    images = np.ones(num_images, bool)
    heads = np.ones(num_heads, bool)
    instances = np.ones((num_images, num_heads), bool)
    for view in dict.fromkeys(clause.view for clause in used):
        own = [clause for clause in used if clause.view == view]
        size = {"image": num_images, "head": num_heads}.get(own[0].kind, instances.size)
        mask = _combined(own, size, points)
        if own[0].kind == "image":
            images &= mask
        elif own[0].kind == "head":
            heads &= mask
        else:
            instances &= mask.reshape(instances.shape)
    instances &= images[:, None] & heads[None, :]
    image_count, head_count = instances.sum(1), instances.sum(0)
    if any(clause.kind == "instance" for clause in used):
        images &= image_count > 0
        heads &= head_count > 0
    return Brush(images, heads, instances.ravel(), image_count, head_count, bool(used))


def inside(shape: Box | Lasso, points: np.ndarray) -> np.ndarray:
    """Which of ``points`` ``(n, 2)`` lie within ``shape``; NaN lies nowhere.

    A lasso is filled by the even-odd rule, as a canvas fills it.
    """
    x, y = points[:, 0], points[:, 1]
    if isinstance(shape, Box):
        return (shape.x0 <= x) & (x <= shape.x1) & (shape.y0 <= y) & (y <= shape.y1)
    xs, ys = np.asarray(shape.xs), np.asarray(shape.ys)
    found = np.zeros(len(points), bool)
    near = inside(Box(xs.min(), xs.max(), ys.min(), ys.max()), points)
    found[near] = _in_polygon(x[near].astype(float), y[near].astype(float), xs, ys)
    return found


def _in_polygon(x: np.ndarray, y: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    odd = np.zeros(len(x), bool)
    for x0, y0, x1, y1 in zip(xs, ys, np.roll(xs, -1), np.roll(ys, -1), strict=True):
        if y0 == y1:
            continue
        crosses = (y0 > y) != (y1 > y)
        odd ^= crosses & (x < (x1 - x0) * ((y - y0) / (y1 - y0)) + x0)
    return odd


def _combined(
    clauses: Sequence[Clause], size: int, points: Callable[[str], np.ndarray]
) -> np.ndarray:
    mask = np.zeros(size, bool)
    for clause in clauses:
        if isinstance(clause.shape, Ids):
            found = np.zeros(size, bool)
            found[list(clause.shape.ids)] = True
        else:
            found = inside(clause.shape, points(clause.layout))
        if clause.combine == "add":
            mask |= found
        elif clause.combine == "subtract":
            mask &= ~found
        elif clause.combine == "intersect":
            mask &= found
        elif clause.combine == "xor":
            mask ^= found
        else:
            mask = found
    return mask
