"""Small pictures of all images for their tooltips, within a bound."""

import base64
import io

from PIL import Image

from ..session import Session

MOST_PICTURES = 2_000
_SIDE = 40


def fill_thumbnails(session: Session) -> list[str]:
    """Put a picture of every image into the shared source, or say that there are too many."""
    data = session.data
    if data.num_images > MOST_PICTURES:
        return [f"Pictures in tooltips are left out: there are more than {MOST_PICTURES} images."]
    if max(data.store.read("thumbnail").shape[1:3]) <= _SIDE:
        pictures = [data.thumbnail(image) for image in range(data.num_images)]
    else:
        pictures = [_small(pixels) for pixels in data.store.read("thumbnail")]
    session.images.data["thumbnail"] = pictures
    return []


def _small(pixels) -> str:
    picture = Image.fromarray(pixels)
    picture.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
