"""The pattern overview as one pure function: points, range, size, colour and mask in, image out.

Drawn by datashader, so cost and traffic do not depend on what the browser can hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import datashader as ds
import numpy as np
import pandas as pd
from datashader import transfer_functions as tf

from .palette import DENSITY_RAMP, NEUTRAL, value_colours

Range = tuple[float, float, float, float]


@dataclass(frozen=True)
class Colouring:
    """What colours the points.

    Attributes
    ----------
    categories, palette
        ``(n,)`` int category of every point, and a colour each.
    values, span
        ``(n,)`` value of every point, shown as the mean of a pixel over the range ``span``.
    """

    categories: np.ndarray | None = None
    palette: Sequence[str] = ()
    values: np.ndarray | None = None
    span: tuple[float, float] = (0.0, 1.0)


COUNT = Colouring()


def render(
    points: np.ndarray,
    view: Range,
    size: tuple[int, int],
    colouring: Colouring = COUNT,
    mask: np.ndarray | None = None,
    flat: bool = False,
) -> np.ndarray:
    """Draw points as a density.

    Parameters
    ----------
    points
        ``(n, 2)``; rows with NaN are not drawn.
    view
        Visible range ``(x0, x1, y0, y1)``.
    size
        Pixels ``(width, height)``.
    mask
        ``(n,)`` bool: these are drawn in colour over the others in grey. None: all in colour.
    flat
        Draw every pixel that holds a point alike, as a scatter plot would.

    Returns
    -------
    ``(height, width)`` uint32 RGBA, first row at the bottom.
    """
    canvas = _canvas(view, size)
    if mask is None:
        return _draw(canvas, points, colouring, flat)
    below = _shade(_spread(canvas.points(_frame(points), "x", "y", ds.count())), [NEUTRAL], 90)
    chosen = Colouring(
        _masked(colouring.categories, mask), colouring.palette,
        _masked(colouring.values, mask), colouring.span,
    )  # fmt: skip
    return _over(_draw(canvas, points[mask], chosen, flat), below)


def warm_up() -> None:
    """Compile what a first call would have to wait for."""
    points = np.random.default_rng(0).random((10, 2), np.float32)
    kinds = Colouring(categories=np.arange(10) % 2, palette=("red", "blue"))
    for colouring in (COUNT, kinds, Colouring(values=points[:, 0])):
        render(points, (0, 1, 0, 1), (4, 4), colouring, np.arange(10) < 5)


def _canvas(view: Range, size: tuple[int, int]) -> ds.Canvas:
    x0, x1, y0, y1 = view
    return ds.Canvas(max(1, size[0]), max(1, size[1]), x_range=(x0, x1), y_range=(y0, y1))


def _frame(points: np.ndarray, **columns: object) -> pd.DataFrame:
    # contiguous copies: numba compiles anew for strided and for read-only columns
    given = {"x": points[:, 0], "y": points[:, 1]} | columns
    return pd.DataFrame({name: _owned(column) for name, column in given.items()})


def _owned(column):
    return np.array(column) if isinstance(column, np.ndarray) else column


def _masked(values: np.ndarray | None, mask: np.ndarray) -> np.ndarray | None:
    return None if values is None else values[mask]


def _draw(canvas: ds.Canvas, points: np.ndarray, colouring: Colouring, flat: bool) -> np.ndarray:
    count = canvas.points(_frame(points), "x", "y", ds.count())
    if colouring.categories is not None:
        kinds = pd.Categorical.from_codes(
            colouring.categories, [str(kind) for kind in range(len(colouring.palette))]
        )
        total = canvas.points(_frame(points, kind=kinds), "x", "y", ds.count_cat("kind"))
        alpha = 255 if flat else 110
        image = tf.shade(_spread(total), color_key=list(colouring.palette), min_alpha=alpha)
        return _pixels(image)
    if colouring.values is not None:
        mean = canvas.points(_frame(points, value=colouring.values), "x", "y", ds.mean("value"))
        return _pixels(tf.shade(_spread(mean), value_colours(), how="linear", span=colouring.span))
    if flat:
        return _shade(_spread(count), [DENSITY_RAMP[-2]], 255)
    return _shade(_spread(count), list(DENSITY_RAMP), 255)


def _spread(aggregate):
    """Widen pixels where few hold a point, so that single points stay visible."""
    values = aggregate.values if aggregate.ndim == 2 else aggregate.values.sum(-1)
    filled = np.count_nonzero(np.nan_to_num(values))
    share = filled / values.size
    width = 3 if share < 0.01 else 2 if share < 0.03 else 1 if share < 0.15 else 0
    how = "max" if aggregate.dtype.kind == "f" else "add"
    return tf.spread(aggregate, px=width, how=how) if width and min(values.shape) > 1 else aggregate


def _shade(count, colours: list[str], min_alpha: int) -> np.ndarray:
    if not count.values.any():
        return np.zeros(count.shape, np.uint32)
    ramp = colours if len(colours) > 1 else colours[0]
    how = "eq_hist" if len(colours) > 1 else "linear"
    alpha = {"alpha": min_alpha} if len(colours) == 1 else {"min_alpha": min_alpha}
    if len(colours) == 1:
        count = count.astype(bool).astype(np.uint32)
    return _pixels(tf.shade(count, cmap=ramp, how=how, **alpha))


def _pixels(image) -> np.ndarray:
    pixels = np.ascontiguousarray(image.values, np.uint32)
    return np.where(pixels >> 24, pixels, 0)


def _over(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Lay one RGBA image over another where it has colour."""
    return np.where(above >> 24, above, below)
