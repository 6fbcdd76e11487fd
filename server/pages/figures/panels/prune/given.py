"""E4: what pruning one more head changes, in the whole model and under a prune set."""

import numpy as np

from headbrush.server.pages.figures.panels.importance import layer_stripes
from headbrush.server.pages.figures.parts.drawing import (
    Place,
    line_key,
    name_height,
    number_ticks,
)
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.palette import LIGHT, NEUTRAL
from headbrush.server.tools.bokeh.bokeh_types import ends_of
from headbrush.server.views.what_if.given_importance import GivenImportance
from headbrush.server.views.what_if.words import gone_words

_VIEW = GivenImportance.name


def draw(shown: Shown, place: Place) -> str:
    """Draw both lines, and crosses for pruned heads; returns what is drawn, in words."""
    shown.demand(_VIEW)
    lines, note = shown.columns(_VIEW, "given_lines"), shown.model(_VIEW, "given_note").text
    values = np.concatenate([np.asarray(lines[name], float) for name in ("before", "given")])
    if not np.isfinite(values).any():
        raise AbsentError(note)
    axes, plot = place.axes(), shown.plot(_VIEW, "given_plot")
    layer_stripes(shown, place, axes)
    number = np.asarray(lines["number"])
    axes.plot(number, lines["before"], color=NEUTRAL, lw=1.2)
    axes.plot(number, lines["given"], color=LIGHT.ink, lw=1.0, marker="o", ms=2)
    gone = np.asarray(lines["gone"], float)
    axes.plot(number, gone, "x", color=NEUTRAL, ms=3.5)
    axes.set_xlim(*ends_of(plot.x_range))
    axes.set_ylim(*ends_of(plot.y_range))
    axes.set_xlabel(str(plot.xaxis[0].axis_label))
    name_height(place, axes, str(plot.yaxis[0].axis_label))
    number_ticks(axes.yaxis)
    keys = [(line_key(NEUTRAL), "in the whole model")]
    words = gone_words(shown.state.pruned, shown.data.num_heads)
    if words:
        keys.append((line_key(LIGHT.ink, linewidth=1.0), f"without {words} (crosses)"))
    place.legend(keys)
    return f"Effect of pruning one more head; {note.removesuffix('.')}."
