"""C1 as bits: how much of where a head looks is fixed, and how much follows the image."""

import numpy as np
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, Label, Paragraph, Slope
from bokeh.plotting import figure

from headbrush.analysis.store.facts.head_bits import FOLLOWS, POSITIONAL
from headbrush.server.session.brush.dot_share import corner_label, share_label, sized
from headbrush.server.session.palette import NEUTRAL, SELECTED
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.tools.bokeh.bokeh_types import columns_of
from headbrush.server.tools.bokeh.column_updates import update_columns
from headbrush.server.views.common.figure_tools import (
    head_hover,
    make_figure,
    on_narrowing,
    on_nearest,
    outlined,
    padded_range,
)

_MISSING = "This store was made by an older headbrush and has no bits; make it again to see them."


class BitsOverview:
    """One point per head; made when it is first shown."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._selected = ColumnDataSource({"x": [], "y": []}, name="bits_ring")
        self._share: Label | None = None
        self._share_words = ""
        note = Paragraph(
            text=_MISSING,
            visible=not session.data.head_bits,
            name="bits_missing",
            styles={"margin": "8px"},
        )
        self.layout = column(note, sizing_mode="stretch_both", visible=False, name="bits_overview")

    def show(self, is_shown: bool) -> None:
        """Show the plot, or hide it."""
        if is_shown and self._share is None:
            plot = self._figure()
            self._share = share_label(plot)
            self._share.text = self._share_words
            self.layout.children = [*self.layout.children, plot]
            self._session.history.follow(["layer", "head"], self.react_to_head)
        self.layout.visible = is_shown

    def say_share(self, words: str) -> None:
        """Explain the size of the points."""
        self._share_words = words
        if self._share is not None:
            self._share.text = words

    def _figure(self) -> figure:
        session = self._session
        columns = columns_of(session.heads)
        plot = make_figure(
            "bits_plot",
            brush=("lasso", "box"),
            x_range=padded_range(np.asarray(columns["fixed"])),
            y_range=padded_range(np.asarray(columns["content"])),
        )
        on_narrowing(plot, session.narrow)
        plot.xaxis.axis_label = "fixed (bits)"
        plot.yaxis.axis_label = "content (bits)"
        for share in (POSITIONAL, FOLLOWS):
            gradient = share / (1 - share)
            plot.add_layout(
                Slope(gradient=gradient, y_intercept=0, line_color=NEUTRAL, line_dash="dotted")
            )
        corner_label(plot, "top_left", "bits_above", "follows the content")
        corner_label(plot, "bottom_right", "bits_below", "positional")
        dots = plot.scatter(
            "fixed", "content", source=session.heads, fill_color="colour",
            line_color="white", line_width=0.5, nonselection_alpha=0.15, **outlined(2),
            **sized(9, 4, 15),
        )  # fmt: skip
        plot.scatter(
            "x", "y", source=self._selected, size=17, fill_color=None, line_color=SELECTED,
            line_width=3, level="overlay",
        )  # fmt: skip
        plot.add_tools(head_hover(session, dots, [("head", "@label")]))
        on_nearest(plot, self._points, session.select_head)
        return plot

    def react_to_head(self, _state: ViewState) -> None:
        """Ring the selected head."""
        number = [self._session.head.number]
        x, y = self._points()
        update_columns(self._selected, x=x[number], y=y[number])

    def _points(self) -> tuple[np.ndarray, np.ndarray]:
        columns = columns_of(self._session.heads)
        return np.asarray(columns["fixed"]), np.asarray(columns["content"])
