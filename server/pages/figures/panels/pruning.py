"""B2: one bar for each part of the head that is pruned."""

import numpy as np

from headbrush.server.pages.figures.parts.drawing import Place, number_ticks
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.fonts import SMALL
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.palette import LIGHT, layer_colours
from headbrush.server.stores.metrics import METRIC_AXES
from headbrush.server.tools.bokeh.bokeh_types import ends_of
from headbrush.server.views.importance.partial_pruning import PartialPruning
from headbrush.server.views.importance.pruning_answer import PruningAnswer, mode_labels

_VIEW = PartialPruning.name


def draw(shown: Shown, place: Place) -> str:
    """Draw the bars; returns what is drawn, in words."""
    shown.demand(_VIEW)
    plot = shown.plot(_VIEW, "pruning_plot", "pruning_note")
    if shown.shared(PruningAnswer).result is None:
        raise AbsentError(shown.shared(PruningAnswer).remark)
    axes, data, state = place.axes(), shown.data, shown.state
    bars = shown.columns(_VIEW, "partial_pruning_bars")
    modes, values = np.asarray(bars["mode"]), np.asarray(bars["value"], float)
    axes.barh(modes, values, height=0.6, color=layer_colours(data.num_layers)[state.layer])
    for mode, value, words in zip(modes, values, bars["shown"], strict=True):
        axes.annotate(
            words, (max(value, 0), mode), xytext=(2, 0), textcoords="offset points", va="center",
            fontsize=SMALL,
        )  # fmt: skip
    reference = shown.model(_VIEW, "pruning_reference")
    if reference.visible:
        axes.axvline(reference.location, color=LIGHT.ink, lw=0.8, linestyle="--")
    labels = mode_labels(data.store)
    axes.set_yticks(modes, [labels[int(mode)] for mode in modes])
    axes.set_ylim(len(modes) - 0.45, -0.55)
    axes.set_xlim(0, ends_of(plot.x_range)[1])
    axes.set_xlabel(METRIC_AXES[state.metric])
    number_ticks(axes.xaxis, 4)
    return f"{shown.model(_VIEW, 'pruning_note').text}, with parts of the head pruned."
