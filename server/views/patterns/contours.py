"""Contours of the patterns: lines that enclose shares of them (the paper's Fig. 10 and 13). Pure.

Patterns are counted on a grid and the counts smoothed, so that the cost beyond one pass over the
patterns, and what travels to the browser, do not depend on how many there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from contourpy import LineType, contour_generator

from headbrush.server.session.palette import NEUTRAL
from headbrush.server.tools.loops import kernels
from headbrush.server.views.patterns.density import Colouring, Range

SHARES = (0.98, 0.9, 0.75, 0.5, 0.25)
"""Of the patterns that are shown, enclosed by the lines of one colour."""
FEW_SHARES = (0.9, 0.5)
"""The same where every kind has lines of its own."""
_NO_MASK = kernels.given(np.empty(0), bool)
_CELL = 4
"""Pixels of a cell of the grid."""
_CELLS = (16, 400)
_SMOOTHING = 0.35
"""Width of the smoothing, as a share of what Scott's rule gives for one normal distribution."""
_SMOOTHED = (4.0, 24.0)
"""Least and greatest width of the smoothing, in pixels."""


@dataclass(frozen=True)
class Lines:
    """Lines in the coordinates of the layout, one entry each of a kind and a share.

    Attributes
    ----------
    xs, ys
        Corners, float32; NaN between rings.
    colours, widths
        ``#rrggbb`` and pixels.
    shares
        What each encloses.
    """

    xs: list[np.ndarray]
    ys: list[np.ndarray]
    colours: list[str]
    widths: list[float]
    shares: list[float]


def contours(
    points: np.ndarray,
    view: Range,
    size: tuple[int, int],
    colouring: Colouring,
    mask: np.ndarray | None,
    ramp: Sequence[str],
) -> Lines:
    """Draw contours of the points in ``view``.

    Parameters
    ----------
    points
        ``(n, 2)``; rows with NaN are not drawn.
    view, size
        Visible range ``(x0, x1, y0, y1)``, and its width and height in pixels.
    colouring
        Categories have lines in their colours; values are not shown.
    mask
        ``(n,)`` bool: these are drawn in colour over all in grey. None: all in colour.
    ramp
        Colours of the lines of one kind, from the widest to the narrowest.
    """
    grid = _Grid(view, size)
    points = kernels.given(points, np.float32)
    chosen = _NO_MASK if mask is None else kernels.given(mask, bool)
    lines = Lines([], [], [], [], [])
    if colouring.categories is None:
        count, total = grid.empty(1)[0], grid.empty(1)[0]
        kernels.add_counts(points, grid.placement, chosen, count)
        if mask is not None:
            kernels.add_counts(points, grid.placement, _NO_MASK, total)
            grid.draw(lines, total, [(share, NEUTRAL, 1.0) for share in FEW_SHARES])
        places = np.linspace(0, len(ramp) - 1, len(SHARES)).round().astype(int).tolist()
        strokes = [(s, str(ramp[p]), 1.5) for s, p in zip(SHARES, places, strict=True)]
        grid.draw(lines, count, strokes)
        return lines
    colours = list(dict.fromkeys(colouring.palette))
    kind_of = np.array([colours.index(one) for one in colouring.palette] or [0], np.int16)
    codes = np.asarray(colouring.categories)
    kinds = np.where(codes < 0, np.int16(-1), kind_of[codes]).astype(np.int16)
    counts = grid.empty(len(colours))
    kernels.add_kinds(points, grid.placement, chosen, kernels.given(kinds, np.int16), counts)
    if mask is not None:
        total = grid.empty(1)[0]
        kernels.add_counts(points, grid.placement, _NO_MASK, total)
        grid.draw(lines, total, [(share, NEUTRAL, 1.0) for share in FEW_SHARES])
    for colour, count in zip(colours, counts, strict=True):
        grid.draw(lines, count, [(FEW_SHARES[0], colour, 1.0), (FEW_SHARES[1], colour, 2.0)])
    return lines


def warm_up() -> None:
    """Compile the loop that the first contours of kinds need."""
    points, kinds = np.zeros((4, 2), np.float32), Colouring(np.zeros(4, int), ("#000000",))
    contours(points, (-1, 1, -1, 1), (64, 64), kinds, None, ("#000000",))


class _Grid:
    """Cells over the visible range and a margin, from which points spread into it."""

    def __init__(self, view: Range, size: tuple[int, int]) -> None:
        x0, x1, y0, y1 = view
        self._shape = [int(np.clip(side // _CELL, *_CELLS)) for side in size[::-1]]
        self._pixels = max(float(_CELL), size[1] / self._shape[0])  # of a cell
        margin = int(np.ceil(3 * _SMOOTHED[1] / self._pixels))
        self._inner = (slice(margin, -margin),) * 2
        steps = (y1 - y0) / self._shape[0], (x1 - x0) / self._shape[1]
        self._whole = [side + 2 * margin for side in self._shape]
        low = y0 - margin * steps[0], x0 - margin * steps[1]
        self._centres = [
            start + (np.arange(side) + 0.5) * step
            for start, side, step in zip(low, self._whole, steps, strict=True)
        ]
        wide = (
            low[1],
            low[1] + self._whole[1] * steps[1],
            low[0],
            low[0] + self._whole[0] * steps[0],
        )
        self.placement = kernels.placement(wide, self._whole[1], self._whole[0])

    def empty(self, kinds: int) -> np.ndarray:
        return np.zeros((kinds, *self._whole), np.uint32)

    def draw(
        self, lines: Lines, count: np.ndarray, strokes: Sequence[tuple[float, str, float]]
    ) -> None:
        """Add the lines of one kind: share, colour and width each."""
        from scipy.ndimage import gaussian_filter  # a server would start later

        seen = int(count[self._inner].sum())
        if not seen:
            return
        density = gaussian_filter(count.astype(np.float32), self._width(count), mode="constant")
        levels = mass_levels(density[self._inner], [share for share, _, _ in strokes])
        y, x = self._centres
        found = contour_generator(x, y, density, line_type=LineType.ChunkCombinedNan)
        for (share, colour, width), level in zip(strokes, levels, strict=True):
            (corners,) = found.lines(level)[0]
            if corners is not None:
                lines.xs.append(corners[:, 0].astype(np.float32))
                lines.ys.append(corners[:, 1].astype(np.float32))
                lines.colours.append(colour)
                lines.widths.append(width)
                lines.shares.append(share)

    def _width(self, count: np.ndarray) -> float:
        """Width of the smoothing in cells: the fewer points, the wider."""
        inner = count[self._inner]
        number = inner.sum()
        spreads = []
        for axis in (0, 1):
            along = inner.sum(1 - axis)
            at = np.arange(len(along))
            mean = (along * at).sum() / number
            spreads.append(np.sqrt((along * (at - mean) ** 2).sum() / number))
        scott = float(np.mean(spreads)) * float(number) ** (-1 / 6)
        return float(np.clip(_SMOOTHING * scott * self._pixels, *_SMOOTHED)) / self._pixels


def mass_levels(density: np.ndarray, shares: Sequence[float]) -> list[float]:
    """Levels above which a share each of the whole density lies."""
    falling = np.sort(density, axis=None)[::-1].astype(float)
    enclosed = np.cumsum(falling) / falling.sum()
    return [float(falling[np.searchsorted(enclosed, share)]) for share in shares]
