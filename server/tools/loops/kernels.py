"""Loops over points, compiled by numba: many millions a second, without a copy, without the GIL.

Arrays are given as not writable and contiguous, so that each loop is compiled once; it is kept
beside this file, or where ``NUMBA_CACHE_DIR`` says, for the next start. A kept loop names its
module, which has one name wherever it is imported.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numpy as np
from numba import njit

P = ParamSpec("P")
T = TypeVar("T")
Place = tuple[float, float, float, float, int, int]


def _compiled(loop: Callable[P, T]) -> Callable[P, T]:
    """Compile a loop; the machine code is cached if a cache folder is writable."""
    try:
        return njit(nogil=True, cache=True)(loop)
    except RuntimeError:  # numba's error for a cache folder that is not writable
        return njit(nogil=True)(loop)


def given(values: np.ndarray, dtype: type) -> np.ndarray:
    """A view for the loops; a copy only of what is not contiguous or of another type."""
    view = np.ascontiguousarray(values, dtype).view()
    view.setflags(write=False)
    return view


def placement(view: tuple[float, float, float, float], width: int, height: int) -> Place:
    """How coordinates become pixels: origin and pixels a unit of both axes, and the size."""
    x0, x1, y0, y1 = view
    return float(x0), width / (x1 - x0), float(y0), height / (y1 - y0), width, height


@njit(nogil=True, inline="always")
def _pixel(x, y, placement):
    """Column and row of a point; a point on the far edge belongs to the last; -1 outside."""
    x0, per_x, y0, per_y, width, height = placement
    column, row = (x - x0) * per_x, (y - y0) * per_y
    if not (0 <= column <= width and 0 <= row <= height):
        return -1, -1
    return min(int(column), width - 1), min(int(row), height - 1)


@_compiled
def add_counts(points, placement, mask, count):
    """Count the points of ``mask``, all without one, in ``count``."""
    every = len(mask) == 0
    for i in range(len(points)):
        if not (every or mask[i]):
            continue
        column, row = _pixel(points[i, 0], points[i, 1], placement)
        if column >= 0:
            count[row, column] += 1


@_compiled
def add_colours(points, placement, mask, codes, colours, sums):
    """Add up each pixel's colours, rows of ``colours``; a negative code means no point."""
    every = len(mask) == 0
    for i in range(len(points)):
        if codes[i] < 0 or not (every or mask[i]):
            continue
        column, row = _pixel(points[i, 0], points[i, 1], placement)
        if column >= 0:
            for channel in range(4):
                sums[row, column, channel] += colours[codes[i], channel]


@_compiled
def add_values(points, placement, mask, values, sums):
    """Sum and count of each pixel's values, without NaN."""
    every = len(mask) == 0
    for i in range(len(points)):
        if values[i] != values[i] or not (every or mask[i]):
            continue
        column, row = _pixel(points[i, 0], points[i, 1], placement)
        if column >= 0:
            sums[row, column, 0] += values[i]
            sums[row, column, 1] += 1


@_compiled
def add_kinds(points, placement, mask, kinds, counts):
    """Count the points of ``mask``, all without one, by kind, the first axis of ``counts``."""
    every = len(mask) == 0
    for i in range(len(points)):
        if kinds[i] < 0 or not (every or mask[i]):
            continue
        column, row = _pixel(points[i, 0], points[i, 1], placement)
        if column >= 0:
            counts[kinds[i], row, column] += 1


@_compiled
def widened(pixels, radius):
    """Each filled pixel as a disc; where discs overlap the largest value wins."""
    height, width = pixels.shape
    wide = np.zeros_like(pixels)
    reach = (radius + 0.5) ** 2
    for row in range(height):
        for column in range(width):
            value = pixels[row, column]
            if value == 0:
                continue
            for down in range(max(0, row - radius), min(height, row + radius + 1)):
                for right in range(max(0, column - radius), min(width, column + radius + 1)):
                    far = (down - row) ** 2 + (right - column) ** 2
                    if far < reach and wide[down, right] < value:
                        wide[down, right] = value
    return wide


@_compiled
def nearest(points, x, y, per_x, per_y):
    """Number of the point nearest to a place, -1 of none, and its squared distance in pixels."""
    found, least = -1, np.inf
    for i in range(len(points)):
        across, down = (points[i, 0] - x) * per_x, (points[i, 1] - y) * per_y
        distance = across * across + down * down
        if distance < least:
            found, least = i, distance
    return found, least


@_compiled
def extent(points):
    """Range ``(x0, x1, y0, y1)`` of the points that have a place; infinite of none."""
    x0, x1, y0, y1 = np.inf, -np.inf, np.inf, -np.inf
    for i in range(len(points)):
        x, y = np.float64(points[i, 0]), np.float64(points[i, 1])
        if x == x and y == y:
            x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
    return x0, x1, y0, y1


@_compiled
def cell_numbers(points, placement, numbers):
    """Number the cell of each point, row by row; what has no place keeps its number.

    No point lies farther out than its placement says, but by rounding.
    """
    x0, per_x, y0, per_y, width, height = placement
    for i in range(len(points)):
        column, row = (points[i, 0] - x0) * per_x, (points[i, 1] - y0) * per_y
        if column == column and row == row:
            numbers[i] = min(int(row), height - 1) * width + min(int(column), width - 1)


