"""The pattern overview as one pure function: points, range, size, colour and mask in, image out.

Drawn on the server, so traffic does not depend on the number of points. One pass over the points
adds up all of them and those of the mask, without a copy of any; the shades are datashader's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from datashader.colors import rgb
from datashader.transfer_functions import eq_hist

from . import kernels
from .palette import DENSITY_RAMP, NEUTRAL, value_colours

Range = tuple[float, float, float, float]
_WEAKEST = 110
"""Alpha of a pixel with the fewest points of all, where the colour tells the category."""
_GREY = 90


@dataclass(frozen=True)
class Colouring:
    """What colours the points.

    Attributes
    ----------
    categories, palette
        ``(n,)`` int category of every point, and a colour each; the negative are not drawn.
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
    width, height = max(1, size[0]), max(1, size[1])
    place = kernels.placement(view, width, height)
    points = kernels.given(points, np.float32)
    chosen = kernels.given(np.empty(0, bool) if mask is None else mask, bool)
    total = np.zeros((height, width), np.uint32)
    if colouring.categories is not None:
        image = _by_category(points, place, chosen, colouring, flat, total)
    elif colouring.values is not None:
        image = _by_value(points, place, chosen, colouring, total)
    else:
        image = _by_count(points, place, chosen, flat, ramp, total)
    if mask is None:
        return image
    return _over(image, _one_colour(_spread(total), NEUTRAL, _GREY))


def warm_up() -> None:
    """Compile what a first call would have to wait for."""
    points = np.random.default_rng(0).random((10, 2), np.float32)
    kinds = Colouring(categories=np.arange(10) % 2, palette=("red", "blue"))
    for colouring in (COUNT, kinds, Colouring(values=points[:, 0])):
        render(points, (0, 1, 0, 1), (40, 40), colouring, np.arange(10) < 5)


def _by_count(points, place, mask, flat, ramp, total) -> np.ndarray:
    count = np.zeros_like(total)
    kernels.add_counts(points, place, mask, count, total)
    count = _spread(count)
    return _one_colour(count, ramp[-2], 255) if flat else _dense(count, ramp)


def _by_category(points, place, mask, colouring, flat, total) -> np.ndarray:
    """The mean colour of a pixel's points, the stronger the more there are."""
    exact = np.uint32 if len(points) < 1 << 24 else np.uint64  # sums of up to 255 a point
    sums = np.zeros((*total.shape, 4), exact)  # red, green, blue and count
    colours = np.array([(*rgb(colour), 1) for colour in colouring.palette], exact).reshape(-1, 4)
    codes = kernels.given(colouring.categories, np.int16)
    kernels.add_colours(points, place, mask, codes, colours, sums, total)
    image = np.zeros(total.shape, np.uint32)
    filled = sums[..., 3] > 0
    found = sums[filled]
    count = found[:, 3]
    mean = (found[:, :3] // np.maximum(count, 1)[:, None]).astype(np.uint32)
    alpha = 255
    if not flat:
        alpha = (_WEAKEST + _rank(count) * (255 - _WEAKEST)).astype(np.uint32)
    image[filled] = _packed(*mean.T, alpha)
    return _spread(image)


def _by_value(points, place, mask, colouring, total) -> np.ndarray:
    sums = np.zeros((*total.shape, 2))  # of values, and how many
    values = kernels.given(colouring.values, np.float32)
    kernels.add_values(points, place, mask, values, sums, total)
    image = np.zeros(total.shape, np.uint32)
    filled = sums[..., 1] > 0
    found = sums[filled]
    low, high = colouring.span
    share = (found[:, 0] / found[:, 1] - low) / ((high - low) or 1.0)
    image[filled] = _shades(np.clip(share, 0, 1), tuple(value_colours()))
    return _spread(image)


def _dense(count: np.ndarray, ramp: Sequence[str]) -> np.ndarray:
    image = np.zeros(count.shape, np.uint32)
    filled = count > 0
    image[filled] = _shades(_rank(count[filled]), tuple(ramp))
    return image


def _rank(counts: np.ndarray) -> np.ndarray:
    """Histogram equalisation to 0–1: from the rarest fullness of a pixel to the greatest."""
    if not len(counts):
        return np.zeros(0)
    largest = int(counts.max())
    if largest >= 1 << 16:
        levels = eq_hist(counts)[0]
        least = levels.min()
    else:
        share = np.cumsum(np.bincount(counts.astype(np.int64))) / len(counts)
        levels, least = share[counts], share[counts.min()]
    return (levels - least) / (1 - least) if least < 1 else np.ones(len(counts))


def _shades(shares: np.ndarray, ramp: tuple[str, ...]) -> np.ndarray:
    """RGBA of places from 0 to 1 on a ramp."""
    table = _table(ramp)
    return table[(shares * (len(table) - 1) + 0.5).astype(np.int32)]


@lru_cache(maxsize=16)
def _table(ramp: tuple[str, ...], steps: int = 4096) -> np.ndarray:
    """A ramp in steps that are finer than its 8 bits a channel."""
    places = np.linspace(0, len(ramp) - 1, steps)
    channels = np.array([rgb(colour) for colour in ramp]).T
    return _packed(*(np.interp(places, np.arange(len(ramp)), channel) for channel in channels))


def _packed(red, green, blue, alpha=255) -> np.ndarray:
    parts = (np.asarray(part).astype(np.uint32) for part in (red, green, blue, alpha))
    red, green, blue, alpha = parts
    return alpha << 24 | blue << 16 | green << 8 | red


def _spread(pixels: np.ndarray) -> np.ndarray:
    """Widen pixels to discs where few are filled, so that single points stay visible.

    Of neighbours the largest value wins: the highest count, or in RGBA any colour over none.
    """
    share = np.count_nonzero(pixels) / pixels.size
    radius = 3 if share < 0.01 else 2 if share < 0.03 else 1 if share < 0.15 else 0
    if not share or not radius or min(pixels.shape) < 2 * radius + 1:
        return pixels
    return kernels.widened(pixels, radius)


def _one_colour(count: np.ndarray, colour: str, alpha: int) -> np.ndarray:
    return np.where(count > 0, _packed(*rgb(colour), alpha), np.uint32(0))


def _over(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Lay one RGBA image over another where it has colour."""
    return np.where(above >> 24, above, below)
