"""The pattern overview as one pure function: points, range, size, colour and mask in, image out.

Drawn by datashader, so cost and traffic do not depend on what the browser can hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import datashader as ds
import numpy as np
import pandas as pd
import xarray as xr
from datashader import transfer_functions as tf
from scipy.ndimage import maximum_filter

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
    ramp: Sequence[str] = DENSITY_RAMP,
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
    ramp
        Colours of counts, from few to many.

    Returns
    -------
    ``(height, width)`` uint32 RGBA, first row at the bottom.
    """
    canvas = _canvas(view, size)
    if mask is None:
        return _draw(canvas, points, colouring, flat, ramp)
    below = _flat(_count(canvas, points), NEUTRAL, 90)
    chosen = Colouring(
        _masked(colouring.categories, mask), colouring.palette,
        _masked(colouring.values, mask), colouring.span,
    )  # fmt: skip
    return _over(_draw(canvas, points[mask], chosen, flat, ramp), below)


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


def _draw(
    canvas: ds.Canvas,
    points: np.ndarray,
    colouring: Colouring,
    flat: bool,
    ramp: Sequence[str],
) -> np.ndarray:
    if colouring.categories is not None:
        kinds = pd.Categorical.from_codes(
            colouring.categories, [str(kind) for kind in range(len(colouring.palette))]
        )
        total = canvas.points(_frame(points, kind=kinds), "x", "y", ds.count_cat("kind"))
        alpha = 255 if flat else 110
        image = tf.shade(total, color_key=list(colouring.palette), min_alpha=alpha)
        return _spread(_pixels(image))
    if colouring.values is not None:
        mean = canvas.points(_frame(points, value=colouring.values), "x", "y", ds.mean("value"))
        image = tf.shade(mean, value_colours(), how="linear", span=colouring.span)
        return _spread(_pixels(image))
    count = _count(canvas, points)
    return _flat(count, ramp[-2], 255) if flat else _dense(count, ramp)


def _count(canvas: ds.Canvas, points: np.ndarray) -> xr.DataArray:
    count = canvas.points(_frame(points), "x", "y", ds.count())
    return count.copy(data=_spread(count.values))


def _spread(pixels: np.ndarray) -> np.ndarray:
    """Widen pixels to discs where few are filled, so that single points stay visible.

    Of neighbours the largest value wins: the highest count, or in RGBA any colour over none.
    """
    share = np.count_nonzero(pixels) / pixels.size
    radius = 3 if share < 0.01 else 2 if share < 0.03 else 1 if share < 0.15 else 0
    if not share or not radius or min(pixels.shape) < 2 * radius + 1:
        return pixels
    offset = np.arange(-radius, radius + 1)
    disc = np.hypot(offset[:, None], offset[None, :]) < radius + 0.5
    return maximum_filter(pixels, footprint=disc, mode="constant")


def _dense(count: xr.DataArray, ramp: Sequence[str]) -> np.ndarray:
    if not count.values.any():
        return np.zeros(count.shape, np.uint32)
    return _pixels(tf.shade(count, cmap=list(ramp), how="eq_hist"))


def _flat(count: xr.DataArray, colour: str, alpha: int) -> np.ndarray:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    rgba = np.uint32(alpha << 24 | blue << 16 | green << 8 | red)
    return np.where(count.values > 0, rgba, np.uint32(0))


def _pixels(image) -> np.ndarray:
    pixels = np.ascontiguousarray(image.values, np.uint32)
    return np.where(pixels >> 24, pixels, 0)


def _over(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Lay one RGBA image over another where it has colour."""
    return np.where(above >> 24, above, below)
