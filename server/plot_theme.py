"""The look of the plots, on the server's pages and in reports."""

from functools import cache
from pathlib import Path

from bokeh.themes import Theme


@cache
def plot_theme() -> Theme:
    """One for all pages: Bokeh keeps what it has worked out for a class of models."""
    return Theme(Path(__file__).parent / "templates" / "theme.yaml")
