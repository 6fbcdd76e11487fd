"""The pattern overview as one pure function: points, range, size, colour and mask in, image out.

Drawn on the server, so traffic does not depend on the number of points. One pass over the points
adds up all of them and those of the mask, without a copy of any; the shades are datashader's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from headbrush.server.session.palette import DENSITY_RAMP, NEUTRAL, rgb, value_colours
from headbrush.server.tools.loops import kernels
from headbrush.server.tools.loops.in_parts import in_parts

Range = tuple[float, float, float, float]
_WEAKEST = 110
"""Alpha of a pixel with the fewest points of all, where the colour tells the category."""
GREY = 90
"""Alpha of patterns that are not brushed."""
_NO_MASK = kernels.given(np.empty(0), bool)
_CLEAR, _OTHER, _FIRST = 0, 1, 2
"""Places in a picture's colours: no point, points in grey, and from there on a ramp."""
_STEPS = 254


@dataclass(frozen=True)
class Colouring:
    """The colouring of points.

    Attributes
    ----------
    categories, palette
        ``(n,)`` int category of every point, and a ``#rrggbb`` each; negative ones are not drawn.
        Of values the palette is their ramp, by default that of values without a sign.
    values, span
        ``(n,)`` value of every point, shown as the mean of a pixel over the range ``span``.
    """

    categories: np.ndarray | None = None
    palette: Sequence[str] = ()
    values: np.ndarray | None = None
    span: tuple[float, float] = (0.0, 1.0)

    @property
    def ramp(self) -> Sequence[str]:
        """Colours of values, from the least to the largest."""
        return self.palette or value_colours()


COUNT = Colouring()


@dataclass(frozen=True)
class Picture:
    """A picture: with few colours, one byte per pixel, a quarter of RGBA.

    Attributes
    ----------
    pixels
        ``(height, width)``, first row at the bottom: uint8 places in ``colours``, or, where these
        are none, uint32 RGBA.
    colours
        Up to 256 uint32 RGBA.
    """

    pixels: np.ndarray
    colours: np.ndarray

    def rgba(self) -> np.ndarray:
        """``(height, width)`` uint32."""
        return self.colours[self.pixels] if len(self.colours) else self.pixels

    def palette(self) -> list[str]:
        """The colours as ``#rrggbbaa``."""
        parts = self.colours.astype("<u4").view(np.uint8).reshape(-1, 4)
        return ["#" + part.tobytes().hex() for part in parts]


