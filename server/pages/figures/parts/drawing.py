"""What panels of figures have in common: legends, ticks, colour scales, marks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import FigureBase
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from headbrush.server.pages.figures.parts.fonts import SMALL, TEXT, elided, width_of, wrapped
from headbrush.server.session.palette import SELECTED

POINTS = 72 / 96
"""Points of a pixel of the page."""
VECTOR_UP_TO = 5000
"""Marks that a PDF or SVG holds one by one; more are a picture in it."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
"""Kinds differ in shape, too: colours are lost in black and white."""
DASHES = ("-", "--")
"""Of compared brushes."""
_KEY = 0.3
"""Inches of a legend's entry beside its words."""

_FAINT = 0.15
_BOLD = {"weight": "bold", "size": TEXT}

Entry = tuple[Artist, str]


@dataclass
class Place:
    """Where a panel is drawn.

    Attributes
    ----------
    figure
        The figure, or its part.
    width
        Inches.
    ratio
        Height by width.
    dpi
        Of pictures within the figure.
    heading
        In a figure of several panels.
    legend_rows
        Lines of legends and headings that were drawn.
    """

    figure: FigureBase
    width: float
    ratio: float
    dpi: int
    heading: str = ""
    legend_rows: int = 0

    def axes(self, **options: Any) -> Axes:
        """The only axes of the panel."""
        return self.figure.subplots(**options)

    def legend(self, entries: Sequence[Entry]) -> None:
        """Draw entries above the panel, in as many columns as there is room for."""
        if not entries:
            return
        room = self.width - 0.1
        names = [elided(words, room - _KEY) for _, words in entries]
        columns = _columns([width_of(name) + _KEY + 0.12 for name in names], room)
        self.figure.legend(
            [key for key, _ in entries], names, loc="outside upper left", ncols=columns,
            title=self.heading or None, title_fontproperties=_BOLD, alignment="left",
            borderaxespad=0.4, borderpad=0.1, handlelength=1.4, handletextpad=0.5,
            columnspacing=1.0, labelspacing=0.25,
        )  # fmt: skip
        self.legend_rows += -(-len(names) // columns)


def _columns(widths: Sequence[float], room: float) -> int:
    """The most columns that entries of these widths fit in, filled one after the other."""
    for columns in range(len(widths), 1, -1):
        parts = np.array_split(np.array(widths), columns)
        if sum(float(part.max()) for part in parts) <= room:
            return columns
    return 1


def name_height(place: Place, axes: Axes, words: str) -> None:
    """Name the axis of heights, in several lines where the panel is lower than its name long."""
    room = max(0.45, place.width * place.ratio - 0.75)
    axes.set_ylabel("\n".join(wrapped(words, room, TEXT)), linespacing=1.0)


def line_key(colour: str, **look: Any) -> Line2D:
    """A line in a legend."""
    return Line2D([], [], color=colour, **{"linewidth": 1.2, **look})


def dot_key(colour: str, marker: str = "o") -> Line2D:
    """A mark in a legend."""
    return Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=4)


def area_key(colour: str, alpha: float = 1.0) -> Patch:
    """An area in a legend."""
    return Patch(facecolor=colour, alpha=alpha, linewidth=0)


def ring_key() -> Line2D:
    """The ring of what is selected."""
    return Line2D(
        [], [], color=SELECTED, marker="o", linestyle="none", markersize=5,
        markerfacecolor="none", markeredgewidth=1.2,
    )  # fmt: skip


def ring(axes: Axes, x: Any, y: Any) -> None:
    """Ring points that are selected."""
    axes.scatter(
        x, y, s=45, facecolors="none", edgecolors=SELECTED, linewidths=1.4, zorder=5, clip_on=False
    )


def short_number(value: float, _position: int | None = None) -> str:
    """A tick as the page writes it, ``0.007`` or ``2e-5``."""
    short = float(f"{value:.3g}")
    text = f"{short:e}" if abs(short) < 0.001 and short else f"{short:g}"
    if "e" in text:
        digits, _, power = text.partition("e")
        digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
        text = f"{digits}e{int(power)}"
    return text.replace("-", "\N{MINUS SIGN}")


def number_ticks(axis: Any, most: int = 5, log: bool = False, whole: bool = False) -> None:
    """Few ticks, as short numbers."""
    if log:
        axis.set_major_locator(LogLocator(numticks=most + 1))
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_locator(MaxNLocator(most, integer=whole, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(short_number))


def colour_bar(
    place: Place,
    axes: Axes | Sequence[Axes],
    colours: Sequence[Any],
    span: tuple[float, float],
    title: str,
    **options: Any,
) -> Colorbar:
    """A scale of colours with its values."""
    low, high = span
    scale = ScalarMappable(Normalize(low, high if high > low else low + 1), ListedColormap(colours))
    bar = place.figure.colorbar(scale, ax=axes, **{"aspect": 30, "pad": 0.02, **options})
    bar.outline.set_linewidth(0.4)  # pyright: ignore[reportCallIssue] (a patch, in matplotlib's stubs a call)
    bar.ax.tick_params(labelsize=SMALL, size=2, width=0.4)
    number_ticks(bar.long_axis, 4)
    bar.set_label(title, size=SMALL)
    return bar


def sizes(share: np.ndarray, usual: float, least: float, most: float) -> np.ndarray:
    """Areas, in square points, of dots that tell the column ``share`` of heads or images.

    The diameters in pixels are those of the page.
    """
    steps = np.interp(np.asarray(share, float), [-1, 0, 1], [usual, least, most])
    return (steps * POINTS) ** 2


def chosen(source: ColumnDataSource) -> np.ndarray:
    """``(n,)`` bool, the rows that are selected; all if none are."""
    picked, count = source.selected.indices, len(source.data["share"])
    return np.isin(np.arange(count), picked) if picked else np.ones(count, bool)


def faded(strong: np.ndarray) -> Any:
    """Opacity of marks, faint where they are not brushed; in matplotlib's stubs one number."""
    return np.where(strong, 1.0, _FAINT)


def bare(axes: Axes) -> None:
    """Coordinates of a layout mean nothing: no ticks, a thin frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color("#b4bac2")
