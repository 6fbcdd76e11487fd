"""Small pictures of what a head attends to, for tooltips; made when they are first looked at."""

from functools import lru_cache

import numpy as np
from PIL import Image

from headbrush.server.session.palette import PATCH, rgb
from headbrush.server.session.session import Session
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.bokeh.bokeh_types import columns_of
from headbrush.server.tools.data_url import data_url

_SIDE = 64
"""Pixels of a picture, at most; pages show it enlarged."""
_STEPS = 32
_STRONGEST = 0.995
"""Quantile of the values that is drawn in full colour."""


@lru_cache(maxsize=4096)
def offset_picture(data: StoreData, number: int) -> str:
    """Data URL of a head's mean attention by offset, its own place in the middle; or empty."""
    if not data.store.has("offset_kernel"):
        return ""
    head = data.head(number)
    return picture(data.store.read("offset_kernel")[head.layer, head.head])


def offset_image(data: StoreData, number: int) -> str:
    """HTML of :func:`offset_picture`; empty where the store has none."""
    url = offset_picture(data, number)
    style = "image-rendering:pixelated;vertical-align:middle;object-fit:contain;background:#fff"
    return url and f'<img src="{url}" alt="" width="64" height="64" style="{style}">'


def send_offset_picture(session: Session, number: int) -> None:
    """Fill in a head's picture in the shared source, which pages start without."""
    if not str(columns_of(session.heads)["offset_picture"][number]):
        session.heads.patch({"offset_picture": [(number, offset_image(session.data, number))]})


def picture(values: np.ndarray) -> str:
    """Data URL of values of at least 0, ``(height, width)``, from white to full colour.

    The root is shown, so that what is weak is seen beside what is strong.
    """
    size = tuple(min(side, _SIDE) for side in values.shape[::-1])
    small = Image.fromarray(np.sqrt(values.astype(np.float32))).resize(size, Image.Resampling.BOX)
    shown = np.nan_to_num(np.asarray(small))
    strongest = float(np.quantile(shown, _STRONGEST)) or float(shown.max()) or 1.0
    steps = np.round(np.clip(shown / strongest, 0, 1) * (_STEPS - 1)).astype(np.uint8)
    ink = np.array(rgb(PATCH), float)
    ramp = 255 + np.linspace(0, 1, _STEPS)[:, None] * (ink - 255)
    coloured = Image.fromarray(steps)
    coloured.putpalette(ramp.round().astype(np.uint8).tobytes())
    return data_url(coloured, optimize=True)