def draw(
    points: np.ndarray,
    view: Range,
    size: tuple[int, int],
    colouring: Colouring = COUNT,
    mask: np.ndarray | None = None,
    flat: bool = False,
    ramp: Sequence[str] = DENSITY_RAMP,
    total: np.ndarray | None = None,
) -> Picture:
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
    total
        What :func:`counts` says of these points; known, only those of a mask are counted.
    """
    width, height = max(1, size[0]), max(1, size[1])
    placement = kernels.placement(view, width, height)
    points = kernels.given(points, np.float32)
    chosen = _NO_MASK if mask is None else kernels.given(mask, bool)
    colours, other = np.empty(0, np.uint32), _other()
    if colouring.categories is not None:
        pixels = _by_category(points, placement, chosen, colouring, flat)
    else:
        other = np.uint8(_OTHER)
        if colouring.values is not None:
            pixels = _by_value(points, placement, chosen, colouring)
            colours = _colours(tuple(colouring.ramp))
        else:
            pixels = _by_count(points, placement, chosen, flat)
            colours = _colours((ramp[-2],) if flat else tuple(ramp))
    if mask is not None:
        every = _counts(points, placement, _NO_MASK) if total is None else total
        pixels = np.where(pixels, pixels, np.where(_spread(every), other, pixels.dtype.type(0)))
    return Picture(pixels, colours)


def counts(points: np.ndarray, view: Range, size: tuple[int, int]) -> np.ndarray:
    """``(height, width)`` uint32, how many of the points lie in each pixel; as :func:`draw`."""
    placement = kernels.placement(view, max(1, size[0]), max(1, size[1]))
    return _counts(kernels.given(points, np.float32), placement, _NO_MASK)


def _counts(points: np.ndarray, placement: kernels.Place, mask: np.ndarray) -> np.ndarray:
    return _added(
        lambda part, into: kernels.add_counts(points[part], placement, mask[part], into),
        len(points), np.zeros(_shape(placement), np.uint32),
    )  # fmt: skip


def _shape(placement: kernels.Place) -> tuple[int, int]:
    """Rows and columns of the picture."""
    return placement[5], placement[4]


def warm_up() -> None:
    """Compile the loops that the first call needs."""
    points = np.random.default_rng(0).random((10, 2), np.float32)
    by_category = Colouring(categories=np.arange(10) % 2, palette=("#ff0000", "#0000ff"))
    for colouring in (COUNT, by_category, Colouring(values=points[:, 0])):
        draw(points, (0, 1, 0, 1), (40, 40), colouring, np.arange(10) < 5)


def _by_count(points, placement, mask, flat) -> np.ndarray:
    count = _spread(_counts(points, placement, mask))
    filled = count > 0
    shades = np.zeros(count.shape, np.uint8)
    shades[filled] = _FIRST if flat else _on_ramp(_rank(count[filled]))
    return shades


def _by_category(points, placement, mask, colouring, flat) -> np.ndarray:
    """The mean colour of a pixel's points, the stronger the more there are."""
    shape = _shape(placement)
    exact = np.uint32 if len(points) < 1 << 24 else np.uint64  # sums of up to 255 a point
    colours = np.array([(*rgb(colour), 1) for colour in colouring.palette], exact).reshape(-1, 4)
    codes = kernels.given(colouring.categories, np.int16)
    sums = _added(
        lambda part, into: kernels.add_colours(
            points[part], placement, mask[part], codes[part], colours, into
        ),
        len(points), np.zeros((*shape, 4), exact),
    )  # fmt: skip
    image = np.zeros(shape, np.uint32)
    filled = sums[..., 3] > 0
    colour_sums = sums[filled]
    count = colour_sums[:, 3]
    mean = (colour_sums[:, :3] // np.maximum(count, 1)[:, None]).astype(np.uint32)
    alpha = 255
    if not flat:
        alpha = (_WEAKEST + _rank(count) * (255 - _WEAKEST)).astype(np.uint32)
    red, green, blue = mean.T
    image[filled] = packed(red, green, blue, alpha)
    return _spread(image)


def _by_value(points, placement, mask, colouring) -> np.ndarray:
    shape = _shape(placement)
    values = kernels.given(colouring.values, np.float32)
    sums = _added(
        lambda part, into: kernels.add_values(
            points[part], placement, mask[part], values[part], into
        ),
        len(points), np.zeros((*shape, 2)),
    )  # fmt: skip
    shades = np.zeros(shape, np.uint8)
    filled = sums[..., 1] > 0
    value_sums = sums[filled]
    low, high = colouring.span
    share = (value_sums[:, 0] / value_sums[:, 1] - low) / ((high - low) or 1.0)
    shades[filled] = _on_ramp(np.clip(share, 0, 1))
    return _spread(shades)


def _added(loop: Callable[[slice, np.ndarray], None], count: int, empty: np.ndarray) -> np.ndarray:
    """Sums like ``empty``, zeros, by a loop over parts of ``count`` points, which adds to them."""

    def work(begin: int, end: int) -> np.ndarray:
        sums = np.zeros_like(empty)
        loop(slice(begin, end), sums)
        return sums

    sums, *others = in_parts(work, count)
    for more in others:
        sums += more
    return sums


def _rank(counts: np.ndarray) -> np.ndarray:
    """Histogram equalisation to 0–1: from the rarest fullness of a pixel to the greatest."""
    if not len(counts):
        return np.zeros(0)
    largest = int(counts.max())
    if largest >= 1 << 16:
        from datashader.transfer_functions import eq_hist  # a server would start later

        levels = eq_hist(counts)[0]
        least = levels.min()
    else:
        share = np.cumsum(np.bincount(counts.astype(np.int64))) / len(counts)
        levels, least = share[counts], share[counts.min()]
    return (levels - least) / (1 - least) if least < 1 else np.ones(len(counts))


def _on_ramp(shares: np.ndarray) -> np.ndarray:
    """Places of 0 to 1 in the colours of a ramp."""
    return (_FIRST + shares * (_STEPS - 1) + 0.5).astype(np.uint8)


@lru_cache(maxsize=16)
def _colours(ramp: tuple[str, ...]) -> np.ndarray:
    """No colour, grey, and the ramp in even steps; a ramp of one colour is that."""
    positions = np.linspace(0, len(ramp) - 1, _STEPS if len(ramp) > 1 else 1)
    channels = np.array([rgb(colour) for colour in ramp]).T
    steps = packed(*(np.interp(positions, np.arange(len(ramp)), channel) for channel in channels))
    return np.array([_CLEAR, _other(), *steps], np.uint32)


def _other() -> np.uint32:
    """The grey of points that are not brushed."""
    return np.uint32(packed(*rgb(NEUTRAL), GREY))


def packed(red, green, blue, alpha: npt.ArrayLike = 255) -> np.ndarray:
    """Channels from 0 to 255 as uint32 RGBA."""
    r, g, b, a = (np.asarray(part).astype(np.uint32) for part in (red, green, blue, alpha))
    return a << 24 | b << 16 | g << 8 | r


def _spread(pixels: np.ndarray) -> np.ndarray:
    """Widen pixels to discs where few are filled, so that single points stay visible.

    Of neighbours the largest value wins: the highest count, or in RGBA any colour over none.
    """
    share = np.count_nonzero(pixels) / pixels.size
    radius = 3 if share < 0.01 else 2 if share < 0.03 else 1 if share < 0.15 else 0
    if not share or not radius or min(pixels.shape) < 2 * radius + 1:
        return pixels
    return kernels.widened(pixels, radius)
