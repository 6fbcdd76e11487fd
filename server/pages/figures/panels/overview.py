"""C1: all heads, by entropy, counts of brushed patterns, bits, or names."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from headbrush.analysis.store.facts.head_bits import FOLLOWS, POSITIONAL
from headbrush.server.pages.figures.parts.drawing import (
    Place,
    chosen,
    colour_bar,
    faded,
    number_ticks,
    ring,
    ring_key,
    sizes,
)
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.fonts import SMALL, elided
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.brush.dot_share import share_words
from headbrush.server.session.palette import LIGHT, NEUTRAL, SELECTED, layer_colours
from headbrush.server.tools.bokeh.bokeh_types import columns_of, ends_of
from headbrush.server.views.strength.strength_overview import StrengthOverview

_VIEW = StrengthOverview.name
_RAMP = LinearSegmentedColormap.from_list("counts", LIGHT.density)


def draw(shown: Shown, place: Place) -> str:
    """Draw what C1 shows; returns what is drawn, in words."""
    shown.demand(_VIEW)
    words = _FORMS[shown.state.overview](shown, place)
    share = share_words(shown.session.brushes.head_share)
    has_dots = shown.state.overview in ("entropy", "bits")
    return f"{words}{f'; {share}' if share and has_dots else ''}."


def _dots(shown: Shown, axes: Axes, across: str, up: str) -> None:
    columns = columns_of(shown.session.heads)
    x, y = np.asarray(columns[across], float), np.asarray(columns[up], float)
    axes.scatter(
        x, y, s=sizes(np.asarray(columns["share"]), 7, 3, 12), c=list(columns["colour"]),
        alpha=faded(chosen(shown.session.heads)), edgecolors="white", linewidths=0.3,
    )  # fmt: skip
    number = shown.session.head.number
    ring(axes, x[[number]], y[[number]])


def _finish(shown: Shown, place: Place, axes: Axes) -> None:
    layers = shown.data.num_layers
    if shown.state.overview == "bits" and layers > 1:
        colour_bar(place, axes, layer_colours(layers), (-0.5, layers - 0.5), "layer")
    place.legend([(ring_key(), str(shown.session.head))])


def _entropy(shown: Shown, place: Place) -> str:
    axes, plot = place.axes(), shown.plot(_VIEW, "overview_plot")
    if not np.isfinite(np.asarray(columns_of(shown.session.heads)["entropy"], float)).any():
        raise shown.nothing
    _dots(shown, axes, "layer_jitter", "entropy")
    axes.set_xlim(*ends_of(plot.x_range))
    axes.set_ylim(*ends_of(plot.y_range))
    axes.set_xlabel("layer")
    axes.set_ylabel("entropy (0–1)")
    number_ticks(axes.xaxis, 12, whole=True)
    number_ticks(axes.yaxis)
    _finish(shown, place, axes)
    return f"Heads by layer and entropy of their strength over hops ({shown.whose})"


def _bits(shown: Shown, place: Place) -> str:
    if not shown.data.head_bits:
        raise AbsentError(shown.model(_VIEW, "bits_missing").text)
    axes, plot = place.axes(), shown.model(_VIEW, "bits_plot")
    _dots(shown, axes, "fixed", "content")
    (left, right), (low, high) = ends_of(plot.x_range), ends_of(plot.y_range)
    for share in (POSITIONAL, FOLLOWS):
        axes.plot([0, right], [0, right * share / (1 - share)], color=NEUTRAL, lw=0.8, ls=":")
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    corners = ((0.01, 0.99, "left", "top", "follows the content"),
               (0.99, 0.01, "right", "bottom", "positional"))  # fmt: skip
    for x, y, ha, va, words in corners:
        axes.text(x, y, words, transform=axes.transAxes, ha=ha, va=va, fontsize=SMALL)
    axes.set_xlabel("fixed (bits)")
    axes.set_ylabel("content (bits)")
    number_ticks(axes.xaxis)
    number_ticks(axes.yaxis)
    _finish(shown, place, axes)
    return "Heads by what decides where they look, in bits: fixed, or by the content of the image"


def _counts(shown: Shown, place: Place) -> str:
    axes, data = place.axes(), shown.data
    columns = columns_of(shown.session.heads)
    counts = np.asarray(columns["brushed"])
    most = max(int(counts.max()), 1)
    has_room = _has_room(shown, place, most)
    for layer, head, count in zip(columns["layer"], columns["head"], counts, strict=True):
        _cell(axes, (layer, head), count / most, str(count) if has_room else "")
    head = shown.session.head
    _frame(axes, head.layer, head.head)
    axes.set_xlim(-0.5, data.num_layers - 0.5)
    axes.set_ylim(data.heads_per_layer - 0.5, -0.5)
    axes.set_xlabel("layer")
    axes.set_ylabel("head")
    number_ticks(axes.xaxis, 12, whole=True)
    number_ticks(axes.yaxis, 6, whole=True)
    colour_bar(place, axes, list(_RAMP(np.linspace(0, 1, 128))), (0, most), "brushed patterns")
    return f"Brushed patterns of each head, of {data.num_images} images"


def _has_room(shown: Shown, place: Place, most: int) -> bool:
    cell = 0.78 * place.width / shown.data.num_layers  # inches
    return cell > 0.065 * len(str(most)) + 0.02 and shown.data.heads_per_layer <= 16


def _names(shown: Shown, place: Place) -> str:
    if not shown.data.head_families:
        raise AbsentError(shown.model(_VIEW, "names_missing").text)
    axes, data, cells = place.axes(), shown.data, shown.columns(_VIEW, "name_cells")
    most = max(int(np.max(cells["shade"], initial=0)), 1)
    columns = zip(*(cells[key] for key in ("x", "row", "count", "shade", "alpha")), strict=True)
    for x, row, count, shade, alpha in columns:
        _cell(axes, (x, row), shade / most, str(count), alpha)
    at = shown.columns(_VIEW, "name_ring")
    _frame(axes, at["layer"][0], at["row"][0])
    labels = shown.model(_VIEW, "name_table").yaxis[0].major_label_overrides
    axes.set_yticks(list(labels), [elided(str(one), 0.3 * place.width) for one in labels.values()])
    axes.set_xlim(-0.5, data.num_layers + 0.75)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    step = max(1, data.num_layers // 12)
    layers = list(range(0, data.num_layers, step))
    axes.set_xticks([*layers, data.num_layers + 0.2], [*map(str, layers), "all"])
    axes.set_xlabel("layer")
    return "Heads of each layer by what most of their patterns are called"


def _cell(
    axes: Axes, at: tuple[float, float], share: float, words: str, alpha: float = 1.0
) -> None:
    """A cell of a table; its number is dark on light shades, light on dark ones."""
    x, y = at
    axes.add_patch(
        Rectangle((x - 0.47, y - 0.47), 0.94, 0.94, facecolor=_RAMP(share), alpha=alpha, lw=0)
    )
    ink = LIGHT.density[0] if share * alpha > 0.4 else LIGHT.density[-1]
    axes.text(x, y, words, ha="center", va="center_baseline", color=ink, fontsize=SMALL)


def _frame(axes: Axes, x: float, y: float) -> None:
    axes.add_patch(
        Rectangle((x - 0.47, y - 0.47), 0.94, 0.94, fill=False, edgecolor=SELECTED, lw=1.4)
    )


_FORMS: dict[str, Callable[[Shown, Place], str]] = {
    "entropy": _entropy, "counts": _counts, "bits": _bits, "names": _names,
}  # fmt: skip
