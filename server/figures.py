"""What all figures have in common: tools, axes, and a tap that finds the nearest thing."""

from collections.abc import Callable, Sequence

import numpy as np
from bokeh.core.property.descriptors import UnsetValueError
from bokeh.events import Tap
from bokeh.models import BoxSelectTool, LassoSelectTool, PanTool, Range1d, ResetTool, WheelZoomTool
from bokeh.plotting import figure

_MARGIN = 0.06


def make_figure(name: str, brush: Sequence[str] = (), **options: object) -> figure:
    """A figure that fills its panel; ``brush`` lists ``box`` and ``lasso``.

    Brushing tools answer once, when the mouse is released.
    """
    tools = [PanTool(), WheelZoomTool()]
    if "lasso" in brush:
        tools.append(LassoSelectTool(continuous=False))
    if "box" in brush:
        tools.append(BoxSelectTool(continuous=False))
    plot = figure(
        name=name,
        tools=[*tools, ResetTool()],
        sizing_mode="stretch_both",
        min_height=120,
        output_backend="canvas",
        toolbar_location="right",
        **options,
    )
    plot.toolbar.logo = None
    plot.toolbar.autohide = False
    plot.toolbar.active_scroll = tools[1]
    plot.toolbar.active_drag = tools[-1] if brush else None
    return plot


def padded_range(values: np.ndarray) -> Range1d:
    """A range around the finite ``values`` with a margin."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    margin = (high - low) * _MARGIN or 0.5
    start, end = low - margin, high + margin
    return Range1d(start, end, reset_start=start, reset_end=end)


def inner_size(plot: figure) -> tuple[int, int]:
    """Width and height in pixels of what the axes enclose; a guess until the page has told."""
    try:
        return plot.inner_width, plot.inner_height
    except UnsetValueError:
        return 500, 350


def on_nearest(
    plot: figure,
    points: Callable[[], tuple[np.ndarray, np.ndarray]],
    react: Callable[[int], None],
    reach: float = 24.0,
) -> None:
    """Call ``react`` with the number of the point nearest to a tap, within ``reach`` pixels."""

    def tapped(event: Tap) -> None:
        x, y = points()
        width, height = inner_size(plot)
        per_x = width / abs(plot.x_range.end - plot.x_range.start)
        per_y = height / abs(plot.y_range.end - plot.y_range.start)
        distance = np.hypot((x - event.x) * per_x, (y - event.y) * per_y)
        if np.isfinite(distance).any() and np.nanmin(distance) <= reach:
            react(int(np.nanargmin(distance)))

    plot.on_event(Tap, tapped)
