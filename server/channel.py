"""What the page's scripts and the server tell each other, unseen."""

from bokeh.model import DataModel


class Channel(DataModel):
    """Carries its ``tags`` both ways; the page finds it by its ``name``.

    A hidden widget would be laid out and drawn anew with every word that it carries.
    """
