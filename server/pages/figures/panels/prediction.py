"""B3: the most probable classes, unpruned and pruned."""

import numpy as np

from headbrush.server.pages.figures.parts.drawing import Place, area_key, number_ticks
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.fonts import SMALL, elided
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.palette import LIGHT, NEUTRAL
from headbrush.server.views.importance.prediction import Prediction
from headbrush.server.views.importance.pruning_answer import PruningAnswer, mode_labels

_VIEW = Prediction.name
_NAMES = 0.34
"""Part of the width for names of classes, at most."""


def draw(shown: Shown, place: Place) -> str:
    """Draw pairs of bars; returns what is drawn, in words."""
    shown.demand(_VIEW)
    shown.plot(_VIEW, "prediction_plot", "prediction_note")
    if shown.shared(PruningAnswer).result is None:
        raise AbsentError(shown.shared(PruningAnswer).remark)
    axes, bars = place.axes(), shown.columns(_VIEW, "prediction_bars")
    rows = np.asarray(bars["row"])
    for edge, part, colour in ((-0.18, "before", NEUTRAL), (0.18, "after", LIGHT.ink)):
        values = np.nan_to_num(np.asarray(bars[part], float))
        axes.barh(rows + edge, values, height=0.34, color=colour)
    longest = np.fmax(np.asarray(bars["before"], float), np.asarray(bars["after"], float))
    for row, words, end in zip(rows, bars["numbers"], longest, strict=True):
        axes.annotate(
            words, (end, row), xytext=(2, 0), textcoords="offset points",
            va="center", fontsize=SMALL,
        )  # fmt: skip
    marked = [f"{mark}{name}" for mark, name in zip(bars["mark"], bars["name"], strict=True)]
    axes.set_yticks(rows, [elided(name, _NAMES * place.width) for name in marked])
    axes.set_ylim(rows.max() + 0.5, rows.min() - 0.5)
    axes.set_xlim(0, 1.5)
    axes.xaxis.set_label_text("probability")
    number_ticks(axes.xaxis, 3)
    axes.set_xticks([0, 0.5, 1])
    pruned = mode_labels(shown.data.store)[shown.state.mode]
    place.legend([(area_key(NEUTRAL), "not pruned"), (area_key(LIGHT.ink), f"pruned: {pruned}")])
    note = shown.model(_VIEW, "prediction_note").text
    return f"Probabilities of classes; {note.removesuffix('.')}."
