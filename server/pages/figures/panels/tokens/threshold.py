"""D5: the distribution of the attention values, and the threshold."""

import numpy as np

from headbrush.analysis.store.facts.percent import exact_percent
from headbrush.server.pages.figures.panels.tokens.matrix import attention_of, prefix_word
from headbrush.server.pages.figures.parts.drawing import (
    Place,
    area_key,
    line_key,
    name_height,
    number_ticks,
)
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.palette import NEUTRAL, PATCH, PREFIX, SELECTED
from headbrush.server.tools.bokeh.bokeh_types import ends_of
from headbrush.server.views.tokens.threshold import Threshold

_VIEW = Threshold.name


def draw(shown: Shown, place: Place) -> str:
    """Draw both histograms and the threshold; returns what is drawn, in words."""
    shown.demand(_VIEW)
    attention, tokens, _ = attention_of(shown)
    counts, plot = shown.columns(_VIEW, "counts"), shown.plot(_VIEW, "threshold_plot")
    edges = np.append(np.asarray(counts["left"]), np.asarray(counts["right"])[-1])
    low, high = ends_of(plot.y_range)
    axes = place.axes()
    axes.set_xscale("log")
    axes.set_yscale("log")
    kinds = [("patch", PATCH, "between patches")]
    if tokens.prefix:
        kinds.append(("prefix", PREFIX, f"from or to {prefix_word(tokens)}"))
    keys = []
    for kind, colour, words in kinds:
        heights = np.maximum(counts[kind], low / 2)
        axes.stairs(heights, edges, baseline=low / 2, fill=True, color=colour, alpha=0.45)
        axes.stairs(heights, edges, baseline=low / 2, color=colour, lw=0.7)
        keys.append((area_key(colour, 0.45), words))
    axes.axvspan(edges[0], tokens.threshold, color=NEUTRAL, alpha=0.15, lw=0)
    axes.axvline(tokens.threshold, color=SELECTED, lw=1.2)
    keys.append((line_key(SELECTED), f"threshold, A = {tokens.threshold:.2g}"))
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(low, high)
    axes.set_xlabel("attention A")
    name_height(place, axes, "number of values")
    number_ticks(axes.xaxis, 6, log=True)
    number_ticks(axes.yaxis, 6, log=True)
    place.legend(keys)
    strong = int((attention >= tokens.threshold).sum())
    share = exact_percent(strong / attention.size)
    return f"Attention values; {strong} of {attention.size} ({share}) reach the threshold."
