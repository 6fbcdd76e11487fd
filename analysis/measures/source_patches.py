"""The source patches whose attention is kept of every image while an analysis runs."""

import numpy as np

from headbrush.analysis.store.matrices.windows import Windows

SOURCES = 16


def source_patches(grid: tuple[int, int], most: int = SOURCES) -> np.ndarray:
    """At most ``most`` patches that lie evenly over the grid; all, where there are no more.

    The grid is cut into cells. Each has one patch, at another height and another width of the cell
    than its neighbours', so that the patches share few rows and columns. Ascending numbers ``(S,)``
    int64, row by row.
    """
    height, width = grid
    if height * width <= most:
        return np.arange(height * width)
    down = int(np.clip(round((most * height / width) ** 0.5), 1, min(height, most)))
    across = min(most // down, width)
    row, column = np.divmod(np.arange(down * across), across)
    y = ((row + (column + 0.5) / across) * height / down).astype(int)
    x = ((column + (row + 0.5) / down) * width / across).astype(int)
    return np.unique(y * width + x)


def source_windows(windows: Windows, most: int = SOURCES) -> tuple[np.ndarray, np.ndarray]:
    """Source patches ``(S,)`` as :func:`source_patches`, and the patches of their windows.

    They lie in windows that no edge cuts. The second is ``(S, height · width)``.
    """
    (height, width), members = windows.size, windows.uncut()
    across = windows.uncut_columns
    area = windows.uncut_rows * height, across * width
    row, column = np.divmod(source_patches(area, most), area[1])
    targets = members[row // height * across + column // width]
    within = row % height * width + column % width
    return targets[np.arange(len(targets)), within], targets
