"""Very many points by cells: of most cells a shape encloses all points or none, untried."""

import numpy as np

from headbrush.server.tools.loops import kernels
from headbrush.server.tools.loops.in_parts import in_parts

SIDE = 255
"""Cells a side; with one number for points that are nowhere they fit two bytes."""
_NOWHERE = SIDE * SIDE
_FARTHEST = 1e9
"""Cells from the first to the corner of an outline that is worth following."""
Range = tuple[float, float, float, float]
OUTSIDE, INSIDE, EITHER = 0, 1, 2


class CellIndex:
    """Which cell of an even grid over all points each of them lies in.

    Attributes
    ----------
    points
        ``(n, 2)`` float32 or float64; rows with NaN lie in no cell.
    extent
        Range ``(x0, x1, y0, y1)`` of those that have a place; infinite of none.
    numbers
        ``(n,)`` uint16: place of each point's cell in ``(SIDE, SIDE)``, whose first row is the
        lowest.
    """

    def __init__(self, points: np.ndarray) -> None:
        self.points = coordinates(points)
        self.extent = self._extent()
        self._view = _with_room(self.extent)
        numbers = np.full(len(points), _NOWHERE, np.uint16)
        self._place = kernels.placement(self._view, SIDE, SIDE)
        in_parts(
            lambda begin, end: kernels.cell_numbers(
                self.points[begin:end], self._place, numbers[begin:end]
            ),
            len(points),
        )
        self.numbers = kernels.given(numbers, np.uint16)

    def _extent(self) -> Range:
        found = in_parts(
            lambda begin, end: kernels.extent(self.points[begin:end]), len(self.points)
        )
        x0, x1, y0, y1 = np.array(found).T
        return float(x0.min()), float(x1.max()), float(y0.min()), float(y1.max())

    def middles(self) -> np.ndarray:
        """``(SIDE², 2)`` float64, the middle of each cell."""
        x0, x1, y0, y1 = self._view
        share = (np.arange(SIDE) + 0.5) / SIDE
        places = np.meshgrid(x0 + share * (x1 - x0), y0 + share * (y1 - y0))
        return coordinates(np.stack(places, -1).reshape(-1, 2))

    def states(self, enclosed: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
        """Whether each cell lies inside a shape, outside, or perhaps in part.

        Parameters
        ----------
        enclosed
            ``(SIDE²,)`` bool: whether the shape encloses the middle of each cell.
        xs, ys
            Corners of its outline.

        Returns
        -------
        ``(SIDE² + 1,)`` uint8 of ``OUTSIDE``, ``INSIDE`` and ``EITHER``.
        """
        x0, per_x, y0, per_y, _, _ = self._place
        with np.errstate(over="ignore"):
            across, up = (xs - x0) * per_x, (ys - y0) * per_y
        states = np.append(enclosed, False).astype(np.uint8)
        if np.max(np.abs([across, up])) < _FARTHEST:
            cells = states[:-1].reshape(SIDE, SIDE)
            kernels.mark_outline(kernels.given(across, float), kernels.given(up, float), cells)
        else:
            states[:-1] = EITHER
        return kernels.given(states, np.uint8)


def _with_room(extent: Range) -> Range:
    """The same, with room where all points have one place, or none has any."""
    if not np.isfinite(extent).all():
        return 0.0, 1.0, 0.0, 1.0
    x0, x1, y0, y1 = extent
    return (x0, x1 if x0 < x1 else x0 + 1, y0, y1 if y0 < y1 else y0 + 1)


def coordinates(points: np.ndarray) -> np.ndarray:
    """Points ``(n, 2)`` for the loops, in their own precision, float32 or float64."""
    return kernels.given(points, np.float64 if points.dtype == np.float64 else np.float32)
