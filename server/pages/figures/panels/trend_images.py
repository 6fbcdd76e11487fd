"""F3 and F4: images unlike their class, and images in which the same heads matter."""

import numpy as np

from headbrush.server.pages.figures.parts.drawing import Place
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.fonts import SMALL, elided
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.session.palette import SELECTED
from headbrush.server.views.trends.similar_images import SimilarImages
from headbrush.server.views.trends.unlike_images import UnlikeImages

_ROWS = 2
_CELL, _FEWEST = 0.85, 4
"""Inches that a picture and its text take at least, and pictures in a row at least."""


def draw_unlike(shown: Shown, place: Place) -> str:
    """Draw the images most unlike their class; returns what is drawn, in words."""
    return _draw(shown, place, UnlikeImages.name)


def draw_similar(shown: Shown, place: Place) -> str:
    """Draw the images nearest to the selected one; returns what is drawn, in words."""
    return _draw(shown, place, SimilarImages.name)


def _draw(shown: Shown, place: Place, view: str) -> str:
    shown.demand(view)
    listed, words = shown.view(view).listed, shown.session.summaries[view]
    if not listed:
        raise AbsentError(words)
    columns = max(_FEWEST, int(place.width / _CELL))
    pixels = shown.data.store.read("thumbnail")
    axes = place.figure.subplots(_ROWS, columns, squeeze=False).ravel()
    room = place.width / columns - 0.1
    for number, one in enumerate(axes):
        one.set_xticks([])
        one.set_yticks([])
        is_used = number < len(listed)
        one.spines[:].set_visible(is_used and listed[number][0] == shown.state.image)
        one.spines[:].set_color(SELECTED)
        if is_used:
            image, *lines = listed[number]
            picture = np.broadcast_to(pixels[image], (*pixels[image].shape[:2], 3))
            one.imshow(picture, interpolation="nearest")
            text = "\n".join(elided(line, room) for line in lines)
            one.set_xlabel(text, fontsize=SMALL, labelpad=2)
    drawn = min(len(listed), len(axes))
    return f"{words} The first {drawn} of those listed are drawn, from left to right."
