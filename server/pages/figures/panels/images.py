"""A: images by the effect of pruning each head."""

import numpy as np

from headbrush.server.pages.figures.parts.drawing import (
    MARKERS,
    VECTOR_UP_TO,
    Place,
    bare,
    chosen,
    colour_bar,
    dot_key,
    faded,
    ring,
    ring_key,
    sizes,
)
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.brush.dot_share import share_words
from headbrush.server.session.palette import NEUTRAL, value_colours
from headbrush.server.stores.store_data import CORRECTNESS
from headbrush.server.tools.bokeh.bokeh_types import columns_of

_MOST_KINDS = 12
_COLOURED_BY = {
    "class": "true class", "probability": "P[true class]", "correct": "correct or not"
}  # fmt: skip


def draw(shown: Shown, place: Place) -> str:
    """Draw the images; returns what is drawn, in words."""
    shown.demand("image_overview")
    data, state, columns = shown.data, shown.state, columns_of(shown.session.images)
    x, y = np.asarray(columns["x"]), np.asarray(columns["y"])
    if not np.isfinite(x).any():
        raise AbsentError("The layout of the images is not made yet.")
    axes = place.axes()
    bare(axes)
    picked, strong = shown.session.images.selected.indices, chosen(shown.session.images)
    area = sizes(np.asarray(columns["share"]), 6, 2.5, 9)
    is_many = len(x) > VECTOR_UP_TO
    look = {"linewidths": 0 if is_many else 0.3, "edgecolors": "white", "rasterized": is_many}
    by = state.image_colour
    if by == "probability" and data.has_classifier:
        shade = np.asarray(columns["shade"])
        ramp = value_colours()
        at = np.clip(np.nan_to_num(shade) * len(ramp), 0, len(ramp) - 1).astype(int)
        axes.scatter(x, y, s=area, c=np.array(ramp)[at], alpha=faded(strong), **look)
        colour_bar(place, axes, ramp, (0, 1), "P[true class]")
        keys = []
    else:
        keys = _by_kind(shown, axes, (x, y), area, strong, look)
    if state.image is not None:
        ring(axes, x[[state.image]], y[[state.image]])
        keys.append((ring_key(), data.names[state.image]))
    place.legend(keys)
    share = share_words(shown.session.brushes.image_share)
    words = f"{len(x)} images, near where pruning changes them alike, by {_COLOURED_BY[by]}"
    brushed = f"; {len(picked)} brushed images are strong" if picked else ""
    return f"{words}{brushed}{f'; {share}' if share else ''}."


def _by_kind(shown, axes, points, area, strong, look) -> list:
    """A marker and a colour for each class, or for correct and wrong; returns their keys."""
    data, (x, y) = shown.data, points
    if shown.state.image_colour == "class" or not data.has_classifier:
        numbers, words = data.labels, data.class_labels
    else:
        numbers, words = data.correctness, CORRECTNESS
    shades = np.array(columns_of(shown.session.images)["shade"])
    found, counts = np.unique(numbers, return_counts=True)
    keys = []
    for place, kind in enumerate(found.tolist()):
        of_kind = numbers == kind
        marker = MARKERS[place % len(MARKERS)]
        alpha = faded(strong[of_kind])
        axes.scatter(
            x[of_kind], y[of_kind], s=area[of_kind], c=shades[of_kind], marker=marker, alpha=alpha,
            **look,
        )  # fmt: skip
        name = words[kind] if kind >= 0 else "class unknown"
        keys.append((dot_key(str(shades[of_kind][0]), marker), name))
    if not data.has_classifier and shown.state.image_colour != "class":
        return [(dot_key(NEUTRAL), "no classifier: no class is predicted")]
    if len(keys) <= _MOST_KINDS:
        return keys
    frequent = np.sort(np.argsort(-counts, kind="stable")[: _MOST_KINDS - 1]).tolist()
    rest = len(keys) - len(frequent)
    return [*(keys[one] for one in frequent), (dot_key("none"), f"and {rest} more classes")]
