"""Attention between patches that was made to have a known name."""

from functools import lru_cache

import numpy as np

from headbrush.analysis.measures.names.naming import FAMILIES, STRUCTURES
from headbrush.analysis.measures.names.templates import TEMPLATES

Grid = tuple[int, int]


@lru_cache(maxsize=256)
def ideal(label: str, grid: Grid) -> np.ndarray:
    """Targets of one template ``(P, P)``, written patch by patch."""
    height, width = grid
    found = np.zeros((height, width, height, width))
    for y in range(height):
        for x in range(width):
            for to_y in range(height):
                for to_x in range(width):
                    found[y, x, to_y, to_x] = looks(label, to_y - y, to_x - x, width - 1 - 2 * x)
    return found.reshape(height * width, -1)


def looks(label: str, down: int, right: int, to_mirror: int) -> bool:
    """Whether a source has a target at an offset, by the words of the label."""
    rows = int(label.split()[0]) if label[0].isdigit() and label != "3×3" else 1
    near = {
        "above": -rows <= down < 0,
        "below": 0 < down <= rows,
        "around": 0 < abs(down) <= rows,
        "own row": "around" in label and down == 0,
    }
    if any(word in label for word in ("above", "below", "around")):
        return any(holds for word, holds in near.items() if word in label)
    return {
        "self": (down, right) == (0, 0),
        "left": (down, right) == (0, -1),
        "right": (down, right) == (0, 1),
        "up": (down, right) == (-1, 0),
        "down": (down, right) == (1, 0),
        "3×3": max(abs(down), abs(right)) <= 1,
        "own row": down == 0,
        "row to the left": down == 0 and right < 0,
        "row to the right": down == 0 and right > 0,
        "own column": right == 0,
        "mirror in the row": down == 0 and right == to_mirror,
    }[label]


def narrow(label: str, grid: Grid) -> bool:
    """Whether the targets are at most half of the patches, of those that have any."""
    count = ideal(label, grid).sum(1)
    return bool(count[count > 0].mean() <= len(count) / 2)


def rows_of(weights: np.ndarray) -> np.ndarray:
    """Rows divided by their sums; a row of zeros becomes even."""
    total = weights.sum(-1, keepdims=True)
    return np.where(total > 0, weights / np.where(total > 0, total, 1), 1 / weights.shape[-1])


def template(label: str, grid: Grid, mass: float, rng: np.random.Generator) -> np.ndarray:
    """A share ``mass`` on the targets, unevenly, the rest anywhere."""
    targets = ideal(label, grid)
    uneven = rows_of(targets * rng.gamma(4, size=targets.shape))
    return mass * uneven + (1 - mass) * rows_of(rng.gamma(1, size=targets.shape))


def same_targets(size: int, mass: float, rng: np.random.Generator) -> np.ndarray:
    """All patches look at the same few."""
    few = np.zeros(size)
    few[rng.choice(size, rng.integers(2, 6), replace=False)] = rng.uniform(0.5, 1)
    return mass * rows_of(few * rng.gamma(4, size=(size, size))) + (1 - mass) * rows_of(
        rng.gamma(1, size=(size, size))
    )


def blocks(grid: Grid, mass: float, rng: np.random.Generator) -> np.ndarray:
    """The image falls into 3 to 5 regions of any form, each of which looks at itself."""
    number = int(rng.integers(3, 6))
    places = np.indices(grid).reshape(2, -1).T
    centres = rng.permutation(places)[:number]
    region = (np.abs(places[:, None] - centres) @ rng.uniform(0.5, 2, 2)).argmin(1)
    region = rng.permutation(region)  # not a neighbourhood: the offset says nothing
    within = (region[:, None] == region).astype(float)
    noise = rows_of(rng.gamma(1, size=within.shape))
    return mass * rows_of(within * rng.gamma(4, size=within.shape)) + (1 - mass) * noise


def scattered(size: int, rng: np.random.Generator) -> np.ndarray:
    """Every patch looks at a few of its own: no name."""
    return rows_of((rng.random((size, size)) < 4 / size) * rng.gamma(2, size=(size, size)))


def plant(family: str, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """A matrix ``(P, P)`` whose name is ``family``; "" has none."""
    size, mass = grid[0] * grid[1], rng.uniform(0.6, 0.95)
    if family == "same targets":
        return same_targets(size, mass, rng)
    if family == "blocks":
        return blocks(grid, mass, rng)
    if family == "even":
        return rows_of(rng.gamma(30, size=(size, size)))
    if not family:
        return scattered(size, rng)
    labels = [one.label for one in TEMPLATES if one.family == family and narrow(one.label, grid)]
    return template(str(rng.choice(labels)), grid, mass, rng)


KINDS = (*dict.fromkeys(FAMILIES), "")
assert set(STRUCTURES) < set(KINDS)
