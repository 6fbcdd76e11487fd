"""A of very many images: the server draws them, so the page knows none of them by itself.

Instead of a row an image it has one picture; what a lasso encloses, what is clicked and what is
pointed at the server finds among all images.
"""

import numpy as np
from bokeh.models import BoxSelectTool, LassoSelectTool

from headbrush.server.session.brush.clauses import Box, Combine, Lasso, inside
from headbrush.server.session.palette import NEUTRAL, value_colours
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.bokeh.bokeh_types import columns_of, ends_of
from headbrush.server.views.common.figure_tools import inner_size, on_region
from headbrush.server.views.common.nearest_tip import NearestTip, Pictures
from headbrush.server.views.images.dots import Dots, draw_dots
from headbrush.server.views.images.image_overview import (
    CORRECTNESS_COLOURS,
    ImageOverview,
    dot_sizes,
)
from headbrush.server.views.patterns.picture import PlotPicture

PICTURE_FROM = 3000
"""Images; the points of 13 889 took a browser 55 ms of a brush, so those of 3 000 about 12."""
_REST_MS = 60
_RAMP_STEPS = 15


class ImageCloud:
    """Replaces the points of an :class:`ImageOverview` by a picture, in a page with a server."""

    def __init__(self, session: Session, overview: ImageOverview) -> None:
        self._session, self._plot = session, overview.plot
        self._overview = overview
        self._pending = None
        plot = self._plot
        plot.renderers = [one for one in plot.renderers if one is not overview.dots]
        for tool in plot.tools:
            if isinstance(tool, LassoSelectTool | BoxSelectTool):
                tool.renderers = []
        self._picture = PlotPicture(plot, "image")
        on_region(plot, self._on_region)
        NearestTip(session.document, plot, "image", lambda: overview.points, self._about)
        for side in ("inner_width", "inner_height"):
            plot.on_change(side, lambda _attribute, _old, _new: self._draw_soon())
        session.history.follow(
            ["image_colour", "images_range", "clauses", "images_form"], self.react
        )
        session.waiting.filled.connect(self._draw)

    def react(self, new: ViewState) -> None:
        """Draw the images, unless the gallery is shown in their place."""
        if new.images_form == "layout":
            self._draw()

    def _on_region(self, shape: Box | Lasso, combine: Combine) -> None:
        """Brush what a box or lasso encloses; a new one around nothing is no brush."""
        found = np.flatnonzero(inside(shape, self._overview.points))
        is_new = combine in ("replace", "add") and not len(found)
        if is_new and (combine == "replace" or not self._session.brushes.own_ids("images")):
            self._session.drop_clauses("images")
        else:
            self._session.brush_ids("images", found.tolist(), combine)

    def _about(self, image: int) -> tuple[str, Pictures]:
        data = self._session.data
        lines = [data.names[image], f"true: {data.true_class(image)}"]
        if data.has_classifier:
            lines.append(f"predicted: {data.class_name(int(data.predicted[image]))}")
            lines.append(f"P[true]: {data.label_probability[image]:.3f}")
        if data.stands_out is not None:
            lines.append(f"stands out: {data.stands_out[image]:+.1f} sd")
        return "\n".join(lines), [("image", data.thumbnail(image))]

    def _draw_soon(self) -> None:
        """Draw once a change of size has come to rest."""
        if self._pending is None:
            document = self._session.document
            self._pending = document.add_timeout_callback(self._draw, _REST_MS)

    def _draw(self) -> None:
        self._pending = None
        session = self._session
        kinds, palette = _kinds(session.data, session.state.image_colour, session.class_colours)
        picked = session.images.selected.indices
        chosen = None
        if len(picked):
            chosen = np.zeros(session.data.num_images, bool)
            chosen[picked] = True
        share = np.asarray(columns_of(session.images)["share"])
        points = self._overview.points
        dots = Dots(points, kinds, palette, share, chosen, dot_sizes(len(points)))
        view = *ends_of(self._plot.x_range), *ends_of(self._plot.y_range)
        self._picture.show(view, draw_dots(dots, view, inner_size(self._plot)))


def make_cloud(session: Session, overview: ImageOverview) -> None:
    """Let a page with a server show very many images as a picture."""
    if session.data.num_images >= PICTURE_FROM:
        ImageCloud(session, overview)


def _kinds(
    data: StoreData, colouring: str, of_classes: list[str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which colour each image has, and the colours."""
    if colouring == "class":
        distinct = tuple(dict.fromkeys(of_classes))
        places = np.array([distinct.index(colour) for colour in of_classes], np.int16)
        return places[data.labels % len(of_classes)], distinct
    if not data.has_classifier:
        return np.zeros(data.num_images, np.int16), (NEUTRAL,)
    if colouring == "correct":
        return data.correctness, CORRECTNESS_COLOURS
    ramp = value_colours()
    at = np.linspace(0, len(ramp) - 1, _RAMP_STEPS).round().astype(int)
    shares = np.nan_to_num(data.label_probability, nan=-1)
    steps = np.clip(shares * _RAMP_STEPS, 0, _RAMP_STEPS - 1).astype(np.int16)
    return np.where(shares < 0, _RAMP_STEPS, steps), (*(ramp[one] for one in at), NEUTRAL)
