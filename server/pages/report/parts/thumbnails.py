"""Pictures of images and heads for tooltips and the gallery, up to a limit."""

import numpy as np
from PIL import Image

from headbrush.server.session.session import Session
from headbrush.server.tools.bokeh.bokeh_types import columns_of
from headbrush.server.tools.data_url import data_url
from headbrush.server.views.common.head_pictures import send_offset_picture
from headbrush.server.views.images.gallery_order import sorted_images

MOST_PICTURES = 2_000
"""Images; of more, only the gallery's first ones have a picture."""
MOST_IN_GALLERY = 200
_SIDE = 40
_MOST_HEADS = 400


def fill_thumbnails(session: Session) -> list[str]:
    """Put thumbnails into the shared source: of every image or, if they are too many, of some.

    These are the brushed images with the largest loss, which the gallery shows.

    Returns
    -------
    Sentences on what is left out.
    """
    data = session.data
    if data.num_images <= MOST_PICTURES:
        pictures = data.pixels(np.arange(data.num_images))
        columns_of(session.images)["thumbnail"] = [_small(picture) for picture in pictures]
        return []
    ordered = sorted_images(data, "loss", "down", 0)
    shown = ordered[session.brush().images[ordered]][:MOST_IN_GALLERY]
    small = [""] * data.num_images
    for image in shown.tolist():
        small[image] = _small(data.pixels(image))
    columns_of(session.images)["thumbnail"] = small
    which = "with the largest loss" if data.has_classifier else "that come first"
    return [
        f"The gallery shows {len(shown)} of {data.num_images} images, those {which}; tooltips of "
        f"the others have no pictures, as there are more than {MOST_PICTURES} images."
    ]


def fill_offset_pictures(session: Session) -> None:
    """Put a picture of where each head looks into the shared source, unless they are too many."""
    if session.data.num_heads <= _MOST_HEADS:
        for number in range(session.data.num_heads):
            send_offset_picture(session, number)


def _small(pixels: np.ndarray) -> str:
    picture = Image.fromarray(pixels)
    picture.thumbnail((_SIDE, _SIDE))
    return data_url(picture, "WEBP", quality=70)
