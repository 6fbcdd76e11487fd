"""Patterns without a server: the place of each in codes, from which the browser draws and brushes.

``static/report/patterns.js`` and ``static/report/density.js`` do what the server's D1 does.
"""

from typing import Any, cast

import numpy as np
from bokeh.models import ColumnDataSource, LayoutDOM

from headbrush.server.pages.report.browser.quantise import to_codes
from headbrush.server.session.palette import DARK, LIGHT, NEUTRAL
from headbrush.server.session.session import Session
from headbrush.server.views.patterns.density import COUNT, GREY, Colouring
from headbrush.server.views.patterns.drawing import colouring, pattern_colours

_NO_KIND = 255
_SHADES = 64


def pattern_places(session: Session) -> ColumnDataSource:
    """Codes of all coordinates, the marks of the brush, and the colours."""
    data, state = session.data, session.state
    xy = data.embedding(state.pattern)
    (x, *x_scale), (y, *y_scale) = to_codes(xy[:, 0]), to_codes(xy[:, 1])
    of_patterns = [clause for clause in state.clauses if clause.view == "patterns"]
    columns = {
        "x": x,
        "y": y,
        "marked": session.resolved(of_patterns).patterns.astype(np.uint8),
    }
    kinds, look = _look(session)
    if kinds is not None:
        columns["kind"] = kinds
    if state.pattern_colour == "name" and data.families is not None:
        columns["name"] = data.families.numbers.astype(np.uint8)  # what the legend's buttons brush
    tags = [len(of_patterns), [*x_scale, *y_scale], look]
    return ColumnDataSource(columns, name="pattern_places", tags=tags)


def empty_pictures(root: LayoutDOM) -> None:
    """Remove the pictures that Python has drawn."""
    for name in ("pattern_picture", "pattern_levels"):
        for source in root.select({"name": name}):
            if isinstance(source, ColumnDataSource):
                source.data = {column: [] for column in source.column_names}


def _look(session: Session) -> tuple[np.ndarray | None, dict[str, Any]]:
    """Kind of every pattern, None where counts are shown, and the colours."""
    state, compared = session.state, session.reader.compared()
    if compared:
        nothing = session.resolved(())  # the browser itself greys what is not brushed
        chosen, mask = pattern_colours(compared, nothing, LIGHT.density[0])
        categories = cast(np.ndarray, chosen.categories)
        kinds, palette = np.where(mask, categories, _NO_KIND), chosen.palette
    else:
        chosen = colouring(session.data, state.pattern_colour)
        kinds, palette = _kinds(chosen)
    look = {
        "ramps": {"light": LIGHT.density, "dark": DARK.density},
        "grey": [NEUTRAL, GREY],
        "flat": state.pattern_style == "points",
        "palette": list(palette),
        "solid": chosen.values is not None,
        "compared": bool(compared),
    }
    return None if kinds is None else kinds.astype(np.uint8), look


def _kinds(chosen: Colouring) -> tuple[np.ndarray | None, list[str]]:
    """Values as shades of their range; more kinds than colours as the colour that they have."""
    if chosen is COUNT:
        return None, []
    if chosen.values is None:
        palette = list(dict.fromkeys(chosen.palette))
        places = np.array([palette.index(colour) for colour in chosen.palette] or [_NO_KIND])
        categories = cast(np.ndarray, chosen.categories)
        return np.where(categories < 0, _NO_KIND, places[categories]), palette
    ramp = chosen.ramp
    low, high = chosen.span
    with np.errstate(invalid="ignore"):
        share = np.clip((chosen.values - low) / ((high - low) or 1.0), 0, 1)
    shades = [ramp[round(i * (len(ramp) - 1) / (_SHADES - 1))] for i in range(_SHADES)]
    return np.where(np.isfinite(share), np.round(share * (_SHADES - 1)), _NO_KIND), shades
