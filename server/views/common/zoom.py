"""The visible part of a plot as a part of the page's state."""

from typing import Literal, cast

import numpy as np
from bokeh.events import RangesUpdate
from bokeh.plotting import figure

from headbrush.server.session.session import Session
from headbrush.server.session.state import Changes, Range, ViewState
from headbrush.server.tools.bokeh.bokeh_types import ends_of, number_range, on_event

_REST_MS = 150


class Zoom:
    """Binds the ranges of a plot to ``part``: None is all that a reset shows.

    An axis that runs downwards is kept as it is; the part holds ``(x0, x1, y0, y1)``, each pair
    from the least. Zooming and panning are no steps to undo.
    """

    def __init__(
        self, session: Session, plot: figure, part: Literal["images_range", "matrix_range"]
    ) -> None:
        self._session, self._plot, self._part = session, plot, part
        self._pending: object | None = None
        self._axes = [number_range(plot.x_range), number_range(plot.y_range)]
        for axis in self._axes:
            if axis.reset_start is None:
                axis.update(reset_start=axis.start, reset_end=axis.end)
        on_event(plot, RangesUpdate, lambda _event: self._keep_soon())
        session.history.follow([part], self.react)

    def react(self, new: ViewState) -> None:
        """Show the part of the plot that the state names."""
        wanted = getattr(new, self._part) or self._whole()
        if rounded_range(self._visible()) == rounded_range(wanted):
            return
        for axis, (low, high) in zip(self._axes, (wanted[:2], wanted[2:]), strict=True):
            is_downwards = cast(float, axis.start) > cast(float, axis.end)
            start, end = (high, low) if is_downwards else (low, high)
            axis.update(start=start, end=end)

    def _whole(self) -> Range:
        (x0, x1), (y0, y1) = (
            sorted((cast(float, axis.reset_start), cast(float, axis.reset_end)))
            for axis in self._axes
        )
        return x0, x1, y0, y1

    def _visible(self) -> Range:
        (x0, x1), (y0, y1) = (sorted(ends_of(axis)) for axis in self._axes)
        return x0, x1, y0, y1

    def _keep_soon(self) -> None:
        """Keep the range once it has come to rest."""
        if self._pending is None:
            self._pending = self._session.document.add_timeout_callback(self._keep, _REST_MS)

    def _keep(self) -> None:
        self._pending = None
        shown = rounded_range(self._visible())
        wanted = None if shown == rounded_range(self._whole()) else shown
        self._session.history.change(**cast(Changes, {self._part: wanted}))


def rounded_range(view: Range) -> Range:
    """To a ten-thousandth of the range's size: less than a pixel."""
    x0, x1, y0, y1 = view
    sizes = (x1 - x0,) * 2 + (y1 - y0,) * 2
    digits = [3 - int(np.floor(np.log10(size))) if size > 0 else 6 for size in sizes]
    x0, x1, y0, y1 = (round(value, n + 1) for value, n in zip(view, digits, strict=True))
    return x0, x1, y0, y1
