"""Pictures of all images and heads for their tooltips, up to a limit."""

import numpy as np
from PIL import Image

from headbrush.server.session.session import Session
from headbrush.server.tools.bokeh.bokeh_types import columns_of
from headbrush.server.tools.data_url import data_url
from headbrush.server.views.common.head_pictures import send_offset_picture

MOST_PICTURES = 2_000
_SIDE = 40
_MOST_HEADS = 400


def fill_thumbnails(session: Session) -> list[str]:
    """Put a thumbnail of every image into the shared source, or say that there are too many."""
    data = session.data
    if data.num_images > MOST_PICTURES:
        return [f"Pictures in tooltips are left out: there are more than {MOST_PICTURES} images."]
    columns_of(session.images)["thumbnail"] = [_small(p) for p in data.store.read("thumbnail")]
    return []


def fill_offset_pictures(session: Session) -> None:
    """Put a picture of where each head looks into the shared source, unless they are too many."""
    if session.data.num_heads <= _MOST_HEADS:
        for number in range(session.data.num_heads):
            send_offset_picture(session, number)


def _small(pixels: np.ndarray) -> str:
    picture = Image.fromarray(pixels)
    picture.thumbnail((_SIDE, _SIDE))
    return data_url(picture, "WEBP", quality=70)
