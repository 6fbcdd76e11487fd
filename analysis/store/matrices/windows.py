"""Windows within which the patches of a layer attend, as in Swin: which patches see each other.

Liu et al., "Swin Transformer" (ICCV 2021). Windows of every second layer are shifted. At the lower
and right edge such a window is cut: it joins parts of opposite edges, which do not see each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Pair = tuple[int, int]
"""Of rows and columns."""
WINDOW_ATTRIBUTES = ("stage", "window_height", "window_width", "window_shifts")


@dataclass(frozen=True)
class Windows:
    """The windows of one layer.

    Attributes
    ----------
    grid
        Patches of the image, a multiple of ``size``.
    size
        Patches of a window.
    shift
        How far down and right the first window begins; windows go on behind the edges.
    """

    grid: Pair
    size: Pair
    shift: Pair = (0, 0)

    def members(self) -> np.ndarray:
        """Patches of each window, row by row: ``(windows, height · width)`` int64."""
        numbers = np.arange(self.grid[0] * self.grid[1]).reshape(self.grid)
        return self._cut(np.roll(numbers, (-self.shift[0], -self.shift[1]), (0, 1)))

    def uncut(self) -> np.ndarray:
        """As :meth:`members`, of the windows that no edge of the image cuts; always some."""
        members = self.members().reshape(*self._windows, -1)
        return members[: self.uncut_rows, : self.uncut_columns].reshape(-1, members.shape[-1])

    def seen(self) -> np.ndarray:
        """Which patch sees which, ``(P, P)`` bool."""
        count = self.grid[0] * self.grid[1]
        seen = np.zeros((count, count), bool)
        far = self._cut(self._behind_an_edge())
        for members, part in zip(self.members(), far, strict=True):
            seen[members[:, None], members] = part[:, None] == part
        return seen

    @property
    def uncut_rows(self) -> int:
        """Rows of windows that are not cut."""
        return self._windows[0] - bool(self.shift[0])

    @property
    def uncut_columns(self) -> int:
        """Columns of windows that are not cut."""
        return self._windows[1] - bool(self.shift[1])

    @property
    def _windows(self) -> Pair:
        return self.grid[0] // self.size[0], self.grid[1] // self.size[1]

    def _behind_an_edge(self) -> np.ndarray:
        """Which of four parts each place of the shifted grid is from."""
        rows, columns = (np.arange(side) for side in self.grid)
        down, right = rows >= self.grid[0] - self.shift[0], columns >= self.grid[1] - self.shift[1]
        return 2 * down[:, None] + right

    def _cut(self, values: np.ndarray) -> np.ndarray:
        """A grid cut into windows, ``(windows, height · width)``."""
        (down, right), (height, width) = self._windows, self.size
        cut = values.reshape(down, height, right, width).swapaxes(1, 2)
        return cut.reshape(down * right, height * width)


def window_attributes(stage: int, layers: tuple[Windows, ...]) -> dict[str, str | int]:
    """What a store says of the windows of its layers."""
    height, width = layers[0].size
    shifts = " ".join("{},{}".format(*one.shift) for one in layers)
    return dict(zip(WINDOW_ATTRIBUTES, (stage, height, width, shifts), strict=True))


def windows_of(attrs: Mapping[str, Any], layers: int) -> tuple[Windows, ...]:
    """The windows of each layer of a store; none if its layers attend over the whole image.

    Raises
    ------
    ValueError
        If the attributes contradict each other.
    """
    given = [name for name in WINDOW_ATTRIBUTES if name in attrs]
    if not given:
        return ()
    if len(given) < len(WINDOW_ATTRIBUTES):
        raise ValueError(f"the attribute {given[0]!r} needs {', '.join(WINDOW_ATTRIBUTES)}")
    grid = int(attrs["grid_height"]), int(attrs["grid_width"])
    size = int(attrs["window_height"]), int(attrs["window_width"])
    shifts = [_pair(text) for text in str(attrs["window_shifts"]).split()]
    fits = len(shifts) == layers and all(map(_fits, [(grid, size, shift) for shift in shifts]))
    if not fits:
        raise ValueError(
            f"windows of {size[0]}×{size[1]} with shifts {str(attrs['window_shifts'])[:60]!r} do "
            f"not fit a grid of {grid[0]}×{grid[1]} in {layers} layers"
        )
    return tuple(Windows(grid, size, shift) for shift in shifts)


def _pair(text: str) -> Pair:
    down, _, right = text.partition(",")
    if not (down.isdecimal() and right.isdecimal() and len(text) < 12):
        return -1, -1
    return int(down), int(right)


def _fits(found: tuple[Pair, Pair, Pair]) -> bool:
    """Whether windows fill a grid, and some of them are not cut."""
    return all(
        side % length == 0 and 0 <= shift < length and (not shift or length < side)
        for side, length, shift in zip(*found, strict=True)
    )
