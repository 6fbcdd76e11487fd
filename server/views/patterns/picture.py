"""D1's picture in its plot: one byte per pixel with a palette, else RGBA."""

from typing import TYPE_CHECKING, Any

from bokeh.models import ColumnDataSource, LinearColorMapper
from bokeh.plotting import figure

from headbrush.server.tools.bokeh.bokeh_types import columns_of
from headbrush.server.views.patterns.density import Picture, Range

if TYPE_CHECKING:
    from bokeh.models.sources import DataDict

_WHERE = ("image", "x", "y", "dw", "dh")
_NOTHING: "DataDict" = {name: [] for name in _WHERE}


class PatternPicture:
    """One of two renderers shows the picture, the other nothing."""

    def __init__(self, plot: figure) -> None:
        self._rgba = ColumnDataSource(_NOTHING, name="pattern_picture")
        self._places = ColumnDataSource(_NOTHING, name="pattern_levels")
        self._painted = None
        self._colours = LinearColorMapper(palette=["#00000000"], low=-0.5, high=0.5)
        plot.image_rgba(*_WHERE, source=self._rgba, level="image")
        colours: dict[str, Any] = {"color_mapper": self._colours}  # unknown to Bokeh's stubs
        plot.image(*_WHERE, source=self._places, level="image", **colours)

    def show(self, view: Range, picture: Picture) -> None:
        """Lay it over the range ``view``."""
        x0, x1, y0, y1 = view
        shown, other = self._rgba, self._places
        if len(picture.colours):
            shown, other = other, shown
            self._paint(picture)
        columns = ([picture.pixels], [x0], [y0], [x1 - x0], [y1 - y0])
        shown.data = dict(zip(_WHERE, columns, strict=True))
        if len(columns_of(other)["image"]):
            other.data = _NOTHING

    def _paint(self, picture: Picture) -> None:
        """Send the palette, unless it is there: Bokeh checks each colour."""
        if picture.colours is not self._painted:
            self._painted = picture.colours
            self._colours.update(palette=picture.palette(), high=len(picture.colours) - 0.5)
