"""The card of one store in the list: a few words and a small picture. Pure."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from headbrush.server.session.palette import class_colours, rgb
from headbrush.server.stores.redact_paths import said_of
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.words import accuracy_words, heads_words, images_words
from headbrush.server.tools.data_url import data_url

_SIZE = 150, 96
"""Width and height of a card's picture."""
_SHARPER = 2
_MARGIN = 0.05
_LONGEST_NOTES = 300


@dataclass(frozen=True)
class Card:
    """Text from the store, untrusted; the picture is a data URL.

    Attributes
    ----------
    notes
        What its analysis skipped, ignored or assumed; empty if nothing.
    """

    model: str
    images: str
    heads: str
    accuracy: str
    created: str
    notes: str
    picture: str


def card_of(data: StoreData) -> Card:
    """The card of a store."""
    return Card(
        model=str(data.store.attrs["model"]),
        images=images_words(data),
        heads=heads_words(data),
        accuracy=accuracy_words(data),
        created=str(data.store.attrs["created"])[:10],
        notes=_notes(data),
        picture=_picture(data),
    )


def _notes(data: StoreData) -> str:
    attrs = data.store.attrs
    text = " ".join(str(attrs[name]) for name in ("warning", "notes") if name in attrs)
    text = said_of(text, data.store)
    return text if len(text) <= _LONGEST_NOTES else f"{text[: _LONGEST_NOTES - 1]}…"


def _picture(data: StoreData) -> str:
    """The images' layout, coloured by class, as in view A, on no ground."""
    width, height = (_SHARPER * length for length in _SIZE)
    points = data.store.read("image_embedding").astype(float)
    seen = np.isfinite(points).all(1)
    pixels = np.zeros((height, width, 4), np.uint8)
    if seen.any():
        low, high = points[seen].min(0), points[seen].max(0)
        share = (points[seen] - low) / np.where(high > low, high - low, 1)
        places = (_MARGIN + (1 - 2 * _MARGIN) * share) * (width - 1, height - 1)
        column, row = np.rint(places).astype(int).T
        palette = [rgb(colour) for colour in class_colours(10)]
        inks = np.array(palette, np.uint8)[data.labels[seen] % len(palette)]
        radius = 4 if seen.sum() < 1000 else 2
        for x in range(-radius, radius + 1):
            for y in range(-radius, radius + 1):
                if x * x + y * y <= radius * radius:
                    down = np.clip(height - 1 - row + y, 0, height - 1)
                    across = np.clip(column + x, 0, width - 1)
                    pixels[down, across, :3] = inks
                    pixels[down, across, 3] = 255
    return data_url(Image.fromarray(pixels).resize(_SIZE, Image.Resampling.LANCZOS))
