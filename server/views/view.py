"""The interface of a view for pages, reports and the error boundary."""

from typing import Protocol

from bokeh.models import LayoutDOM


class View(Protocol):
    """One panel, built from a session and redrawn by it.

    Attributes
    ----------
    name
        Of the panel, and of the root that the page's template places; unique among views.
    title, help
        The panel's question, and the text behind its (i).
    layout
        The root; its ``name`` is the view's.
    """

    name: str
    title: str
    help: str

    @property
    def layout(self) -> LayoutDOM: ...
