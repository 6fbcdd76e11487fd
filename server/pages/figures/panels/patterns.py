"""D1: all attention patterns, as the page lays them out."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from headbrush.analysis.store.facts.layouts import LAYOUT_NAMES
from headbrush.analysis.store.facts.pattern_families import NO_NAME
from headbrush.server.pages.figures.parts.drawing import (
    POINTS,
    Entry,
    Place,
    bare,
    colour_bar,
    dot_key,
    ring,
    ring_key,
)
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.palette import (
    LIGHT,
    NEUTRAL,
    class_colours,
    layer_colours,
)
from headbrush.server.stores.metrics import METRIC_AXES, METRIC_NAMES
from headbrush.server.tools.bokeh.bokeh_types import ends_of
from headbrush.server.views.patterns.contours import SHARES, Lines
from headbrush.server.views.patterns.density import Picture
from headbrush.server.views.patterns.drawing import (
    Drawing,
    colouring,
    pattern_names,
)
from headbrush.server.views.patterns.pattern_layout import PatternLayout

_VIEW = PatternLayout.name
_MOST_KINDS = 11
_VALUES = METRIC_AXES | {"probability": "change of P[true class]", "entropy": "entropy (0–1)"}
"""Titles of scales; the page colours by how much a probability changes."""
_PIXELS = 200
"""Pixels an inch of the density: as on the page, a pixel must be large enough to be seen."""


def draw(shown: Shown, place: Place) -> str:
    """Draw the patterns; returns what is drawn, in words."""
    shown.demand(_VIEW)
    data, state = shown.data, shown.state
    points = data.embedding(state.pattern)
    if not np.isfinite(points).any():
        raise AbsentError(shown.model(_VIEW, "pattern_note").text)
    axes, plot = place.axes(), shown.plot(_VIEW, "patterns_plot")
    bare(axes)
    view = (*ends_of(plot.x_range), *ends_of(plot.y_range))
    inches = place.width - 0.1
    size = (round(inches * _PIXELS), round(inches * place.ratio * _PIXELS))
    kinds = colouring(data, state.pattern_colour)
    drawing = Drawing(points, view, size, kinds, state.pattern_style, LIGHT.density)
    brush, compared = shown.session.brush(), shown.session.reader.compared()
    picture = drawing.of_page(brush, compared)
    _lay(axes, picture, view)
    keys = _own(shown, axes)
    if compared:
        keys = [(dot_key(c), n) for n, c in zip(*pattern_names(compared), strict=True)] + keys
    else:
        keys = _kinds(shown, place, axes) + keys
    if brush.active and not compared:
        keys.append((dot_key(NEUTRAL), "not brushed"))
    place.legend(keys)
    return _words(shown, isinstance(picture, Lines))


def _lay(axes: Axes, picture: Picture | Lines, view: Sequence[float]) -> None:
    x0, x1, y0, y1 = view
    if isinstance(picture, Lines):
        for x, y, colour, width in zip(
            picture.xs, picture.ys, picture.colours, picture.widths, strict=True
        ):
            axes.plot(x, y, color=colour, lw=width * POINTS)
    else:
        rgba = np.ascontiguousarray(picture.rgba()).view(np.uint8).reshape(*picture.pixels.shape, 4)
        axes.imshow(
            rgba, extent=(x0, x1, y0, y1), origin="lower", aspect="auto", interpolation="nearest"
        )
    axes.set_xlim(x0, x1)
    axes.set_ylim(y0, y1)


def _own(shown: Shown, axes: Axes) -> list[Entry]:
    """The selected image's heads, and a ring around the selected one."""
    own, chosen = shown.columns(_VIEW, "own_patterns"), shown.columns(_VIEW, "pattern_ring")
    if not len(own["x"]):
        return []
    axes.scatter(own["x"], own["y"], s=18, c=list(own["colour"]), linewidths=0.6,
                 edgecolors=LIGHT.ink, zorder=4)  # fmt: skip
    ring(axes, chosen["x"], chosen["y"])
    middle = layer_colours(shown.data.num_layers)[shown.data.num_layers // 2]
    return [
        (dot_key(middle), "heads of this image, by layer"),
        (ring_key(), str(shown.session.head)),
    ]


def _kinds(shown: Shown, place: Place, axes: Axes) -> list[Entry]:
    """Keys of the colouring, or a scale of its values."""
    data, colour = shown.data, shown.state.pattern_colour
    kinds = colouring(data, colour)
    if shown.state.pattern_style == "contours" and kinds.categories is None:
        return []
    if colour == "count":
        if shown.state.pattern_style == "density":
            bar = colour_bar(place, axes, _ramp(), (0, 1), "patterns in a pixel")
            bar.set_ticks([0, 1], labels=["few", "many"])
        return []
    if kinds.categories is None:
        colour_bar(place, axes, list(kinds.ramp), kinds.span, _VALUES.get(colour, colour))
        return []
    if colour == "layer":
        layers = data.num_layers
        colour_bar(place, axes, layer_colours(layers), (-0.5, layers - 0.5), "layer")
        return []
    names, palette, order = _named(shown, colour)
    nameless = [one for one in order if names[one] == NO_NAME]
    order = [one for one in order if one not in nameless]
    keys: list[Entry] = [(dot_key(palette[one]), names[one]) for one in order[:_MOST_KINDS]]
    if more := order[_MOST_KINDS:]:
        alike = palette[more[0]] if colour == "name" else "none"  # colours of classes repeat
        keys.append((dot_key(alike), f"{len(more)} more"))
    return keys + [(dot_key(palette[one]), NO_NAME) for one in nameless]


def _named(shown: Shown, colour: str) -> tuple[Sequence[str], Sequence[str], list[int]]:
    """Names and colours of kinds, and which of them there are, in the page's order."""
    data = shown.data
    if colour == "head":
        names = [f"H{head}" for head in range(data.heads_per_layer)]
        return names, class_colours(len(names)), list(range(len(names)))
    if colour == "class":
        found = np.unique(data.labels[data.labels >= 0]).tolist()
        return data.class_names, class_colours(max(len(data.class_names), 1)), found
    families = data.families
    if families is None:
        return [], [], []
    return families.names, colouring(data, "name").palette, list(families.occurring)


def _ramp() -> list:
    return list(LinearSegmentedColormap.from_list("count", LIGHT.density)(np.linspace(0, 1, 128)))


def _words(shown: Shown, are_lines: bool) -> str:
    data, state, brush = shown.data, shown.state, shown.session.brush()
    words = f"{data.num_patterns} attention patterns ({LAYOUT_NAMES[state.pattern]} layout)"
    if state.pattern_colour != "count":
        words += f", coloured by {METRIC_NAMES.get(state.pattern_colour, state.pattern_colour)}"
    if brush.active:
        words += f"; {int(brush.patterns.sum())} brushed"
    if are_lines and colouring(data, state.pattern_colour).categories is None:
        words += f"; lines enclose {', '.join(f'{100 * s:.0f}' for s in SHARES[::-1])} %"
    elif are_lines:
        words += "; lines enclose 50 and 90 % of each"
    if state.pattern_range:
        words += "; a part of the layout"
    return f"{words}."
