"""Puts panels into a figure: one, or those of a head."""

from dataclasses import replace

from headbrush.server.pages.figures.caption import lettered, subject
from headbrush.server.pages.figures.panel_registry import PANELS
from headbrush.server.pages.figures.parts.drawing import Place
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.fonts import SMALL, TEXT, paper_style, wrapped
from headbrush.server.pages.figures.parts.paper import PaperFigure, finish, new_figure
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.pages.figures.request import HEAD, HEAD_PANELS
from headbrush.server.session.reader import ReaderLists
from headbrush.server.session.state import ViewState
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.registry import ROWS

_ROWS = {row.letter: row for row in ROWS}
_Row = tuple[float, tuple[tuple[str, ...], ...]]
_WIDE: tuple[_Row, ...] = (
    (1.6, (("B1",),)), (1.7, (("B2",), ("C2",))), (3.3, (("D2", "D3"), ("D4",))),
)  # fmt: skip
_NARROW: tuple[_Row, ...] = (
    (1.4, (("B1",),)), (1.4, (("B2",),)), (1.35, (("C2",),)), (1.3, (("D2",),)), (1.25, (("D3",),)),
    (2.3, (("D4",),)),
)  # fmt: skip
"""Rows of the figure of a head: inches of height, and columns of panels one below the other."""
_NARROW_BELOW = 5.0


def draw_figure(
    data: StoreData,
    state: ViewState,
    lists: ReaderLists,
    panel: str,
    width: float,
    dpi: int,
    with_caption: bool,
    patience_s: float = 0,
) -> PaperFigure:
    """Draw what a page of this state shows.

    Parameters
    ----------
    panel
        Letter of a view, or ``head``.
    width
        Inches.
    dpi
        Of pictures within the figure.
    patience_s
        Seconds that may be waited for means over images that the model computes.

    Raises
    ------
    AbsentError
        If the panel has nothing to show; says why.
    """
    letters = HEAD_PANELS if panel == HEAD else (panel,)
    state = replace(state, workspace=_ROWS[letters[0]].workspace)
    shown = Shown(data, state, [_ROWS[letter].name for letter in letters], lists, patience_s)
    with paper_style():
        made = _head(shown, width, dpi) if panel == HEAD else _single(shown, panel, width, dpi)
        figure, words, legend_rows = made
        with_head = panel == HEAD or PANELS[panel].shows_head
        figure.caption = f"{subject(shown, with_head)} {words}"
        figure.dpi_of_file = dpi
        finish(figure, legend_rows, with_caption)
    return figure


def _single(shown: Shown, letter: str, width: float, dpi: int) -> tuple[PaperFigure, str, int]:
    panel = PANELS[letter]
    height = min(panel.ratio * width, panel.most)
    figure = new_figure(width, height)
    place = Place(figure, width, height / width, dpi)
    words = panel.draw(shown, place)
    return figure, words, place.legend_rows


def _head(shown: Shown, width: float, dpi: int) -> tuple[PaperFigure, str, int]:
    """All panels of a head; one that has nothing to show says why, unless none has."""
    rows = _NARROW if width < _NARROW_BELOW else _WIDE
    heights = [height for height, _ in rows]
    figure = new_figure(width, sum(heights))
    strips = figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
    told: dict[str, str] = {}
    missing: list[AbsentError] = []
    for strip, (height, columns) in zip(strips, rows, strict=True):
        sides = strip.subfigures(1, len(columns), squeeze=False)[0]
        for side, letters in zip(sides, columns, strict=True):
            parts = side.subfigures(len(letters), 1, squeeze=False)[:, 0]
            size = width / len(columns), height / len(letters)
            for part, letter in zip(parts, letters, strict=True):
                place = Place(part, size[0], size[1] / size[0], dpi)
                told[chr(ord("a") + len(told))] = _draw(shown, letter, place, len(told), missing)
    if len(missing) == len(told):
        raise missing[0]
    return figure, lettered(told), 0


def _draw(shown: Shown, letter: str, place: Place, number: int, missing: list[AbsentError]) -> str:
    """Draw one of several panels under its heading; what it shows, in words."""
    panel = PANELS[letter]
    place.heading = f"{chr(ord('a') + number)}  {panel.title}"
    try:
        words = panel.draw(shown, place)
    except AbsentError as error:
        missing.append(error)
        words = f"{panel.title}: nothing to show."
        _explain(place, str(error))
    if not place.legend_rows:
        place.figure.suptitle(place.heading, x=0.01, ha="left", size=TEXT, weight="bold")
    return words


def _explain(place: Place, sentence: str) -> None:
    """Write why a panel has nothing to show in its place."""
    axes = place.axes()
    axes.axis("off")
    words = "\n".join(wrapped(sentence, place.width - 0.3))
    axes.text(0.5, 0.5, words, ha="center", va="center", fontsize=SMALL)
