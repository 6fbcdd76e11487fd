"""F1 and F2: effects of heads by class, and whether the images of a class use the heads alike."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle

from headbrush.server.pages.figures.panels.importance import layer_ticks
from headbrush.server.pages.figures.parts.drawing import (
    Place,
    colour_bar,
    dot_key,
    faded,
    number_ticks,
)
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.fonts import elided
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.palette import BRUSHED, LIGHT, NEUTRAL, SELECTED
from headbrush.server.tools.bokeh.bokeh_types import ends_of
from headbrush.server.views.trends.class_heads import ClassHeads
from headbrush.server.views.trends.consistency import ClassConsistency

_ROOM = 0.3
"""Share of the width that names of classes take at most."""


def draw_classes(shown: Shown, place: Place) -> str:
    """Draw the effect sizes, heads × classes, with their dots; returns what is drawn, in words."""
    shown.demand(ClassHeads.name)
    cells, note = _rows(shown, ClassHeads.name, "trend_cells", "trends_note")
    x, y = np.asarray(cells["x"], int), np.asarray(cells["y"], int)
    effects = np.full((y.max() + 1, x.max() + 1), np.nan)
    effects[y, x] = np.asarray(cells["g"], float)
    most = float(np.nanmax(np.abs(effects)))
    axes = place.axes()
    axes.imshow(
        effects, cmap=ListedColormap(LIGHT.diverging), vmin=-most, vmax=most, aspect="auto",
        interpolation="nearest",
    )  # fmt: skip
    marked = shown.columns(ClassHeads.name, "trend_marked")
    axes.plot(marked["x"], marked["y"], "o", color=LIGHT.ink, ms=2, lw=0)
    _frame(shown, axes, len(effects))
    _classes(place, axes, cells)
    if shown.state.trend_order == "layer":
        axes.set_xticks(*layer_ticks(shown, place))
        axes.set_xlabel(f"layer ({shown.data.heads_per_layer} heads each)")
    else:
        axes.set_xticks([])
        axes.set_xlabel("heads, those with alike effects side by side")
    colour_bar(place, axes, list(LIGHT.diverging), (-most, most), "Hedges' g")
    return f"{note.removesuffix('.')}; dots mark what stands out."


def draw_consistency(shown: Shown, place: Place) -> str:
    """Draw mean distances within each class and to others; returns what is drawn, in words."""
    shown.demand(ClassConsistency.name)
    view = ClassConsistency.name
    rows, note = _rows(shown, view, "consistency_rows", "consistency_note")
    axes, y = place.axes(), np.asarray(rows["y"])
    within, between = np.asarray(rows["within"]), np.asarray(rows["between"])
    opacity = faded(np.asarray(rows["alpha"]) == 1)
    axes.hlines(y, within, between, color=NEUTRAL, lw=1.2, alpha=opacity)
    axes.scatter(between, y, s=14, color=NEUTRAL, alpha=opacity, lw=0, zorder=3)
    axes.scatter(within, y, s=20, color=BRUSHED, alpha=opacity, lw=0, zorder=3)
    axes.set_xlim(*ends_of(shown.plot(view, "consistency_plot").x_range))
    axes.set_ylim(len(y) - 0.5, -0.5)
    axes.set_xlabel("mean distance")
    number_ticks(axes.xaxis)
    _classes(place, axes, rows)
    place.legend([(dot_key(BRUSHED), "within the class"), (dot_key(NEUTRAL), "to other classes")])
    return f"{note.removesuffix('.')}; classes that differ from none are pale."


def _rows(shown: Shown, view: str, source: str, note: str) -> tuple[dict, str]:
    """The columns of a source, and the sentence above the plot.

    Raises
    ------
    AbsentError
        If there is nothing to show; the sentence says why.
    """
    columns, words = shown.columns(view, source), shown.model(view, note).text
    if not len(columns["y"]):
        raise AbsentError(words)
    return columns, words


def _frame(shown: Shown, axes: Axes, rows: int) -> None:
    """Frame the column of the selected head."""
    for at in shown.columns(ClassHeads.name, "trend_head")["x"]:
        axes.add_patch(Rectangle((at - 0.5, -0.5), 1, rows, fill=False, edgecolor=SELECTED, lw=1.2))


def _classes(place: Place, axes: Axes, columns: dict) -> None:
    """Name the rows."""
    names = dict(zip(np.asarray(columns["y"], int).tolist(), columns["class"], strict=True))
    room = _ROOM * place.width
    axes.set_yticks(list(names), [elided(str(name), room) for name in names.values()])
