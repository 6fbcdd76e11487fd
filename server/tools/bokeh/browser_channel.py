"""Invisible models that carry messages between the page's scripts and the server."""

from bokeh.model import DataModel
from bokeh.models import Div


class Channel(DataModel):
    """Carries its ``tags`` both ways; the page finds it by its ``name``.

    A hidden widget would be laid out and drawn again with every message.
    """


def unseen(*channels: Channel) -> Div:
    """A root of a page that shows nothing and holds its channels."""
    return Div(text="", name="unseen", visible=False, tags=list(channels))
