"""Triangles at the edge of B1 for values that its axis does not reach."""

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.plotting import figure

from headbrush.server.session.palette import SELECTED

_INSET = 0.025
"""Of the axis, so that a triangle is seen whole."""


class OutsideValues:
    """Marks where a value lies beyond the axis; the tooltip tells it."""

    def __init__(self, plot: figure) -> None:
        names = ("number", "edge", "marker", "label", "told")
        self._source = ColumnDataSource({name: [] for name in names}, name="importance_outside")
        marks = plot.scatter(
            "number", "edge", source=self._source, marker="marker", size=9, color=SELECTED,
            level="overlay",
        )  # fmt: skip
        tips = [("head", "@label"), ("", "@told"), ("", "outside of the axis")]
        plot.add_tools(HoverTool(renderers=[marks], tooltips=tips))

    def show(
        self,
        values: np.ndarray,
        places: np.ndarray,
        labels: list[str],
        told: list[str],
        extent: tuple[float, float],
        is_log: bool,
    ) -> None:
        """Mark the values ``(L·H,)`` outside of ``extent``; what is not finite has no mark."""
        low, high = extent
        above = np.isfinite(values) & (values > high)
        below = np.isfinite(values) & (values < low)
        if is_log:
            step = (high / low) ** _INSET
            edges = np.where(above, high / step, low * step)
        else:
            step = (high - low) * _INSET
            edges = np.where(above, high - step, low + step)
        outside = np.flatnonzero(above | below)
        self._source.data = {
            "number": places[outside],
            "edge": edges[outside],
            "marker": np.where(above[outside], "triangle", "inverted_triangle"),
            "label": [labels[at] for at in outside],
            "told": [told[at] for at in outside],
        }
