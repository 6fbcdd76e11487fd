"""A figure of matplotlib that keeps its style when it is written."""

import io
from typing import Any, cast

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from headbrush.server.pages.figures.parts.fonts import SMALL, paper_style, wrapped

_LINE = 1.25 * SMALL / 72
"""Inches of a line of a legend or a caption."""
_MARGIN = 0.04
_SHOWN_DPI = 150


class PaperFigure(Figure):
    """A figure that is written in its own style, and that a notebook shows.

    Attributes
    ----------
    caption
        What it shows, in words; also kept in the file.
    dpi_of_file
        Of pictures within PDF and SVG, and of PNG.
    """

    caption = ""
    dpi_of_file = 300

    def savefig(self, *args: Any, **options: Any) -> None:
        """Write the figure; text stays text in PDF and SVG."""
        with paper_style():
            super().savefig(*args, **{"dpi": self.dpi_of_file, **options})

    def content(self, ending: str) -> bytes:
        """The figure as a ``pdf``, ``svg`` or ``png``; the same bytes for the same figure."""
        file = io.BytesIO()
        undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}[ending]
        self.savefig(file, format=ending, metadata={"Title": self.caption, **undated})
        return file.getvalue()

    def _repr_png_(self) -> bytes:
        """Shown inline by a notebook."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=_SHOWN_DPI)
        return file.getvalue()


def new_figure(width: float, height: float) -> PaperFigure:
    """An empty figure in inches, which keeps all of its parts inside."""
    engine = ConstrainedLayoutEngine(w_pad=_MARGIN, h_pad=_MARGIN, wspace=0.03, hspace=0.02)
    figure = PaperFigure(figsize=(width, height), layout=engine)
    FigureCanvasAgg(figure)
    return figure


def finish(figure: PaperFigure, legend_rows: int, with_caption: bool) -> None:
    """Make room for the legend, and write the caption below."""
    width, height = figure.get_size_inches()
    height += legend_rows * _LINE
    lines = wrapped(figure.caption, width - 3 * _MARGIN) if with_caption else []
    below = len(lines) * _LINE + (2 * _MARGIN if lines else 0)
    figure.set_size_inches(width, height + below)
    share = below / (height + below)
    cast(ConstrainedLayoutEngine, figure.get_layout_engine()).set(rect=(0, share, 1, 1 - share))
    if lines:
        figure.text(
            1.5 * _MARGIN / width, 1 - height / (height + below), "\n".join(lines), va="top",
            fontsize=SMALL, linespacing=1.15, in_layout=False, gid="caption",
        )  # fmt: skip
