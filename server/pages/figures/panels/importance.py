"""B1: one metric over all heads."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from headbrush.server.pages.figures.parts.drawing import (
    DASHES,
    Entry,
    Place,
    area_key,
    dot_key,
    line_key,
    name_height,
    number_ticks,
    sizes,
)
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.fonts import SMALL, TEXT, elided
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.brush.dot_share import share_words
from headbrush.server.session.brush.named_brushes import Compared
from headbrush.server.session.palette import LIGHT, NEUTRAL, SELECTED
from headbrush.server.stores.metrics import DIRECT, METRIC_NAMES
from headbrush.server.tools.bokeh.bokeh_types import columns_of, ends_of
from headbrush.server.views.importance.head_importance import HeadImportance
from headbrush.server.views.importance.value_scale import shown_scale

_VIEW = HeadImportance.name
_STRIPE = "#f1f3f5"
_NAME = 0.48
"""Inches of the name of a head on the axis."""


def draw(shown: Shown, place: Place) -> str:
    """Draw mean, band, and the selected image's line; returns what is drawn, in words."""
    shown.demand(_VIEW)
    note = shown.model(_VIEW, "importance_note")
    if shown.view(_VIEW).extent is None:
        raise AbsentError(note.text) if note.text else shown.nothing
    axes, state = place.axes(), shown.state
    plot = shown.plot(_VIEW, "importance_plot")
    scale = shown_scale(state)
    axes.set_yscale(scale)
    compared = shown.session.reader.compared()
    keys = _compared(shown, place, axes, compared) if compared else _mean(shown, axes)
    keys += _image(shown, axes)
    shown_places = ends_of(plot.x_range)
    _name_heads(shown, place, axes, shown_places)
    axes.set_xlim(*shown_places)  # ticks widen it
    axes.set_ylim(*ends_of(plot.y_range))
    axes.set_xlabel(elided(str(plot.xaxis[0].axis_label), place.width - 0.6, TEXT))
    name_height(place, axes, str(plot.yaxis[0].axis_label))
    number_ticks(axes.yaxis, log=scale == "log")
    _mark(axes, shown)
    place.legend(keys)
    dots = f"; dots: the mean, {shown.of_images}" if compared and state.image is None else ""
    share = share_words(shown.session.brushes.head_share)
    more = dots + (f"; {share}" if share else "")
    what = f"{METRIC_NAMES[state.metric]} when each head is pruned"
    if state.metric == DIRECT:
        what = "What each head says for the true class, directly along the residual stream"
        what = shown.data.metric_words(DIRECT, what)
    return f"{what}{more}."


def _places(shown: Shown) -> np.ndarray:
    """``(L·H,)`` place of each head on the axis."""
    return np.asarray(columns_of(shown.session.heads)["place"])


def layer_stripes(shown: Shown, place: Place, axes: Axes) -> None:
    """An axis of head numbers: the layers as stripes with their numbers."""
    data = shown.data
    heads = data.heads_per_layer
    for start in range(0, data.num_heads, 2 * heads):
        axes.axvspan(start - 0.5, start + heads - 0.5, color=_STRIPE, lw=0, zorder=0)
    axes.set_xticks(*layer_ticks(shown, place))


