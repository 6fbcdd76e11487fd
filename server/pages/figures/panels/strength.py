"""C2 and C3: how far the head looks, and how typical that is."""

import numpy as np

from headbrush.server.pages.figures.parts.drawing import (
    DASHES,
    Entry,
    Place,
    area_key,
    line_key,
    name_height,
    number_ticks,
)
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.palette import BRUSHED, NEUTRAL, SELECTED, layer_colours
from headbrush.server.tools.bokeh.bokeh_types import ends_of
from headbrush.server.views.strength.entropy_distribution import EntropyDistribution
from headbrush.server.views.strength.strength_vector import StrengthVector


def draw_hops(shown: Shown, place: Place) -> str:
    """Draw C2: attention per neighbour at each hop; returns what is drawn, in words."""
    view = StrengthVector.name
    shown.demand(view)
    columns, state = shown.columns(view, "hops_shown"), shown.state
    hops, bars = np.asarray(columns["hop"]), np.asarray(columns["strength"], float)
    if not np.isfinite(bars).any():
        raise shown.nothing
    axes = place.axes()
    colour = layer_colours(shown.data.num_layers)[state.layer]
    axes.bar(hops, bars, width=0.8, color=colour)
    keys: list[Entry] = [(area_key(colour), shown.whose)]
    compared = shown.session.reader.compared()
    for slot, one in enumerate(compared):
        line = shown.columns(view, f"hops_compared_{slot}")
        axes.plot(line["hop"], line["mean"], color=one.colour, lw=1.4, linestyle=DASHES[slot % 2])
        key = line_key(one.colour, linestyle=DASHES[slot % 2])
        keys.append((key, f"{one.name}, n = {int(one.images.sum())}"))
    if not compared:
        mean = np.asarray(columns["mean"], float)
        ends = np.abs(np.array([columns["low"], columns["high"]], float) - mean)
        axes.errorbar(hops, mean, ends, color=NEUTRAL, lw=1.0, elinewidth=0.7, capsize=1.5)
        is_mean = state.image is None
        keys.append((line_key(NEUTRAL), "± 1 sd" if is_mean else f"mean ± 1 sd, {shown.of_images}"))
    axes.set_xlim(-0.7, len(hops) - 0.3)
    axes.set_ylim(0, ends_of(shown.plot(view, view).y_range)[1])
    axes.set_xlabel("hop (patches)")
    name_height(place, axes, "mean attention")
    number_ticks(axes.xaxis, 8, whole=True)
    number_ticks(axes.yaxis)
    place.legend(keys)
    return "Mean attention of a patch to one neighbour at each hop."


def draw_entropy(shown: Shown, place: Place) -> str:
    """Draw C3: histograms of the head's entropy; returns what is drawn, in words."""
    view = EntropyDistribution.name
    shown.demand(view)
    bars = shown.columns(view, "entropy_bars")
    edges = np.append(np.asarray(bars["left"], float), np.asarray(bars["right"], float)[-1:])
    if len(edges) < 2 or not np.isfinite(edges).all():
        raise shown.nothing
    axes, compared = place.axes(), shown.session.reader.compared()
    brushed = int(shown.session.brush("heads").images.sum())
    parts = [("all", NEUTRAL, 0.45, f"all {shown.data.num_images} images")]
    if np.any(bars["brushed"]):
        parts.append(("brushed", BRUSHED, 0.35, f"{brushed} brushed"))
    for slot, one in enumerate(compared):
        parts.append((f"compared_{slot}", one.colour, 0.4, f"{one.name}, n = {one.images.sum()}"))
    keys: list[Entry] = []
    for name, colour, alpha, words in parts:
        axes.stairs(bars[name], edges, fill=True, color=colour, alpha=alpha)
        axes.stairs(bars[name], edges, color=colour, lw=0.8)
        keys.append((area_key(colour, alpha), words))
    line = shown.model(view, "entropy_line")
    if line.visible and shown.state.image is not None:
        axes.axvline(line.location, color=SELECTED, lw=1.4)
        keys.append((line_key(SELECTED), shown.data.names[shown.state.image]))
    plot = shown.plot(view, "entropy_plot")
    axes.set_xlim(*ends_of(plot.x_range))
    axes.set_ylim(*ends_of(plot.y_range))
    axes.set_xlabel("entropy of the strength over hops (0–1)")
    name_height(place, axes, "% of images")
    number_ticks(axes.xaxis, 4)
    number_ticks(axes.yaxis)
    place.legend(keys)
    return "Entropy of this head over images."
