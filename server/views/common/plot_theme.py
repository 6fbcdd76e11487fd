"""The look of the plots, on the server's pages and in reports."""

from functools import cache

from bokeh.themes import Theme

from headbrush.server.tools.assets import APP


@cache
def plot_theme() -> Theme:
    """One for all pages: Bokeh keeps what it has worked out for a class of models."""
    return Theme(APP / "templates" / "theme.yaml")
