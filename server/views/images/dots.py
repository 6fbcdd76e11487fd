"""Very many images as one picture of dots; pure. It costs the browser what one image costs.

Dots look as those of a plot's scatter: their colour tells the kind, size and opacity the share of
patterns that are brushed; those that are not brushed are faint, also where many lie upon each
other. The strongest lie above.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from headbrush.server.session.brush.dot_share import OPACITIES, by_share
from headbrush.server.session.palette import rgb
from headbrush.server.tools.loops import kernels
from headbrush.server.views.patterns.density import Picture, Range, packed

_PLACES = 255
"""Colours of a picture of one byte a pixel, besides none."""
FAINT = 0.12
"""Opacity of an image that is not brushed while others are."""


@dataclass(frozen=True)
class Dots:
    """Dots, one an image.

    Attributes
    ----------
    points
        ``(m, 2)``; rows with NaN are not drawn.
    kinds, palette
        ``(m,)`` place in ``palette`` of each dot, from 0; at most 32 colours.
    share
        ``(m,)`` 0 to 1, or -1 of all where no patterns are brushed.
    chosen
        ``(m,)`` bool: images brushed by themselves, over the others; None: all are alike.
    sizes
        Diameters in pixels for the shares -1, 0 and 1.
    """

    points: np.ndarray
    kinds: np.ndarray
    palette: tuple[str, ...]
    share: np.ndarray
    chosen: np.ndarray | None
    sizes: Sequence[float]


def draw_dots(dots: Dots, view: Range, size: tuple[int, int]) -> Picture:
    """Draw the part ``view`` ``(x0, x1, y0, y1)`` as a picture of ``(width, height)`` pixels."""
    width, height = max(1, size[0]), max(1, size[1])
    x0, per_x, y0, per_y, _, _ = kernels.placement(view, width, height)
    weights = by_share(dots.share, OPACITIES)
    if dots.chosen is not None:
        weights = np.where(dots.chosen, weights, FAINT)
    order = np.argsort(weights, kind="stable")
    places = (dots.points[order] - (x0, y0)) * (per_x, per_y)
    kinds, strength = np.full((height, width), -1, np.int16), np.zeros((height, width))
    kernels.lay_discs(
        kernels.given(places, float),
        kernels.given(by_share(dots.share, dots.sizes)[order] / 2, float),
        kernels.given(weights[order], float),
        kernels.given(dots.kinds[order], np.int16),
        kinds,
        strength,
    )
    steps = _steps(dots.palette)
    level = np.ceil(strength * steps)
    pixels = np.where(kinds < 0, 0, kinds * steps + level).astype(np.uint8)
    return Picture(pixels, _colours(dots.palette))


def warm_up() -> None:
    """Compile the loop that the first picture needs."""
    nothing = np.zeros(1)
    dots = Dots(np.zeros((1, 2)), nothing.astype(int), ("#000000",), nothing, None, (1, 1, 1))
    draw_dots(dots, (0, 1, 0, 1), (4, 4))


def _steps(palette: Sequence[str]) -> int:
    """Opacities of each colour."""
    return _PLACES // len(palette)


@lru_cache(maxsize=16)
def _colours(palette: tuple[str, ...]) -> np.ndarray:
    """No colour, and each colour from nearly clear to full."""
    alpha = np.rint(np.arange(1, _steps(palette) + 1) / _steps(palette) * 255)
    return np.array([0, *np.concatenate([packed(*rgb(one), alpha) for one in palette])], np.uint32)