def layer_ticks(shown: Shown, place: Place) -> tuple[np.ndarray, list[str]]:
    """Where layers lie along an axis of head numbers, and their numbers."""
    data = shown.data
    every = max(1, -(-data.num_layers // (12 if place.width < 4 else 24)))
    layers = np.arange(0, data.num_layers, every)
    return layers * data.heads_per_layer + (data.heads_per_layer - 1) / 2, [*map(str, layers)]


def _name_heads(shown: Shown, place: Place, axes: Axes, shown_places: tuple[float, float]) -> None:
    """Layers as stripes, or, where the heads are sorted, names of some heads."""
    data, places = shown.data, _places(shown)
    if (places == np.arange(data.num_heads)).all():
        layer_stripes(shown, place, axes)
        return
    order, (low, high) = np.argsort(places), shown_places
    every = max(1, -(-round(high - low) // int(place.width / _NAME)))
    ticks = np.arange(max(0, round(low)), min(data.num_heads, round(high) + 1), every)
    axes.set_xticks(ticks, [data.head_labels[order[tick]] for tick in ticks])


def _mean(shown: Shown, axes: Axes) -> list[Entry]:
    band = shown.columns(_VIEW, "importance_band")
    axes.fill_between(band["number"], band["low"], band["high"], color=NEUTRAL, alpha=0.3, lw=0)
    axes.plot(band["number"], band["mean"], color=NEUTRAL, lw=1.2)
    return [
        (line_key(NEUTRAL), f"mean, {shown.of_images}"),
        (area_key(NEUTRAL, 0.3), "± 1 sd"),
    ]


def _compared(shown: Shown, place: Place, axes: Axes, compared: Sequence[Compared]) -> list[Entry]:
    keys: list[Entry] = []
    for slot, one in enumerate(compared):
        columns = shown.columns(_VIEW, f"importance_compared_{slot}")
        dash = DASHES[slot % 2]
        axes.fill_between(
            columns["number"], columns["low"], columns["high"], color=one.colour, alpha=0.18, lw=0
        )
        axes.plot(columns["number"], columns["mean"], color=one.colour, lw=1.2, linestyle=dash)
        words = f"{one.name}, n = {int(one.images.sum())}, ± 1 sd"
        keys.append((line_key(one.colour, linestyle=dash), words))
    if len(compared) > 1:
        apart = shown.columns(_VIEW, "importance_difference")
        twin = axes.twinx()
        twin.plot(apart["number"], apart["mean"], color=LIGHT.ink, lw=0.9, linestyle=":")
        plot = shown.plot(_VIEW, "importance_plot")
        twin.set_ylim(*ends_of(plot.extra_y_ranges["difference"]))
        name_height(place, twin, str(plot.yaxis[1].axis_label))
        twin.spines["right"].set_visible(True)
        number_ticks(twin.yaxis)
        keys.append((line_key(LIGHT.ink, linestyle=":", linewidth=0.9), "difference (right axis)"))
    return keys


def _image(shown: Shown, axes: Axes) -> list[Entry]:
    """Dots of what is shown, joined by a line where they are of one image."""
    columns, state = columns_of(shown.session.heads), shown.state
    x, y = _places(shown), np.asarray(columns["value"], float)
    keys: list[Entry] = []
    if state.image is not None:
        order = np.argsort(x)
        axes.plot(x[order], y[order], color=LIGHT.ink, lw=0.8)
        keys.append((line_key(LIGHT.ink, linewidth=0.8), shown.data.names[state.image]))
    area = sizes(np.asarray(columns["share"]), 4.5, 2, 9)
    axes.scatter(x, y, s=area, c=list(columns["colour"]), linewidths=0, zorder=3)
    beyond = shown.columns(_VIEW, "importance_outside")
    for x_place, edge, kind in zip(*(beyond[k] for k in ("number", "edge", "marker")), strict=True):
        axes.plot(x_place, edge, "^" if kind == "triangle" else "v", color=SELECTED, ms=4)
    if len(beyond["number"]):
        keys.append((dot_key(SELECTED, "^"), "beyond the axis"))
    reference = shown.model(_VIEW, "importance_reference")
    if reference.visible:
        axes.axhline(reference.location, color=LIGHT.ink, lw=0.8, linestyle="--")
        if state.metric != DIRECT:
            keys.append((line_key(LIGHT.ink, linewidth=0.8, linestyle="--"), "not pruned"))
    return keys


def _mark(axes: Axes, shown: Shown) -> None:
    """The selected head's line, with its name on the side that has more room."""
    at, (low, high) = shown.model(_VIEW, "importance_cursor").location, axes.get_xlim()
    if not low <= at <= high:
        return
    axes.axvline(at, color=SELECTED, lw=1.0, zorder=2)
    is_left = at < (low + high) / 2
    axes.annotate(
        str(shown.session.head), (at, 1), xycoords=("data", "axes fraction"),
        xytext=(2 if is_left else -2, -1), textcoords="offset points", color=SELECTED,
        ha="left" if is_left else "right", va="top", fontsize=SMALL,
    )  # fmt: skip
