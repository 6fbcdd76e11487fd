"""Where the patches of an ideal head look: one set of target patches a source patch, and its name.

A template is named after its targets as seen from the source: "rows above" are rows with a smaller
y. Rows and columns are those of the patch grid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

Grid = tuple[int, int]
_MOST_ROWS = 4
"""Rows of the widest band above or below."""


@dataclass(frozen=True)
class Template:
    """One ideal pattern.

    Attributes
    ----------
    family
        What it is called; templates that differ only in their width share it.
    label
        The same with its width.
    has
        Whether the patches at offset ``(down, right)`` from a source in column ``x`` of ``width``
        columns are targets: ``(down, right, x, width)`` tensors to bool.
    mirrored
        The label of the template that a left-right flip of the image makes of it.
    """

    family: str
    label: str
    has: Callable[[Tensor, Tensor, Tensor, int], Tensor]
    mirrored: str


def _fixed(name: str, has: Callable[[Tensor, Tensor], Tensor], mirrored: str = "") -> Template:
    return Template(name, name, lambda down, right, _x, _width: has(down, right), mirrored or name)


def _bands(rows: int) -> tuple[Template, ...]:
    """``rows`` rows above, below, and on both sides of the own row, with and without it."""
    label = f"{rows} rows" if rows > 1 else "row"

    def band(name: str, has: Callable[[Tensor], Tensor], with_own: str = "") -> Template:
        text = f"{label} {name}{with_own}"
        return Template(f"rows {name}", text, lambda down, *_: has(down), text)

    return (
        band("above", lambda down: (down < 0) & (down >= -rows)),
        band("below", lambda down: (down > 0) & (down <= rows)),
        band("around", lambda down: (down != 0) & (down.abs() <= rows)),
        band("around", lambda down: down.abs() <= rows, " and own row"),
    )


TEMPLATES: tuple[Template, ...] = (
    _fixed("self", lambda down, right: (down == 0) & (right == 0)),
    _fixed("left", lambda down, right: (down == 0) & (right == -1), "right"),
    _fixed("right", lambda down, right: (down == 0) & (right == 1), "left"),
    _fixed("up", lambda down, right: (down == -1) & (right == 0)),
    _fixed("down", lambda down, right: (down == 1) & (right == 0)),
    _fixed("3×3", lambda down, right: (down.abs() <= 1) & (right.abs() <= 1)),
    _fixed("own row", lambda down, right: (down == 0) & (right == right)),
    _fixed("row to the left", lambda down, right: (down == 0) & (right < 0), "row to the right"),
    _fixed("row to the right", lambda down, right: (down == 0) & (right > 0), "row to the left"),
    _fixed("own column", lambda down, right: (down == down) & (right == 0)),
    Template(
        "mirror in the row",
        "mirror in the row",
        lambda down, right, x, width: (down == 0) & (right == width - 1 - 2 * x),
        "mirror in the row",
    ),
    *(template for rows in range(1, _MOST_ROWS + 1) for template in _bands(rows)),
)
"""Every template; the place in this tuple is its number in a store."""


def targets(
    grid: Grid,
    sources: slice,
    device: torch.device,
    templates: tuple[Template, ...] = TEMPLATES,
) -> Tensor:
    """Which patches are targets of the patches ``sources``: ``(S, P, K)`` bool, K templates."""
    down, right, x = _offsets(grid, device)
    return torch.stack(
        [t.has(down[sources], right[sources], x[sources], grid[1]) for t in templates], -1
    )


def _offsets(grid: Grid, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """How far below and right of each source every patch lies ``(P, P)``; columns ``(P, 1)``."""
    rows = torch.arange(grid[0], device=device).repeat_interleave(grid[1])
    columns = torch.arange(grid[1], device=device).repeat(grid[0])
    return rows - rows[:, None], columns - columns[:, None], columns[:, None]


@lru_cache(maxsize=2)
def counts(grid: Grid) -> Tensor:
    """How many targets each patch has of each template: ``(P, K)`` int64, on the CPU."""
    return torch.cat(
        [
            targets(grid, slice(start, start + grid[1]), torch.device("cpu")).sum(1)
            for start in range(0, grid[0] * grid[1], grid[1])
        ]
    )