@_compiled
def points_in_box(points, box, found):
    """Say 1 of points within ``(x0, x1, y0, y1)``, edges included, else 0."""
    x0, x1, y0, y1 = box
    for i in range(len(points)):
        x, y = points[i, 0], points[i, 1]
        found[i] = (x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)


@_compiled
def points_in_polygon(points, xs, ys, per_y, starts, edges, numbers, states, found):
    """Say 1 of points that a polygon encloses by the even-odd rule, else 0.

    A point is tried against the edges of its own horizontal stripe only, ``per_y`` stripes a unit:
    those of stripe ``s`` are ``edges[starts[s]:starts[s + 1]]``, edge ``e`` running from corner
    ``e`` to the next one. Points of most cells need no trial: where ``numbers`` tell the cell of
    each point, ``states`` says of each cell that it lies outside (0), inside (1), or either (2).
    """
    if len(numbers):
        for i in range(len(points)):
            found[i] = states[numbers[i]]
    else:
        found[:] = 2
    x0, x1, y0, y1 = xs.min(), xs.max(), ys.min(), ys.max()
    stripes = len(starts) - 1
    for i in range(len(points)):
        if found[i] != 2:
            continue
        found[i] = 0
        x, y = np.float64(points[i, 0]), np.float64(points[i, 1])
        if not ((x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)):
            continue
        stripe = min(int((y - y0) * per_y), stripes - 1)
        odd = False
        for at in range(starts[stripe], starts[stripe + 1]):
            first = edges[at]
            last = first + 1 if first + 1 < len(xs) else 0
            xa, ya, xb, yb = xs[first], ys[first], xs[last], ys[last]
            if (ya > y) != (yb > y) and x < (xb - xa) * ((y - ya) / (yb - ya)) + xa:
                odd = not odd
        found[i] = odd


@_compiled
def mark_outline(xs, ys, cells):
    """Set to 2 all cells that a polygon's outline meets, whose corners are in units of cells.

    Cells count as larger by a hundredth on each side, so that no rounding matters.
    """
    count, more = len(cells), 0.01
    for first in range(len(xs)):
        last = first + 1 if first + 1 < len(xs) else 0
        xa, ya, xb, yb = xs[first], ys[first], xs[last], ys[last]
        low, high = min(ya, yb), max(ya, yb)
        for row in range(max(0, int(low - more)), min(count, int(high + more) + 1)):
            begin, end = max(low, row - more), min(high, row + 1 + more)
            left, right = min(xa, xb), max(xa, xb)
            if begin > low or end < high:  # only a part of the edge is near this row
                at_begin = xa + (xb - xa) * ((begin - ya) / (yb - ya))
                at_end = xa + (xb - xa) * ((end - ya) / (yb - ya))
                left, right = min(at_begin, at_end), max(at_begin, at_end)
            for column in range(max(0, int(left - more)), min(count, int(right + more) + 1)):
                cells[row, column] = 2


@_compiled
def tally(patterns, images, heads):
    """Keep patterns whose image and head are both allowed, in place; count the rest of each."""
    image_count = np.zeros(len(images), np.int64)
    head_count = np.zeros(len(heads), np.int64)
    for image in range(len(images)):
        for head in range(len(heads)):
            kept = patterns[image, head] & images[image] & heads[head]
            patterns[image, head] = kept
            image_count[image] += kept
            head_count[head] += kept
    return image_count, head_count


@_compiled
def add_moments(rows, mask, middle, sums, squares):
    """Sums of what the rows of ``mask`` differ by from ``middle``, and of its squares; their count.

    Rows without any value do not count.
    """
    count = 0
    for i in range(len(rows)):
        if not mask[i]:
            continue
        is_known = False
        for j in range(rows.shape[1]):
            if rows[i, j] == rows[i, j]:
                is_known = True
                break
        if not is_known:
            continue
        count += 1
        for j in range(rows.shape[1]):
            apart = np.float64(rows[i, j]) - middle[j]
            sums[j] += apart
            squares[j] += apart * apart
    return count


@_compiled
def lay_discs(places, radii, weights, kinds, shown, strength):
    """Lay discs over each other, in their order, ``places`` in pixels from the lower left.

    ``strength`` becomes the opacity of the strongest disc at each pixel, ``shown`` the kind of the
    uppermost that covers at least half of it.
    """
    height, width = shown.shape
    for i in range(len(places)):
        x, y, reach = places[i, 0], places[i, 1], radii[i] + 0.5
        if not (-reach < x < width + reach and -reach < y < height + reach):
            continue
        for row in range(max(0, int(y - reach)), min(height, int(y + reach) + 1)):
            for column in range(max(0, int(x - reach)), min(width, int(x + reach) + 1)):
                square = (column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2
                if square >= reach * reach:
                    continue
                cover = min(reach - np.sqrt(square), 1.0)
                if cover >= 0.5 or shown[row, column] < 0:
                    shown[row, column] = kinds[i]
                strength[row, column] = max(strength[row, column], cover * weights[i])
