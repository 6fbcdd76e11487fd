"""A as a gallery: thumbnails of the brushed images, sorted; the browser asks for those it shows."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from bokeh.models import Div, InlineStyleSheet

from headbrush.server.session.session import Session
from headbrush.server.session.state import GALLERY_OF, IMAGE_DIRECTIONS, ViewState
from headbrush.server.stores.metrics import METRIC_NAMES
from headbrush.server.tools.assets import static
from headbrush.server.tools.bokeh.browser_channel import Channel
from headbrush.server.views.common.legend_buttons import COMBINES
from headbrush.server.views.images.gallery_order import (
    direction_words,
    sorted_images,
    value_words,
)

MOST_ROWS = 200
"""Images of one answer."""
_MOST_SENT = 400
"""Thumbnails that the browser has for certain; ``gallery/supply.js`` keeps twice as many."""
_MOST_COLUMNS = 1000


class Gallery:
    """Answers ``static/gallery``; nothing that the page asks is trusted.

    It follows the state once it was shown, and works only while it is shown.

    Attributes
    ----------
    layout
        Its ``tags`` are what the script needs: answers and questions.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._asked = Channel(name="gallery_asked", tags=[])
        self._told = Channel(name="gallery_told", tags=[{"version": 0}, 0, []])
        self.layout = Div(
            name="image_gallery", visible=False, sizing_mode="stretch_both",
            stylesheets=[InlineStyleSheet(css=static("css/gallery.css"))],
        )  # fmt: skip
        self.layout.text = f'<hb-gallery data-model="{self.layout.id}"></hb-gallery>'
        self.layout.tags = [self._told, self._asked]
        self._asked.on_change("tags", self._on_asked)
        self._is_followed = self._is_toggling = False
        self._shows: tuple[object, ...] = ()
        self._version, self._answers = 0, 0
        self._every = self._order = np.empty(0, int)
        self._brushed: np.ndarray | None = None
        self._sent: OrderedDict[int, None] = OrderedDict()
        self._acts: dict[str, Callable[..., object]] = {
            "rows": self._send_rows,
            "select": self._select,
            "brush": self._brush,
            "toggle": self._toggle,
            "of": lambda of: of in GALLERY_OF and session.history.change(gallery_of=of),
            "direction": lambda one: (
                one in IMAGE_DIRECTIONS and session.history.change(image_direction=one)
            ),
        }

    def show(self, is_shown: bool) -> None:
        """Show the gallery, or hide it."""
        if is_shown:
            self._shows = ()  # a new browser element knows nothing
            self._sent.clear()
            self.react(self._session.state)
        self.layout.visible = is_shown
        if is_shown and not self._is_followed:
            self._is_followed = True
            parts = (
                "clauses", "image", "layer", "head", "image_order", "image_direction", "gallery_of",
            )  # fmt: skip
            self._session.history.on_change(parts, self.react)
            self._session.waiting.filled.connect(self._on_filled)

    def _on_filled(self) -> None:
        self._shows = ()
        self.react(self._session.state)

    def react(self, new: ViewState) -> None:
        """Tell what is shown, if it changed."""
        if new.images_form != "gallery":
            return
        head = self._session.head.number if new.image_order in METRIC_NAMES else 0
        order = new.image_order, new.image_direction, head
        shows = (*order, new.gallery_of, new.clauses)
        is_other = shows != self._shows
        if is_other:
            is_sorted = self._shows[:4] == shows[:4]
            if self._shows[:3] != order:
                self._every = sorted_images(self._session.data, *order)
            self._shows = shows
            brush = self._session.brush()
            self._brushed = brush.images if brush.active else None
            every = self._every
            shown = self._brushed if new.gallery_of == "brushed" else None
            self._order = every if shown is None else every[shown[every]]
            self._version += 1
            stays = new.gallery_of == "all" or self._is_toggling
            self._tell(goes_up=not (is_sorted and stays))
        else:
            self._tell()

    def _tell(
        self, first: int = 0, rows: list[list[object]] | None = None, goes_up: bool = False
    ) -> None:
        state = self._session.state
        self._answers += 1
        place = [] if state.image is None else np.flatnonzero(self._order == state.image).tolist()
        head = {
            "version": self._version,
            "count": len(self._order),
            "total": self._session.data.num_images,
            "isBrushed": self._brushed is not None,
            "of": state.gallery_of,
            "direction": state.image_direction,
            "words": direction_words(state.image_order, state.image_direction),
            "image": state.image,
            "place": place[0] if place else -1,
            "goesUp": goes_up,
            "answer": self._answers,
        }
        self._told.tags = [head, first, rows or []]

    def _on_asked(self, _attribute: str, _old: list, new: list) -> None:
        act = self._acts.get(str(new[0])) if new else None
        if act is None or self._session.state.images_form != "gallery":
            return
        try:
            act(*new[1:-1])
        except (TypeError, ValueError):  # not what the page's script asks
            return

    def _send_rows(self, first: object, last: object) -> None:
        """Tell what is at places from ``first`` to ``last``, with thumbnails that were not sent."""
        begin, end = _whole(first), _whole(last) + 1
        data, state = self._session.data, self._session.state
        images = self._order[begin : min(end, begin + MOST_ROWS)]
        words = value_words(data, state.image_order, self._session.head.number, images)
        rows: list[list[object]] = [
            [image, value, self._brushed is not None and bool(self._brushed[image]),
             int(data.correctness[image]), self._picture(image), data.names[image],
             data.true_class(image), data.class_name(int(data.predicted[image]))]
            for image, value in zip(images.tolist(), words, strict=True)
        ]  # fmt: skip
        self._tell(begin, rows)

    def _picture(self, image: int) -> str:
        """A thumbnail, empty if the browser has it."""
        if image in self._sent:
            return ""
        self._sent[image] = None
        if len(self._sent) > _MOST_SENT:
            self._sent.popitem(last=False)
        return self._session.data.thumbnail(image)

    def _select(self, version: object, place: object) -> None:
        """Select the image at a place, or let go of it."""
        (image,) = self._images_at(version, np.array([_whole(place)]))
        self._session.toggle_image(image)

    def _brush(
        self, version: object, combine: object, rows: object, columns: object, wide: object
    ) -> None:
        """Join the images of a rectangle of the grid, which is ``wide`` images wide."""
        if combine not in COMBINES or not isinstance(rows, list) or not isinstance(columns, list):
            return
        (top, bottom), (left, right) = map(_whole, rows), map(_whole, columns)
        width = _whole(wide)
        if not (left <= right < width <= _MOST_COLUMNS and top <= bottom):
            return
        lines = np.arange(top, min(bottom, len(self._order) // width) + 1)
        places = (lines[:, None] * width + np.arange(left, right + 1)).ravel()
        images = self._images_at(version, places)
        if images:
            self._session.brush_ids("images", images, combine)

    def _toggle(self, version: object, place: object) -> None:
        """Brush the image at a place too, or no longer."""
        (image,) = self._images_at(version, np.array([_whole(place)]))
        own = self._session.brushes.own_ids("images")
        self._is_toggling = True
        try:
            if own == [image]:
                self._session.drop_clauses("images")
            else:
                self._session.brush_ids("images", [image], "subtract" if image in own else "add")
        finally:
            self._is_toggling = False

    def _images_at(self, version: object, places: np.ndarray) -> list[int]:
        """Images at the places that there are; none if the page saw another order."""
        if version != self._version:
            return []
        return self._order[places[places < len(self._order)]].tolist()


def _whole(value: object) -> int:
    """A number of a place.

    Raises
    ------
    ValueError
        If it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 31:
        raise ValueError(value)
    return value
