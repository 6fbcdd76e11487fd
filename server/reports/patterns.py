"""Brushed patterns without a server: two pictures of all, and the place of each in codes."""

import numpy as np
from bokeh.models import ColumnDataSource, LayoutDOM, Range1d

from ..palette import LIGHT
from ..pattern_drawing import Drawing, colouring
from ..session import Session
from .codes import MISSING

PATTERN_SIZE = 1000, 560
"""Pixels of the pictures."""
MOST_PLACES = 200_000
"""Of more patterns the places are left out, and the picture stays as it is."""


def pattern_sources(session: Session, root: LayoutDOM) -> dict[str, ColumnDataSource]:
    """What the browser needs to draw the brushed patterns over the others in grey."""
    data, state = session.data, session.state
    plot = root.select_one({"name": "patterns_plot"})
    xy = data.embedding(state.pattern)
    view = (plot.x_range.start, plot.x_range.end, plot.y_range.start, plot.y_range.end)
    drawing = Drawing(
        xy, view, PATTERN_SIZE, colouring(data, state.pattern_colour),
        state.pattern_style == "points", LIGHT.density,
    )  # fmt: skip
    _take_rgba(root, drawing.picture(session.brush()).rgba())
    nothing = np.zeros(data.num_instances, bool)
    pictures = [drawing.coloured(drawing.colouring, mask).rgba() for mask in (None, nothing)]
    of_patterns = [clause for clause in state.clauses if clause.kind == "instance"]
    places = {
        "x": _places(xy[:, 0], plot.x_range),
        "y": _places(xy[:, 1], plot.y_range),
        "marked": session.resolved(of_patterns).instances.astype(np.uint8),
    }
    ramp = [int(colour[1:], 16) for colour in LIGHT.density[2:]]
    return {
        "pattern_pictures": ColumnDataSource({"image": pictures}, tags=[*view, *ramp]),
        "pattern_places": ColumnDataSource(places, name="pattern_places"),
    }


def _take_rgba(root: LayoutDOM, pixels: np.ndarray) -> None:
    """The report's script draws RGBA only."""
    rgba, levels = (root.select_one({"name": f"pattern_{kind}"}) for kind in ("picture", "levels"))
    if levels.data["image"]:
        rgba.data = {**levels.data, "image": [pixels]}
        levels.data = {name: [] for name in levels.data}


def _places(values: np.ndarray, visible: Range1d) -> np.ndarray:
    """Codes from one end of the visible range to the other; ``MISSING`` beyond."""
    with np.errstate(invalid="ignore"):
        share = (values.astype(float) - visible.start) / (visible.end - visible.start)
        inside = (share >= 0) & (share <= 1)
    return np.where(inside, np.round(share * (MISSING - 1)), MISSING).astype(np.uint16)
