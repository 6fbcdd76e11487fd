"""The figure of a curve: accuracy and divergence with fewer and fewer heads, order by order."""

from dataclasses import dataclass

from headbrush.analysis.store.facts.studies.curve import Curve
from headbrush.analysis.store.store import Store
from headbrush.server.pages.figures.panels.prune.curve import curve_words, draw_curve
from headbrush.server.pages.figures.parts.drawing import Place
from headbrush.server.pages.figures.parts.fonts import paper_style
from headbrush.server.pages.figures.parts.paper import PaperFigure, finish, new_figure
from headbrush.server.pages.report.parts.redact_folders import last_name

_WIDTH = 3.35
"""Inches of a column of text."""
_RATIO = 1.15
"""Height by width."""


@dataclass(frozen=True)
class DrawnCurve:
    """A curve: its numbers and their figure, which a notebook shows."""

    curve: Curve
    figure: PaperFigure

    def _repr_png_(self) -> bytes:
        """Shown inline by a notebook."""
        return self.figure.content("png")


def draw_curve_figure(curve: Curve, store: Store) -> PaperFigure:
    """Draw accuracy with its interval, and the mean divergence, over the heads that are left."""
    with paper_style():
        figure = new_figure(_WIDTH, _WIDTH * _RATIO)
        place = Place(figure, _WIDTH, _RATIO, figure.dpi_of_file)
        draw_curve(curve, place)
        figure.caption = caption_of(curve, store)
        finish(figure, place.legend_rows, True)
    return figure


def caption_of(curve: Curve, store: Store) -> str:
    """Which model, and what the figure shows, in words."""
    return f"{last_name(str(store.attrs['model']))}; {curve_words(curve)}"
