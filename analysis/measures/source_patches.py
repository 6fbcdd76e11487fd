"""The source patches whose attention is kept of every image while an analysis runs."""

import numpy as np

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
