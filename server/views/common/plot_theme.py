"""The look of the plots, on the server's pages and in reports."""

from functools import cache

from bokeh.models import ColorBar, LinearColorMapper, TickFormatter
from bokeh.themes import Theme

from headbrush.server.session.reader import Reader
from headbrush.server.tools.assets import APP


@cache
def plot_theme() -> Theme:
    """One for all pages: Bokeh keeps what it has worked out for a class of models."""
    return Theme(APP / "templates" / "theme.yaml")


def colour_bar(
    reader: Reader, colours: LinearColorMapper, formatter: TickFormatter | None = None
) -> ColorBar:
    """A narrow bar that tells what the colours mean; its text follows the reader's theme."""
    bar = ColorBar(
        color_mapper=colours, width=8, padding=4, background_fill_alpha=0, bar_line_color=None,
        major_tick_line_color=None,
    )  # fmt: skip
    if formatter is not None:
        bar.formatter = formatter
    reader.follow_theme(lambda: bar.update(major_label_text_color=reader.theme.ink))
    return bar
