"""A picture as a data URL, which needs no request."""

import base64
import io

from PIL import Image


def data_url(picture: Image.Image, kind: str = "PNG", **options: int) -> str:
    """The picture as a data URL, ``PNG`` or ``WEBP``, with options of Pillow's writer."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
