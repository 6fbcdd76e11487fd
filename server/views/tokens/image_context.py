"""D2: the selected image, and what a token has to do with its parts (the paper's Fig. 1 D2)."""

from typing import Any

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import ColumnDataSource, DataRange1d, HoverTool, LinearColorMapper, Paragraph
from bokeh.plotting import figure

from headbrush.server.session.palette import MASK, SELECTED
from headbrush.server.session.session import Session
from headbrush.server.tools.assets import view_script
from headbrush.server.views.common.figure_tools import make_figure, one_line
from headbrush.server.views.tokens.drawn_image import CLEAR, rgba
from headbrush.server.views.tokens.selected_matrix import ShownMatrix

_OPAQUE = 0.88
"""Opacity of the mask where attention is 0; it falls to 0 at the strongest attention."""
_STEPS = 64

_TITLE = {"font-size": "11px", "text-align": "center"}

_TOKEN = "headbrush.matrix.patchAt(tokens, cb_obj.x, cb_obj.y)"


class ImageContext:
    """The image three times: plain, masked by who attends to the token, and by where it looks."""

    name = "image_context"
    title = "Where does this token look in the image?"
    help = (
        "The image as the model sees it (without a selected image, the mean of the images that the "
        "attention is a mean of), then under two masks: the more a patch shows through, the "
        "more it attends to the token (middle) or the more the token attends to it (right), each "
        "relative to the strongest. Point at a patch of the left picture to choose the token, "
        "click to pin it; its own patch is outlined."
    )

    def __init__(self, session: Session, matrix: ShownMatrix) -> None:
        self._session = session
        self._matrix = matrix
        self._image = ColumnDataSource({"image": [CLEAR]}, name="context_image")
        self._own = ColumnDataSource({"x": [], "y": []}, name="own_patch")
        self._note = Paragraph(
            text="",
            name="context_note",
            sizing_mode="stretch_width",
            styles={"margin": "2px 6px"},
            visible=False,
        )
        sides = ("plain", "from", "to")
        titles = {side: one_line(f"{side}_title", **_TITLE) for side in sides}
        self._plots = [self._figure(f"context_{side}") for side in sides]
        masks = {}
        for side, plot in zip(sides[1:], self._plots[1:], strict=True):
            masks[side], masks[f"{side}_shade"] = self._mask(plot, side)
        matrix.draw(
            view_script("image_context"), ("token", "hovered"), own=self._own, note=self._note,
            **masks,
            **{f"{side}_title": title for side, title in titles.items()},
        )  # fmt: skip
        matrix.choose_on(self._plots[0], _TOKEN)
        parts = [
            column(title, plot, sizing_mode="stretch_both")
            for title, plot in zip(titles.values(), self._plots, strict=True)
        ]
        pictures = row(*parts, sizing_mode="stretch_both")
        self.layout = column(self._note, pictures, sizing_mode="stretch_both", name=self.name)
        matrix.follow(self.react)

    def _figure(self, name: str) -> figure:
        rows, columns = self._session.data.store.grid
        plot = make_figure(
            name,
            x_range=DataRange1d(range_padding=0),
            y_range=DataRange1d(range_padding=0, flipped=True),
            match_aspect=True,
        )
        plot.min_height = 40
        plot.min_width = 60
        plot.min_border = 2
        plot.toolbar_location = None
        plot.tools = []
        plot.axis.visible = False
        plot.grid.visible = False
        plot.outline_line_alpha = 0
        plot.image_rgba("image", x=0, y=0, dw=columns, dh=rows, source=self._image)
        plot.rect(
            "x", "y", 1, 1, source=self._own, fill_color=None, line_color=SELECTED, line_width=2,
            level="overlay",
        )  # fmt: skip
        return plot

    def _mask(self, plot: figure, side: str):
        """Lay a mask over a picture."""
        rows, columns = self._session.data.store.grid
        mask = ColumnDataSource({"image": []}, name=f"{side}_mask")
        alphas = mask_opacity(np.linspace(0, 1, _STEPS))
        shades = [f"{MASK}{round(255 * alpha):02x}" for alpha in alphas]
        shade = LinearColorMapper(palette=shades, low=0, high=1)
        colours: dict[str, Any] = {"color_mapper": shade}  # unknown to Bokeh's stubs
        shown = plot.image("image", x=0, y=0, dw=columns, dh=rows, source=mask, **colours)
        plot.add_tools(HoverTool(renderers=[shown], tooltips=[("A", "@image{0.00000}")]))
        return mask, shade

    def react(self) -> None:
        """Show the image of the matrix; while one is waited for, the last image stays, faint."""
        self._matrix.fade(*self._plots)
        if self._matrix.waiting:
            return
        pixels = self._pixels()
        self._image.data = {"image": [CLEAR if pixels is None else rgba(pixels)]}

    def _pixels(self) -> np.ndarray | None:
        """``(y, x, channel)`` uint8 of the selected image, else the mean of those of the matrix."""
        image, mean = self._session.state.image, self._matrix.mean
        pixels = self._session.data.pixels
        if image is not None:
            return pixels(image)
        return None if mean is None else pixels(mean.images).mean(0).round().astype(np.uint8)


def mask_opacity(share: np.ndarray) -> np.ndarray:
    """Opacity of the mask over a patch whose attention is this share of the strongest."""
    return _OPAQUE * (1 - np.sqrt(share))
