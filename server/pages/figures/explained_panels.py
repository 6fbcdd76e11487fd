"""G1 and G3: an image under a map of its patches, and the heads that speak for its class."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.patches import Rectangle

from headbrush.analysis.explain.words import SIGNED
from headbrush.server.pages.figures.parts.drawing import Place, area_key, colour_bar, number_ticks
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.fonts import SMALL, elided
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.palette import BRUSHED, LIGHT, NEUTRAL, PATCH, PREFIX, SELECTED
from headbrush.server.views.tokens.explain.explained_image import ExplainedImage
from headbrush.server.views.tokens.explain.explanation_answer import ExplanationAnswer
from headbrush.server.views.tokens.explain.patch_plot import OPAQUE
from headbrush.server.views.tokens.explain.speaking_heads import SpeakingHeads
from headbrush.server.views.tokens.explain.words import TITLES
from headbrush.server.views.tokens.token_name import pinned_patch

_VIEW, _HEADS = ExplainedImage.name, SpeakingHeads.name
_STEPS = 128


def draw_map(shown: Shown, place: Place) -> str:
    """Draw the image beside its map, and the pinned patch; returns what is drawn, in words."""
    shown.demand(_VIEW)
    note, image = shown.model(_VIEW, "explained_note").text, shown.state.image
    kind, answer = shown.state.explained_map, shown.shared(ExplanationAnswer)
    values = None if image is None or answer.fault else answer.map(kind)
    if values is None or image is None:
        raise AbsentError(note)
    rows, columns = shown.data.store.grid
    pixels = shown.data.pixels(image)
    values = np.nan_to_num(values)  # of tiles that are not yet removed
    most, is_signed = float(np.abs(values).max()) or 1.0, kind in SIGNED
    low = -most if is_signed else 0.0
    axes = place.figure.subplots(1, 2)
    extent = (0, columns, rows, 0)
    axes[0].imshow(
        np.broadcast_to(pixels, (*pixels.shape[:2], 3)), extent=extent, interpolation="nearest"
    )
    ramp = LinearSegmentedColormap.from_list("map", _ramp(is_signed))
    axes[1].imshow(
        values.reshape(rows, columns), cmap=ramp, vmin=low, vmax=most, extent=extent,
        interpolation="nearest",
    )  # fmt: skip
    patch = pinned_patch(shown.data.store, shown.state)
    for one, title in zip(axes, ("image", f"{TITLES[kind]}: {answer.class_name}"), strict=True):
        one.set_xticks([])
        one.set_yticks([])
        one.set_title(elided(title, place.width / 2 - 0.4), fontsize=SMALL, pad=2)
        if patch >= 0:
            row, column = divmod(patch, columns)
            one.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=SELECTED, lw=1))
    colour_bar(
        place, list(axes), list(ramp(np.linspace(0, 1, _STEPS))), (low, most), "value of the patch",
        location="bottom", shrink=0.5, aspect=40, pad=0.03,
    )  # fmt: skip
    return note


def _ramp(is_signed: bool) -> list[tuple[float, ...]]:
    """As on the page, on white paper."""
    paper = np.ones(3)
    above, below = (
        (1 - OPAQUE) * paper + OPAQUE * np.array(to_rgb(one)) for one in (PATCH, PREFIX)
    )
    return [tuple(below), tuple(paper), tuple(above)] if is_signed else [tuple(paper), tuple(above)]


def draw_heads(shown: Shown, place: Place) -> str:
    """Draw bars of heads, those with the largest values first; returns what is drawn, in words."""
    shown.demand(_HEADS)
    plot = shown.plot(_HEADS, "speaking_plot", "speaking_note")
    bars = shown.columns(_HEADS, "speaking_bars")
    value, total = np.asarray(bars["value"], float), np.asarray(bars["total"], float)
    axes, at = place.axes(), np.arange(len(value))
    has_total = bool(np.isfinite(total).any())
    axes.bar(at - 0.2 * has_total, value, 0.38, color=LIGHT.ink)
    if has_total:
        axes.bar(at + 0.2, np.nan_to_num(total), 0.38, color=BRUSHED)
    axes.axhline(0, color=NEUTRAL, lw=0.5)
    axes.set_xticks(at, list(bars["label"]), rotation=90)
    axes.set_ylabel(str(plot.xaxis[0].axis_label))
    number_ticks(axes.yaxis, 4)
    if has_total:
        keys = (LIGHT.ink, "speaks for the class"), (BRUSHED, "total effect of pruning")
        place.legend([(area_key(colour), words) for colour, words in keys])
    return shown.model(_HEADS, "speaking_note").text
