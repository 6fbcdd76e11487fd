"""Images as tiles: picture, a line, a quiet line; a click selects."""

from collections.abc import Iterable

from headbrush.server.session.session import Session
from headbrush.server.views.common.written import button, pictured


def tiles(session: Session, rows: Iterable[tuple[int, str, str]]) -> str:
    """A list of images, each with two lines of text.

    Parameters
    ----------
    rows
        Number of the image, and its two lines as plain text.
    """
    data, made = session.data, []
    for image, first, second in rows:
        inner = pictured(data.thumbnail(image), first, second)
        title = f"{data.names[image]}: {first}; {second}"
        pressed = image == session.state.image
        made.append(f"<li>{button('image', image, '', title, inner, pressed)}</li>")
    return f"<ul>{''.join(made)}</ul>" if made else ""


def class_words(session: Session, image: int) -> str:
    """The class of an image, with the predicted one where that is another."""
    data = session.data
    truth = data.true_class(image)
    if not data.has_classifier or data.predicted[image] < 0 or data.correct[image]:
        return truth
    predicted = data.class_name(int(data.predicted[image]))
    return (
        f"{truth}, taken for {predicted}" if data.is_labelled[image] else f"predicted {predicted}"
    )
