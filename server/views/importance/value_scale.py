"""B1's scale of values: linear, or logarithmic, which shows small effects beside a large one.

What heads say has a sign, so it is always drawn on the linear scale, with 0 within it.
"""

import numpy as np
from bokeh.layouts import row
from bokeh.models import (
    BasicTicker,
    LinearScale,
    LogScale,
    LogTicker,
    Scale,
    Ticker,
)
from bokeh.plotting import figure

from headbrush.server.session.session import Session
from headbrush.server.session.state import IMPORTANCE_FITS, IMPORTANCE_SCALES, ViewState
from headbrush.server.stores.metrics import DIRECT
from headbrush.server.views.common.choice import small_choice

LOWEST = {"linear": -np.inf, "log": 1e-30}
"""Lowest value that can be drawn on each scale; far below the plot where it is a number."""
_ROOM = 1.06
_SMALLEST = 1e-6
"""Values below this share of the largest one are cut off on the logarithmic scale."""


def shown_scale(state: ViewState) -> str:
    """The scale that values are drawn on: of :data:`IMPORTANCE_SCALES`."""
    return "linear" if state.metric == DIRECT else state.importance_scale


class ValueScale:
    """The choice of a scale, and the range of a plot's values on it."""

    def __init__(self, session: Session, plot: figure) -> None:
        self._plot, self._session = plot, session
        self._parts: dict[str, tuple[Scale, Ticker]] = {
            "linear": (LinearScale(), BasicTicker()),
            "log": (LogScale(), LogTicker()),
        }
        plot.y_scale, plot.yaxis[0].ticker = self._parts["linear"]
        history = session.history
        choice = small_choice(history, "importance_scale", IMPORTANCE_SCALES, margin=(4, 3, 2, 3))
        history.follow(["metric"], lambda state: choice.update(disabled=state.metric == DIRECT))
        fit = small_choice(history, "importance_fit", IMPORTANCE_FITS, margin=(4, 3, 2, 0))
        self._is_narrow = False
        self.layout = row(choice, fit)

    def extent(
        self, scale: str, values: np.ndarray, is_fit: bool = False
    ) -> tuple[float, float] | None:
        """The range that shows ``values``, of any shape; None if none of them can be shown.

        On the linear scale it begins at 0, or at a negative value, which only what heads say has;
        if ``is_fit``, near the least of them.
        """
        shown = values[np.isfinite(values) & ((values > 0) | (scale == "linear"))]
        if not len(shown):
            return None
        top, least = float(shown.max()), float(shown.min())
        if scale == "linear" and is_fit:
            room = (_ROOM - 1) * (top - least) or 0.005
            return least - room, top + room
        if scale == "linear":
            low = least * _ROOM if self._session.state.metric == DIRECT else 0.0
            return min(low, 0.0), max(top * _ROOM, 0.0) or 0.01
        return max(least, top * _SMALLEST) / 1.5, top * 1.5

    def show(self, scale: str, extent: tuple[float, float]) -> None:
        """Draw the plot on a scale; a logarithmic one never meets a range that begins at 0."""
        start, end = extent
        wanted, ticker = self._parts[scale]
        if wanted is self._plot.y_scale or scale == "log":
            self._fit(start, end)
        if wanted is not self._plot.y_scale:
            self._plot.y_scale, self._plot.yaxis[0].ticker = wanted, ticker
            self._fit(start, end)

    def show_heads(self, places: np.ndarray | None) -> None:
        """Narrow the axis of the heads to these places; None shows all, where it was narrowed."""
        if places is not None and len(places):
            self._plot.x_range.update(start=places.min() - 0.7, end=places.max() + 0.7)
        elif self._is_narrow:
            self._plot.x_range.update(start=-1.0, end=float(self._session.data.num_heads))
        self._is_narrow = places is not None

    def _fit(self, start: float, end: float) -> None:
        self._plot.y_range.update(start=start, end=end, reset_start=start, reset_end=end)
