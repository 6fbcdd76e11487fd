"""A server's picture in a plot: one byte per pixel with a palette, else RGBA; or contours."""

from typing import TYPE_CHECKING, Any

from bokeh.models import ColumnDataSource, LinearColorMapper
from bokeh.plotting import figure

from headbrush.server.tools.bokeh.bokeh_types import columns_of
from headbrush.server.views.patterns.contours import Lines
from headbrush.server.views.patterns.density import Picture, Range

if TYPE_CHECKING:
    from bokeh.models.sources import DataDict

_OF_LINES = ("xs", "ys", "colour", "width")
_WHERE = ("image", "x", "y", "dw", "dh")
_NOTHING: "DataDict" = {name: [] for name in _WHERE}


class PlotPicture:
    """One of three renderers shows the picture, the others nothing; ``kind`` begins their names."""

    def __init__(self, plot: figure, kind: str) -> None:
        self._rgba = ColumnDataSource(_NOTHING, name=f"{kind}_picture")
        self._places = ColumnDataSource(_NOTHING, name=f"{kind}_levels")
        self._lines = ColumnDataSource({name: [] for name in _OF_LINES}, name=f"{kind}_lines")
        self._painted = None
        self._colours = LinearColorMapper(palette=["#00000000"], low=-0.5, high=0.5)
        plot.image_rgba(*_WHERE, source=self._rgba, level="image")
        colours: dict[str, Any] = {"color_mapper": self._colours}  # unknown to Bokeh's stubs
        plot.image(*_WHERE, source=self._places, level="image", **colours)
        plot.multi_line(
            "xs", "ys", source=self._lines, line_color="colour", line_width="width", level="image"
        )

    def show(self, view: Range, picture: Picture | Lines) -> None:
        """Lay a picture over the range ``view``, or show lines."""
        shown = self._lines
        columns: DataDict
        if isinstance(picture, Lines):
            columns = {
                "xs": picture.xs, "ys": picture.ys,
                "colour": picture.colours, "width": picture.widths,
            }  # fmt: skip
        else:
            shown = self._rgba
            if len(picture.colours):
                shown = self._places
                self._paint(picture)
            x0, x1, y0, y1 = view
            columns = {
                "image": [picture.pixels], "x": [x0], "y": [y0], "dw": [x1 - x0], "dh": [y1 - y0],
            }  # fmt: skip
        shown.data = columns
        for other in (self._rgba, self._places, self._lines):
            if other is not shown and any(map(len, columns_of(other).values())):
                other.data = {name: [] for name in columns_of(other)}

    def _paint(self, picture: Picture) -> None:
        """Send the palette, unless it is there: Bokeh checks each colour."""
        if picture.colours is not self._painted:
            self._painted = picture.colours
            self._colours.update(palette=picture.palette(), high=len(picture.colours) - 0.5)
