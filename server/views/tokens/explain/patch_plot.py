"""An image under a map of its patches: values in colour, a value under the pointer, a pin."""

from collections.abc import Callable
from math import floor
from typing import Any

import numpy as np
from bokeh.events import Tap
from bokeh.models import ColumnDataSource, CustomJS, DataRange1d, LinearColorMapper
from bokeh.plotting import figure

from headbrush.server.session.palette import PATCH, PREFIX, SELECTED
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.tools.assets import view_script
from headbrush.server.tools.bokeh.bokeh_types import on_event
from headbrush.server.views.common.figure_tools import make_figure, short_numbers
from headbrush.server.views.common.plot_theme import colour_bar
from headbrush.server.views.tokens.drawn_image import CLEAR, rgba
from headbrush.server.views.tokens.token_name import pinned_patch

_SHADES = 64
OPAQUE = 0.85
"""Opacity of the largest value; that of others falls to 0 with their size."""
_BAR = 52
"""Pixels beside the picture for the colour bar, also of the one that has none: they are alike."""
_CLEAR_COLOUR = "#00000000"
_NOTHING = np.zeros((1, 1), np.float32)


def shades(colour: str) -> list[str]:
    """From clear to a colour of the form ``#rrggbb``."""
    alphas = OPAQUE * np.linspace(0, 1, _SHADES)
    return [f"{colour}{round(255 * alpha):02x}" for alpha in alphas]


FOR, AGAINST = shades(PATCH), shades(PREFIX)


class PatchPlot:
    """Draws one image and a map; ``on_patch`` gets the token of a patch that is tapped."""

    def __init__(
        self, session: Session, name: str, has_map: bool, on_patch: Callable[[int], None]
    ) -> None:
        self._session, self._on_patch = session, on_patch
        self._image = ColumnDataSource({"image": [CLEAR]}, name=f"{name}_image")
        self._map = ColumnDataSource({"image": [_NOTHING]}, name=f"{name}_values")
        self._pinned = ColumnDataSource({"x": [], "y": []}, name=f"{name}_pinned")
        self._colours = LinearColorMapper(palette=FOR, low=0, high=1, nan_color=_CLEAR_COLOUR)
        self.plot = self._figure(name, has_map)
        session.history.follow(["token"], self.react)

    def _figure(self, name: str, has_map: bool) -> figure:
        rows, columns = self._session.data.store.grid
        plot = make_figure(
            name, x_range=DataRange1d(range_padding=0),
            y_range=DataRange1d(range_padding=0, flipped=True), match_aspect=True,
        )  # fmt: skip
        plot.min_border = 4
        plot.toolbar.active_drag = plot.toolbar.active_scroll = plot.toolbar_location = None
        plot.tools = []
        plot.axis.visible = plot.grid.visible = False
        plot.outline_line_alpha = 0
        plot.image_rgba("image", x=0, y=0, dw=columns, dh=rows, source=self._image)
        colours: Any = {"color_mapper": self._colours}  # Bokeh's stubs name none
        plot.min_border_right = _BAR
        if has_map:
            plot.image("image", x=0, y=0, dw=columns, dh=rows, source=self._map, **colours)
            bar = colour_bar(self._session.reader, self._colours, short_numbers())
            plot.add_layout(bar, "right")
        plot.rect(
            "x", "y", 1, 1, source=self._pinned, fill_color=None, line_color=SELECTED,
            line_width=2, level="overlay",
        )  # fmt: skip
        self._listen(plot)
        return plot

    def _listen(self, plot: figure) -> None:
        store = self._session.data.store
        rows, columns = store.grid
        args = {
            "source": self._map, "prefix": store.num_prefix_tokens, "rows": rows,
            "columns": columns,
        }  # fmt: skip
        tell = CustomJS(args=args, code=view_script("patch_value"))
        plot.js_on_event("mousemove", tell)
        plot.js_on_event("mouseleave", CustomJS(code="headbrush.notes.tell(null)"))
        on_event(plot, Tap, self._tapped)

    def _tapped(self, event: Tap) -> None:
        store = self._session.data.store
        rows, columns = store.grid
        if event.x is None or event.y is None:
            return
        column, row = floor(event.x), floor(event.y)
        if 0 <= column < columns and 0 <= row < rows:
            self._on_patch(store.num_prefix_tokens + row * columns + column)

    def show_image(self, pixels: np.ndarray | None) -> None:
        """Draw an image ``(y, x, channel)`` uint8, or none."""
        self._image.data = {"image": [CLEAR if pixels is None else rgba(pixels)]}

    def show_map(self, values: np.ndarray | None, is_signed: bool) -> None:
        """Draw a map ``(P,)``, NaN where it is not known, or none; a signed one is clear at 0."""
        if values is None or np.isnan(values).all():
            self._map.data = {"image": [_NOTHING]}
            return
        most = float(np.nanmax(np.abs(values))) or 1.0
        palette = [*reversed(AGAINST), *FOR] if is_signed else FOR
        self._colours.update(palette=palette, low=-most if is_signed else 0, high=most)
        rows, columns = self._session.data.store.grid
        self._map.data = {"image": [values.reshape(rows, columns).astype(np.float32)]}

    def react(self, state: ViewState) -> None:
        """Frame the pinned patch."""
        store = self._session.data.store
        patch = pinned_patch(store, state)
        row, column = divmod(patch, store.grid[1])
        shown = [] if patch < 0 else [(column + 0.5, row + 0.5)]
        self._pinned.data = {"x": [x for x, _ in shown], "y": [y for _, y in shown]}
