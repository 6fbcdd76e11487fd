"""The figure of one explained prediction: maps with their faithfulness, and heads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from headbrush.analysis.explain.words import (
    MAPS,
    SIGNED,
    TILES,
    Explanation,
    faithful_words,
    sink_words,
)
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.facts.percent import percent
from headbrush.server.pages.figures.parts.drawing import Place, area_key, number_ticks
from headbrush.server.pages.figures.parts.fonts import SMALL, elided, paper_style, wrapped
from headbrush.server.pages.figures.parts.paper import PaperFigure, finish, new_figure
from headbrush.server.pages.report.parts.redact_folders import last_name, without_folders
from headbrush.server.pages.report.parts.request import listed
from headbrush.server.session.palette import BRUSHED, LIGHT
from headbrush.server.stores.store_data import StoreData

_COLUMNS = 4
_TITLE = 0.42
"""Inches above a picture for its name and figures."""
_HEADS = 8
_EXACT = 5e-3
"""Of the logit, or of 1: so far its parts may be from it by rounding."""
_BARS = 1.7
"""Inches of the bars of heads."""


@dataclass(frozen=True)
class Explained:
    """An explained prediction: its numbers and their figure, which a notebook shows."""

    explanation: Explanation
    figure: PaperFigure

    def _repr_png_(self) -> bytes:
        """Shown inline by a notebook."""
        return self.figure.content("png")


def read_class(data: StoreData, word: object, image: int) -> int:
    """A class by its id or name; by default the one that was predicted.

    Raises
    ------
    InputError
        If the store has no such class, or no classifier.
    """
    if not data.has_classifier:
        raise InputError("The model has no classifier, so it makes no prediction to explain.")
    if word is None:
        return int(data.predicted[image])
    text, names = str(word), data.class_names
    if text in names:
        return names.index(text)
    if text.isdecimal() and int(text) < len(names):
        return int(text)
    raise InputError(
        f"--class {text[:80]}: expected an id from 0 to {len(names) - 1} or a name, for example "
        f"{names[0]}."
    )


def read_tile(word: object) -> str:
    """The tiles of an ablation.

    Raises
    ------
    InputError
        If there are no such tiles.
    """
    if str(word) not in TILES:
        raise InputError(f"--tile {str(word)[:80]}: expected one of {', '.join(TILES)}.")
    return str(word)


def read_maps(words: Sequence[str]) -> list[str]:
    """Kinds of maps, by default all.

    Raises
    ------
    InputError
        If there is no such map.
    """
    words = listed(words)
    for word in words:
        if word not in MAPS:
            raise InputError(f"--maps {word}: unknown map; choose from {', '.join(MAPS)}.")
    return list(dict.fromkeys(words)) or list(MAPS)


def draw_explanation(
    data: StoreData,
    image: int,
    which: int,
    kinds: Sequence[str],
    found: Explanation,
    width: float,
    dpi: int,
    with_caption: bool,
) -> PaperFigure:
    """Draw the image, its maps and its heads.

    Parameters
    ----------
    kinds
        Of the maps in ``found``, in their order.
    width
        Inches.
    """
    columns = min(_COLUMNS, 1 + len(kinds))
    rows = -(-(1 + len(kinds)) // columns)
    attrs = data.store.attrs
    grid = int(attrs["grid_height"]), int(attrs["grid_width"])
    side = width / columns
    high = rows * (side * grid[0] / grid[1] + _TITLE)
    with paper_style():
        figure = new_figure(width, high + _BARS)
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[high, _BARS])[:, 0]
        cells = above.subplots(rows, columns, squeeze=False).ravel()
        for axes in cells:
            axes.axis("off")
        cells[0].imshow(_picture(data, image), interpolation="nearest")
        cells[0].set_title(elided(data.names[image], side - 0.12), fontsize=SMALL, pad=2)
        for row, (axes, kind) in enumerate(zip(cells[1:], kinds, strict=False)):
            _map(axes, kind, found, row, grid, side - 0.12)
        place = Place(below, width, _BARS / width, dpi)
        _bars(data, place, found)
        figure.caption = _caption(data, image, which, kinds, found)
        figure.dpi_of_file = dpi
        finish(figure, place.legend_rows, with_caption)
    return figure


def _picture(data: StoreData, image: int) -> np.ndarray:
    pixels = data.pixels(image)
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def _map(
    axes: Axes, kind: str, found: Explanation, row: int, grid: tuple[int, int], room: float
) -> None:
    """One map, on its own scale; a signed one is white at 0."""
    title = elided(found.map_words(kind), room)
    values = found.maps[row].reshape(grid)
    if not np.isfinite(values).all():
        axes.set_title(title, fontsize=SMALL, pad=2)
        words = "\n".join(wrapped(str(found.absent[row]), room))
        axes.text(0.5, 0.5, words, ha="center", va="center", fontsize=SMALL)
        return
    most = float(np.abs(values).max()) or 1.0
    low, ramp = (-most, "RdBu_r") if kind in SIGNED else (0.0, "cividis")
    axes.pcolormesh(values, cmap=ramp, vmin=low, vmax=most, rasterized=values.size > 5000)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    figures = f"del. {found.deletion[row]:.2f}, ins. {found.insertion[row]:.2f}"
    axes.set_title(f"{title}\n{elided(figures, room)}", fontsize=SMALL, pad=2)


def _bars(data: StoreData, place: Place, found: Explanation) -> None:
    """The heads that say most, or matter most where that is not known, with their total effect."""
    says, total = found.says.ravel(), found.total.ravel()
    is_known = not np.isnan(says).any()
    by = says if is_known else total
    heads = np.argsort(-np.abs(by), kind="stable")[:_HEADS]
    axes = place.axes()
    at = np.arange(len(heads))
    if is_known:
        axes.bar(at - 0.2, says[heads], 0.38, color=LIGHT.ink)
    axes.bar(at + 0.2, total[heads], 0.38, color=BRUSHED)
    axes.axhline(0, color=LIGHT.ink, lw=0.5)
    axes.set_xticks(at, [str(data.head(int(head))) for head in heads])
    axes.set_ylabel("logit")
    number_ticks(axes.yaxis, 4)
    speaks = [(area_key(LIGHT.ink), "speaks for the class")] if is_known else []
    place.legend([*speaks, (area_key(BRUSHED), "total effect of pruning")])


def _caption(
    data: StoreData, image: int, which: int, kinds: Sequence[str], found: Explanation
) -> str:
    true = f"true {data.true_class(image)}, " if data.is_labelled[image] else ""
    model = last_name(str(data.store.attrs["model"]))
    deletion, insertion = found.random_deletion, found.random_insertion
    random = ""
    if len(kinds):
        random = (
            "Mean probability of the class while patches go, the highest first (del.), and come "
            f"(ins.); {len(deletion)} random orders: del. {deletion.min():.2f} to "
            f"{deletion.max():.2f}, ins. {insertion.min():.2f} to {insertion.max():.2f}. "
            f"{faithful_words(found, kinds)} "
        )
    words = (
        f"{model}; image {data.names[image]} ({true}explained for {data.class_name(which)}, "
        f"P = {percent(float(found.probability))}). {random}n = 1 image. {_sum_words(found)} "
        f"What a head speaks for a class is not its importance. "
        f"{sink_words(found.sinks, found.outliers)}"
    )
    return without_folders(words, data.store)


def _sum_words(found: Explanation) -> str:
    """What the logit is made up of, where its parts are known and add up to it."""
    if str(found.absent_parts):
        return f"What heads say is not known: {found.absent_parts}."
    logit, whole = float(found.logit), float(found.says.sum() + found.parts.sum())
    if abs(whole - logit) > _EXACT * max(1, abs(logit)):
        return (
            f"What heads say is not exact: the parts add up to {whole:.2f}, the logit is "
            f"{logit:.2f}."
        )
    embedding, mlp, bias = found.parts
    return (
        f"Logit {logit:.2f} = heads {found.says.sum():.2f}, embedding {embedding:.2f}, MLPs "
        f"{mlp:.2f}, biases {bias:.2f}."
    ).replace("-", "\N{MINUS SIGN}")
