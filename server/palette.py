"""Colours: safe for colour-blind readers, the same in every view."""

from bokeh.palettes import cividis, linear_palette, viridis

SELECTED = "#d6006c"
"""The selected image and head, wherever they appear."""
BRUSHED = "#0b6e99"
NEUTRAL = "#8a8f98"
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
DENSITY_RAMP = ("#d9e2ec", "#9fb3c8", "#627d98", "#334e68", "#102a43")


def layer_colours(count: int) -> list[str]:
    """One colour a layer, from first (dark) to last (light, but seen on white)."""
    return linear_palette(viridis(256)[:225], max(count, 2))[:count]


def class_colours(count: int) -> list[str]:
    """One colour a class; they repeat beyond ten."""
    return [_CLASSES[index % len(_CLASSES)] for index in range(count)]


def value_colours() -> list[str]:
    """A sequential ramp for values in a range."""
    return list(cividis(256))
