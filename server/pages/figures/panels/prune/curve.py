"""E6: how accuracy falls when head after head is pruned."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from headbrush.analysis.prune.summary import wilson
from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.facts.percent import SIGN
from headbrush.analysis.store.facts.studies.curve import ORDERS, Curve, load_curve
from headbrush.server.pages.figures.parts.drawing import (
    Entry,
    Place,
    area_key,
    line_key,
    number_ticks,
    short_number,
)
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.palette import NEUTRAL, class_colours
from headbrush.server.views.what_if.pruning_curve import PruningCurve

_FAINT = 0.12
_STYLES = {"jsd": "-", "gradient": "--", "greedy": "-.", "repeated": ":"}
"""Orders differ in dashes, too: colours are lost in black and white."""


def draw(shown: Shown, place: Place) -> str:
    """Draw the store's curve; returns what is drawn, in words."""
    shown.demand(PruningCurve.name)
    curve = load_curve(shown.data.store)
    if curve is None:
        raise AbsentError(shown.model(PruningCurve.name, "curve_note").text)
    draw_curve(curve, place)
    words = curve_words(curve)
    return words[0].upper() + words[1:]


def draw_curve(curve: Curve, place: Place) -> None:
    """Draw the curve where a panel is."""
    above, below = place.figure.subplots(2, 1, sharex=True)
    keys = _random(curve, above, below) + _lines(curve, above, below)
    _name_axes(curve, above, below)
    place.legend(keys)


def heads_left(curve: Curve) -> np.ndarray:
    """``(points,)`` of all heads, those that are not pruned."""
    return curve.layers * curve.heads - np.array(curve.pruned)


def _random(curve: Curve, above: Axes, below: Axes) -> list[Entry]:
    """The band of the random orders, and their mean."""
    lines, left = curve.of("random"), heads_left(curve)
    if not lines:
        return []
    accuracy = np.array([curve.accuracy(line) for line in lines])
    divergence = np.array([line.jsd for line in lines])
    for axes, values in ((above, accuracy), (below, divergence)):
        axes.fill_between(left, values.min(0), values.max(0), color=NEUTRAL, alpha=0.35, lw=0)
        axes.plot(left, values.mean(0), color=NEUTRAL, lw=0.8)
    return [(area_key(NEUTRAL, 0.35), f"{len(lines)} random orders, least to most")]


def _lines(curve: Curve, above: Axes, below: Axes) -> list[Entry]:
    keys: list[tuple[Artist, str]] = []
    colours = class_colours(len(_STYLES))
    for colour, (order, dashes) in zip(colours, _STYLES.items(), strict=True):
        for line in curve.of(order):
            left = heads_left(curve)
            interval = np.transpose([wilson(right, curve.labelled) for right in line.right])
            above.fill_between(left, *interval, color=colour, alpha=_FAINT, lw=0)
            above.plot(left, curve.accuracy(line), color=colour, lw=1.1, ls=dashes)
            below.plot(left, line.jsd, color=colour, lw=1.1, ls=dashes)
            keys.append((line_key(colour, linestyle=dashes), ORDERS[order]))
    return keys


def _name_axes(curve: Curve, above: Axes, below: Axes) -> None:
    count = curve.layers * curve.heads
    below.set_xlim(count, 0)
    below.set_xlabel("heads left")
    above.set_ylabel("accuracy")
    above.set_ylim(0, 1)
    below.set_ylabel("mean divergence (bits)")
    below.set_ylim(bottom=0)
    for axis in (below.xaxis, above.yaxis, below.yaxis):
        number_ticks(axis, 5)
    if curve.flops:
        each, most = (curve.flops[0] - curve.flops[-1]) / count, curve.flops[0]

        def billions(left: Any) -> Any:
            return (most - each * (count - left)) / 1e9

        def left_of(billions: Any) -> Any:
            return count - (most - billions * 1e9) / each

        second = above.secondary_xaxis("top", functions=(billions, left_of))
        second.set_xlabel("FLOPs an image (10⁹)")
        number_ticks(second.xaxis, 5)


def curve_words(curve: Curve) -> str:
    """What the curve shows, in words."""
    costs = f"Cost is not known: {curve.inexact}" if curve.inexact else ""
    if curve.parameters:
        count = curve.layers * curve.heads
        each = (curve.parameters[0] - curve.parameters[-1]) // count
        share = each / curve.parameters[0]
        costs = (
            f"A head is {grouped(each)} of {grouped(curve.parameters[0])} parameters "
            f"({short_number(100 * share)}{SIGN})."
        )
    return (
        f"heads are pruned one after the other. Orders were chosen on {len(curve.chosen)} "
        f"images, the curve was drawn on {len(curve.drawn)} others, {curve.labelled} of them with "
        "a class. Faint areas are 95 % Wilson intervals; divergence is that from the unpruned "
        f"predictions. {costs}"
    ).strip()
