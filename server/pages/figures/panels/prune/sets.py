"""E2: what the prune set and the named ones do to the predictions, side by side."""

import numpy as np
from matplotlib.axes import Axes

from headbrush.analysis.prune.summary import PruneEffect
from headbrush.server.pages.figures.parts.drawing import Place, line_key, number_ticks
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.fonts import SMALL, elided
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.palette import LIGHT, NEUTRAL
from headbrush.server.session.prune.named_sets import NamedSets, compared_sets
from headbrush.server.views.what_if.set_answer import SetAnswer
from headbrush.server.views.what_if.set_effects import SetEffects
from headbrush.server.views.what_if.words import gone_counts, percent

_NAMES = 0.3
"""Part of the width for names of sets, at most."""
_ROOM = 1.35
"""How far an axis of divergences goes beyond the largest, so that the words fit."""


def draw(shown: Shown, place: Place) -> str:
    """Draw accuracies with their intervals, and divergences; returns what is drawn, in words."""
    shown.demand(SetEffects.name)
    effects = _effects(shown)
    if not effects:
        raise AbsentError(_why_none(shown))
    left, right = place.figure.subplots(1, 2, sharey=True)
    rows = np.arange(len(effects))
    names = [elided(name, _NAMES * place.width) for name, _ in effects]
    left.set_yticks(rows, names)
    left.set_ylim(len(effects) - 0.4, -0.6)
    each = [effect for _, effect in effects]
    if any(effect.labelled for effect in each):
        _accuracies(left, each)
        place.legend([(line_key(NEUTRAL, linestyle="--"), "not pruned")])
    else:
        left.set_xlabel("accuracy: no labels")
        left.set_xticks([])
    _divergences(right, each)
    counts = sorted({effect.count for effect in each})
    images = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return (
        f"Predictions without prune sets, over {images} images: accuracy with its 95 % Wilson "
        "interval; mean Jensen-Shannon divergence from the unpruned predictions, and how many "
        f"predictions change. Heads gone: {_gone(shown)}."
    )


def _sets(shown: Shown) -> NamedSets:
    return compared_sets(shown.session.reader.sets, shown.state.pruned)


def _effects(shown: Shown) -> list[tuple[str, PruneEffect]]:
    answer = shown.shared(SetAnswer)
    found = [(one.name, answer.effect(one.pruned)) for one in _sets(shown)]
    return [(name, effect) for name, effect in found if effect is not None]


def _why_none(shown: Shown) -> str:
    answer = shown.shared(SetAnswer)
    faults = [answer.fault_of(one.pruned) for one in _sets(shown)]
    return answer.why_none or next(filter(None, faults), "") or "No head is pruned."


def _gone(shown: Shown) -> str:
    return "; ".join(f"{one.name} {gone_counts(one.pruned)}" for one in _sets(shown))


def _accuracies(axes: Axes, effects: list[PruneEffect]) -> None:
    known = [(row, effect) for row, effect in enumerate(effects) if effect.labelled]
    for row, effect in known:
        low, high = effect.interval
        axes.plot([low, high], [row, row], color=LIGHT.ink, lw=1.0)
        axes.plot([effect.accuracy], [row], "o", color=LIGHT.ink, ms=3)
        _beside(axes, percent(effect.accuracy), effect.accuracy, row)
    before = known[0][1].accuracy_before
    axes.axvline(before, color=NEUTRAL, lw=0.9, linestyle="--", zorder=0)
    lows = [effect.interval[0] for _, effect in known]
    axes.set_xlim(max(0.0, min(*lows, before) - 0.02), 1.0)
    axes.set_xlabel("accuracy")
    number_ticks(axes.xaxis, 3)


def _divergences(axes: Axes, effects: list[PruneEffect]) -> None:
    values = [effect.jsd for effect in effects]
    axes.barh(range(len(values)), values, height=0.5, color=NEUTRAL)
    for row, effect in enumerate(effects):
        axes.annotate(
            f"{effect.jsd:.2g}; {len(effect.flipped)} change", (effect.jsd, row), xytext=(2, 0),
            textcoords="offset points", va="center", fontsize=SMALL,
        )  # fmt: skip
    axes.set_xlim(0, (max(values) or 1) * (1 + _ROOM))
    axes.set_xlabel("mean divergence (bits)")
    number_ticks(axes.xaxis, 3)


def _beside(axes: Axes, words: str, where: float, row: int) -> None:
    axes.annotate(
        words, (where, row), xytext=(0, 4), textcoords="offset points", ha="center", va="bottom",
        fontsize=SMALL, bbox={"facecolor": "white", "linewidth": 0, "pad": 0.6},
    )  # fmt: skip
