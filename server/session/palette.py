"""Colours, safe for colour-blind readers and the same in every view."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bokeh.palettes import cividis, linear_palette, viridis

SELECTED = "#d6006c"
"""The selected image and head, wherever they appear."""
BRUSHED = "#1a86b8"
NEUTRAL = "#8a8f98"
NO_NAME = "#b4bac2"
"""Patterns without a name."""
GRID = "#e4e7eb"

_CLASSES = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#b8a800",
    "#5b5b5b",
    "#7a4fbf",
    "#8c510a",
)
"""Okabe and Ito's colours without black, extended; yellow darkened to be seen on white."""

PREFIX = "#1c7ed6"
"""Attention of or to prefix tokens, as in the paper; the weaker, the more transparent."""
PATCH = "#e8590c"
"""Attention between patches."""
MASK = "#334155"
"""Covers what has no attention in a picture; not black, as pictures may be."""
CONTOURS = ("#9ccbe0", "#6fb3d3", "#459ec6", "#1a86b8", "#0e6a95")
"""Lines around patterns, from the widest to the narrowest; seen on light and dark paper."""
_SHADES = 64
DENSITY_RAMP = ("#d9e2ec", "#9fb3c8", "#627d98", "#334e68", "#102a43")


def _diverging(paper: str, below: str, above: str) -> tuple[str, ...]:
    """Colours from ``below`` over ``paper``, which is 0, to ``above``."""
    half = _SHADES // 2
    down = [mixed(paper, below, one / half) for one in range(half, 0, -1)]
    up = [mixed(paper, above, one / half) for one in range(1, half + 1)]
    return (*down, paper, *up)


def rgb(colour: str) -> tuple[int, int, int]:
    """A colour of the form ``#rrggbb`` as three numbers up to 255."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def mixed(first: str, second: str, share: float) -> str:
    """A colour between two of the form ``#rrggbb``; ``share`` in [0, 1] of the second."""
    pairs = zip(rgb(first), rgb(second), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


@dataclass(frozen=True)
class Theme:
    """The colours that differ between light and dark; all others are visible on both.

    Attributes
    ----------
    ink
        Lines as strong as text.
    density
        From few to many.
    diverging
        From below 0 to above it.
    """

    ink: str
    density: tuple[str, ...]
    diverging: tuple[str, ...]


LIGHT = Theme("#1f2933", DENSITY_RAMP, _diverging("#ffffff", "#2166ac", "#b35806"))
DARK = Theme(
    "#e6ebf0",
    ("#2c3a49", "#4a6078", "#7590ab", "#b3c7da", "#f0f6fb"),
    _diverging("#1a2129", "#6cb4f0", "#f7a35c"),
)
DARK_OF = dict(zip((LIGHT.ink, *LIGHT.density), (DARK.ink, *DARK.density), strict=True))
"""Colours of the dark theme by those of the light one."""


_NAMES = (
    "#008df9", "#e20134", "#009f81", "#8400cd", "#ff6e3a", "#9f0162", "#00c2f9", "#ff5aaf",
    "#a40122", "#e0a100", "#00c9a7",
)  # fmt: skip
"""Krzywinski's palette for colour-blind readers; two of its colours darkened for white paper."""
_MORE_NAMES = "#7d6a58"


def name_colours(count: int) -> list[str]:
    """A colour for each name of patterns, most frequent first; beyond eleven they share one."""
    return [_NAMES[at] if at < len(_NAMES) else _MORE_NAMES for at in range(count)]


def layer_colours(count: int) -> list[str]:
    """One colour per layer, from first (darker) to last (lighter); seen on light and dark paper."""
    return list(_layer_colours(count))


@lru_cache(maxsize=8)
def _layer_colours(count: int) -> tuple[str, ...]:
    return tuple(linear_palette(viridis(256)[45:225], max(count, 2))[:count])


def class_colours(count: int) -> list[str]:
    """One colour per class; they repeat beyond ten."""
    return [_CLASSES[index % len(_CLASSES)] for index in range(count)]


def colours_beside(names: Sequence[str], first: Sequence[str]) -> list[str]:
    """One colour per class ``names``: that of the same name among the classes ``first``.

    Names that are not among them have the colours that follow.
    """
    places = {name: place for place, name in enumerate(first)}
    for name in names:
        places.setdefault(name, len(places))
    colours = class_colours(max(len(places), 1))
    return [colours[places[name]] for name in names] or colours


def value_colours() -> list[str]:
    """A sequential ramp for values in a range."""
    return list(cividis(256)[40:245])


def signed_colours() -> list[str]:
    """From below 0 to above it, for values with a sign; seen on light and dark paper."""
    return list(_diverging("#b4bac2", PREFIX, PATCH))
