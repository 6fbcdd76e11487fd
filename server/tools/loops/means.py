"""Mean and standard deviation over rows, in one pass over their values."""

import numpy as np

from headbrush.server.tools.loops import kernels
from headbrush.server.tools.loops.in_parts import in_parts


def mean_and_deviation(
    values: np.ndarray, chosen: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation over the first axis, float64, as :func:`moments`."""
    return moments(values, chosen)[:2]


def moments(
    values: np.ndarray, chosen: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Mean and standard deviation over the first axis, float64, NaN without rows; and of how many.

    Rows without any value do not count.

    Parameters
    ----------
    values
        ``(m, n)``.
    chosen
        ``(m,)`` bool, the rows that are meant; None: all.
    """
    wanted = np.ones(len(values), bool) if chosen is None else chosen
    rows = kernels.given(values, np.float64 if values.dtype == np.float64 else np.float32)
    mask, middle = kernels.given(wanted, bool), _near(rows)
    sums = in_parts(lambda begin, end: _sums(rows[begin:end], mask[begin:end], middle), *rows.shape)
    count, apart, squares = (sum(part) for part in zip(*sums, strict=True))
    if not count:
        nothing = np.full(rows.shape[1], np.nan)
        return nothing, nothing, 0
    shift = apart / count
    deviation = np.sqrt(np.maximum(squares / count - shift * shift, 0))
    return middle + shift, deviation, int(count)


def _near(rows: np.ndarray) -> np.ndarray:
    """A value of each column, from which sums of squares stay exact; 0 where it has none."""
    return np.nan_to_num(rows[0].astype(float)) if len(rows) else np.zeros(rows.shape[1])


def _sums(
    rows: np.ndarray, mask: np.ndarray, middle: np.ndarray
) -> tuple[int, np.ndarray, np.ndarray]:
    apart, squares = np.zeros((2, rows.shape[1]))
    count = kernels.add_moments(rows, mask, middle, apart, squares)
    return count, apart, squares


def warm_up() -> None:
    """Compile the loop that the first mean needs."""
    mean_and_deviation(np.zeros((1, 1), np.float32))
