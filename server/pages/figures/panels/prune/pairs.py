"""E7: the interactions of all pairs of heads."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle

from headbrush.server.pages.figures.panels.importance import layer_ticks
from headbrush.server.pages.figures.parts.drawing import Place, colour_bar
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.fonts import elided
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.palette import LIGHT, NEUTRAL, SELECTED
from headbrush.server.views.what_if.relations.head_pairs import HeadPairs

_VIEW = HeadPairs.name
_ROOM = 0.25
"""Share of the width that a group's name takes at most."""


def draw(shown: Shown, place: Place) -> str:
    """Draw the matrix of pairs with its dots; returns what is drawn, in words."""
    shown.demand(_VIEW)
    note = shown.model(_VIEW, "pairs_note").text
    study = shown.view(_VIEW).study
    if study is None:
        raise AbsentError(note)
    (values,) = shown.columns(_VIEW, "pair_cells")["image"]
    values, axes = np.asarray(values), place.axes()
    colours = ListedColormap(LIGHT.diverging).with_extremes(bad=NEUTRAL)
    most = float(shown.model(_VIEW, "two_palettes").high)
    axes.imshow(values, cmap=colours, vmin=-most, vmax=most, aspect="auto", interpolation="nearest")
    dots = shown.columns(_VIEW, "pair_dots")
    axes.plot(dots["x"], dots["y"], "o", color=LIGHT.ink, ms=1.3, lw=0)
    for row in shown.columns(_VIEW, "pair_row")["y"]:
        axes.add_patch(
            Rectangle((-0.5, row - 0.5), len(values), 1, fill=False, edgecolor=SELECTED, lw=1.2)
        )
    _name(shown, place, axes, list(study.names))
    colour_bar(
        place, axes, list(LIGHT.diverging), (-most, most), "ι (logits)", shrink=0.8, extend="both"
    )
    within = "; grey lies within the noise of rounding" if np.isnan(values).any() else ""
    return f"{note.removesuffix('.')}; dots mark pairs beyond chance{within}."


def _name(shown: Shown, place: Place, axes: Axes, names: list[str]) -> None:
    """Name the layers, or the groups where the study is not one of heads."""
    ticks, labels = layer_ticks(shown, place)
    is_heads = len(names) == shown.data.num_heads
    if is_heads:
        axes.set_xlabel(f"layer ({shown.data.heads_per_layer} heads each)")
    else:
        ticks, labels = np.arange(len(names)), [elided(name, _ROOM * place.width) for name in names]
    axes.set_yticks(ticks, labels)
    axes.set_xticks(ticks, labels, rotation=0 if is_heads else 90)
