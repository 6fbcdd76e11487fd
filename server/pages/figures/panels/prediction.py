"""B3 and E3: the most probable classes, unpruned and pruned."""

import numpy as np

from headbrush.server.pages.figures.parts.drawing import Place, area_key, number_ticks
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.fonts import SMALL, elided
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.palette import LIGHT, NEUTRAL
from headbrush.server.views.importance.prediction import Prediction
from headbrush.server.views.importance.pruning_answer import PruningAnswer, mode_labels
from headbrush.server.views.what_if.pruned_prediction import PrunedPrediction
from headbrush.server.views.what_if.words import gone_words

_VIEW, _OF_SET = Prediction.name, PrunedPrediction.name
_NAMES = 0.34
"""Part of the width for names of classes, at most."""


def draw(shown: Shown, place: Place) -> str:
    """Draw pairs of bars; returns what is drawn, in words."""
    shown.demand(_VIEW)
    shown.plot(_VIEW, "prediction_plot", "prediction_note")
    if shown.shared(PruningAnswer).result is None:
        raise AbsentError(shown.shared(PruningAnswer).remark)
    return _draw_bars(shown, place, _VIEW, mode_labels(shown.data.store)[shown.state.mode])


def draw_under_set(shown: Shown, place: Place) -> str:
    """Draw the same without a prune set."""
    shown.demand(_OF_SET)
    shown.plot(_OF_SET, "pruned_prediction_plot", "pruned_prediction_note")
    if not len(shown.columns(_OF_SET, "pruned_prediction_bars")["row"]):
        raise AbsentError(shown.model(_OF_SET, "pruned_prediction_note").text)
    gone = gone_words(shown.state.pruned, shown.data.num_heads)
    return _draw_bars(shown, place, _OF_SET, gone or "no head")


def _draw_bars(shown: Shown, place: Place, view: str, pruned: str) -> str:
    axes, bars = place.axes(), shown.columns(view, f"{view}_bars")
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
    place.legend([(area_key(NEUTRAL), "not pruned"), (area_key(LIGHT.ink), f"pruned: {pruned}")])
    note = shown.model(view, f"{view}_note").text
    return f"Probabilities of classes; {note.removesuffix('.')}."
