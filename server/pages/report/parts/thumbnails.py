"""Thumbnails of all images for their tooltips, up to a limit."""

import numpy as np
from PIL import Image

from headbrush.server.session.session import Session
from headbrush.server.tools.bokeh.bokeh_types import columns_of
from headbrush.server.tools.data_url import data_url

MOST_PICTURES = 2_000
_SIDE = 40


def fill_thumbnails(session: Session) -> list[str]:
    """Put a thumbnail of every image into the shared source, or say that there are too many."""
    data = session.data
    if data.num_images > MOST_PICTURES:
        return [f"Pictures in tooltips are left out: there are more than {MOST_PICTURES} images."]
    columns_of(session.images)["thumbnail"] = [_small(p) for p in data.store.read("thumbnail")]
    return []


def _small(pixels: np.ndarray) -> str:
    picture = Image.fromarray(pixels)
    picture.thumbnail((_SIDE, _SIDE))
    return data_url(picture, "WEBP", quality=70)
