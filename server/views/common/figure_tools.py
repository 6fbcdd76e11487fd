"""Helpers for figures: tools, axes, and a tap that finds the nearest point."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypedDict, Unpack, cast

import numpy as np
from bokeh.core.property.descriptors import UnsetValueError
from bokeh.events import Pan, PanEnd, PanStart, SelectionGeometry, Tap
from bokeh.models import (
    BoxSelectTool,
    CustomJS,
    CustomJSTickFormatter,
    Drag,
    GlyphRenderer,
    HoverTool,
    LassoSelectTool,
    NoOverlap,
    PanTool,
    Paragraph,
    Range,
    Range1d,
    ResetTool,
    Span,
    Tool,
    WheelZoomTool,
)
from bokeh.plotting import figure

from headbrush.server.session.brush.clause_text import number_below
from headbrush.server.session.brush.clauses import Box, Combine, Lasso
from headbrush.server.session.palette import BRUSHED
from headbrush.server.session.session import Session
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.assets import view_script
from headbrush.server.tools.bokeh.bokeh_types import ends_of, on_event
from headbrush.server.tools.loops import kernels
from headbrush.server.tools.loops.cell_index import coordinates
from headbrush.server.views.common.head_pictures import send_offset_picture

_MARGIN = 0.06
_TWO_LINES = "height: 34px !important; flex-basis: 34px !important; white-space: normal !important;"
_ON_A_PHONE = f"@media (max-width: 640px) {{ :host {{ {_TWO_LINES} }} }}"
LEAST_HEIGHT = 90
"""Of a plot, in pixels."""
REACH = 24.0
"""Pixels from the pointer within which the nearest point is meant."""
_MOST_CORNERS = 300
_BRUSHES: dict[str, Callable[[], Tool]] = {
    "lasso": lambda: LassoSelectTool(continuous=False),
    "box": lambda: BoxSelectTool(continuous=False),
    "live box": lambda: BoxSelectTool(continuous=True, renderers=[]),
    "range": lambda: BoxSelectTool(dimensions="width", continuous=False),
}
_COMBINE: dict[str, Combine] = {
    "replace": "replace", "append": "add", "subtract": "subtract", "intersect": "intersect",
    "xor": "xor",
}  # fmt: skip


class FigureOptions(TypedDict, total=False):
    """Options in which figures differ, see :class:`bokeh.plotting.figure`."""

    x_range: Range
    y_range: Range
    x_axis_type: Literal["log"]
    y_axis_type: Literal["log"]
    match_aspect: bool


def make_figure(name: str, brush: Sequence[str] = (), **options: Unpack[FigureOptions]) -> figure:
    """A figure that fills its panel; ``brush`` lists ``lasso``, ``box`` and ``range``, a box in x.

    Brushing tools report once, when the mouse is released; a ``live box`` also while dragging; the
    last one is active. A figure without them shows its tools inside, while the mouse is over it.
    Labels of ticks that would overlap are left out.
    """
    wheel, brushes = WheelZoomTool(), [_BRUSHES[shape]() for shape in brush]
    plot = figure(
        name=name,
        tools=[PanTool(), wheel, *brushes, ResetTool()],
        sizing_mode="stretch_both",
        min_height=LEAST_HEIGHT,
        output_backend="canvas",
        toolbar_location="right",
        toolbar_inner=not brush,
        **options,
    )
    plot.xaxis.major_label_policy = NoOverlap(min_distance=4)
    plot.yaxis.major_label_policy = NoOverlap(min_distance=-1)
    plot.toolbar.logo = None
    plot.toolbar.autohide = not brush
    plot.toolbar.active_scroll = wheel
    plot.toolbar.active_drag = cast(Drag, brushes[-1]) if brushes else None
    return plot


def outlined(width: float) -> dict[str, Any]:
    """Options of a renderer whose selected glyphs have an outline; unknown to Bokeh's stubs."""
    return {"selection_line_color": BRUSHED, "selection_line_width": width}


def short_numbers() -> CustomJSTickFormatter:
    """Ticks as ``0.007`` and ``2e-5``."""
    code = f"{view_script('short_number')}\nreturn shortNumber(tick)"
    return CustomJSTickFormatter(code=code)


def pattern_tip(data: StoreData) -> list[tuple[str, str]]:
    """The line of a tooltip with what a head is called; none where the store has no names."""
    return [("pattern", "@pattern")] if data.head_patterns else []


def head_hover(
    session: Session, renderer: GlyphRenderer, tips: Sequence[tuple[str, str]]
) -> HoverTool:
    """A tooltip of heads: ``tips``, its name, what decides where it looks, and a picture of that.

    A page asks for the pictures that are looked at.
    """
    bits = [("looks", "@bits")] if session.data.head_bits else []
    lines = [*tips, *pattern_tip(session.data), *bits]
    if not session.data.store.has("offset_kernel"):
        return HoverTool(renderers=[renderer], tooltips=lines)
    hover = HoverTool(
        renderers=[renderer], tooltips=[*lines, ("mean offset", "@offset_picture{safe}")]
    )
    args = {"hover": hover, "source": session.heads, "column": "offset_picture"}
    hover.callback = CustomJS(args=args, code=view_script("ask_picture"))

    def asked(_attribute: str, _old: list, new: list) -> None:
        number = number_below(str(new[0]), session.data.num_heads) if new else None
        if number is not None:
            send_offset_picture(session, number)

    hover.on_change("tags", asked)
    return hover


def one_line(name: str, **styles: str) -> Paragraph:
    """A note with a fixed height of one line, of two on a phone."""
    cut = {"white-space": "nowrap", "overflow": "hidden", "contain": "inline-size"}
    return Paragraph(
        text="",
        name=name,
        height=18,
        sizing_mode="stretch_width",
        styles={"margin": "1px 6px", **cut, **styles},
        stylesheets=[_ON_A_PHONE],
    )


def padded_range(values: np.ndarray) -> Range1d:
    """A range around the finite ``values`` with a margin."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    margin = (high - low) * _MARGIN or 0.5
    start, end = low - margin, high + margin
    return Range1d(start=start, end=end, reset_start=start, reset_end=end)


def inner_size(plot: figure) -> tuple[int, int]:
    """Width and height in pixels inside the axes; a guess until the page reports it."""
    try:
        return plot.inner_width, plot.inner_height
    except UnsetValueError:
        return plot.width or 500, plot.height or 350


def on_nearest(
    plot: figure,
    points: Callable[[], np.ndarray | tuple[np.ndarray, np.ndarray]],
    react: Callable[[int], None],
    reach: float = REACH,
) -> None:
    """Call ``react`` with the number of the point nearest to a tap, within ``reach`` pixels.

    ``points`` tells ``(n, 2)`` places, or their ``x`` and ``y``.
    """

    def tapped(event: Tap) -> None:
        told = points()
        places = told if isinstance(told, np.ndarray) else np.column_stack(told)
        width, height = inner_size(plot)
        per_x = width / _length(plot.x_range)
        per_y = height / _length(plot.y_range)
        near, distance = kernels.nearest(coordinates(places), event.x, event.y, per_x, per_y)
        if distance <= reach**2:
            react(near)

    on_event(plot, Tap, tapped)


def on_line_moved(
    plot: figure,
    line: Span,
    react: Callable[[float, bool], None],
    low: float,
    high: float,
    whole: bool = False,
) -> None:
    """Let a tap or a drag move a vertical ``line`` between ``low`` and ``high``.

    The line follows the mouse in the browser. ``react(place, final)`` is called on the way, and
    with ``final`` true when the mouse is released. A drag that draws a box or pans moves nothing.

    Parameters
    ----------
    whole
        The line stops at whole numbers only.
    """
    code = CustomJS(
        args={"line": line, "toolbar": plot.toolbar, "low": low, "high": high, "whole": whole},
        code=view_script("move_line"),
    )
    for event in (Tap, Pan, PanEnd):
        plot.js_on_event(event, code)

    def moved(_attribute: str, _old: list, new: list) -> None:
        if new:
            react(min(high, max(low, float(new[0]))), bool(new[1]))

    line.on_change("tags", moved)


def on_narrowing(plot: figure, react: Callable[[bool], None]) -> None:
    """Report at the start of a drag whether its keys only shrink a brush; reset at its end."""
    on_event(plot, PanStart, lambda event: react(bool(_keys(event).get("ctrl"))))
    on_event(plot, PanEnd, lambda _event: react(False))


def on_region(
    plot: figure,
    react: Callable[[Box | Lasso, Combine], None],
    preview: Callable[[Box | Lasso | None, Combine], None] = lambda _shape, _combine: None,
) -> None:
    """Call ``react`` with what a box or lasso encloses, and how it joins what was brushed.

    Bokeh tells the shape first and the held keys only with start and end of the drag: Shift adds,
    Ctrl intersects, both subtract; without keys the tool's own mode counts.

    Parameters
    ----------
    preview
        Called with what a live box encloses on the way, and with None if nothing came of it.
    """
    drawn: list[Box | Lasso] = []
    held: dict[str, bool] = {}

    def begin(event: PanStart) -> None:
        held.clear()
        held.update(_keys(event))

    def keep(event: SelectionGeometry) -> None:
        shape = _shape(plot, cast(dict[str, Any], event.geometry))
        drawn[:] = [shape] if event.final and shape is not None else []
        if shape is not None and not event.final:
            preview(shape, _combine(plot, shape, held))

    def finish(event: PanEnd) -> None:
        if drawn:
            shape = drawn.pop()
            react(shape, _combine(plot, shape, _keys(event)))
        else:
            preview(None, "replace")

    on_event(plot, PanStart, begin)
    on_event(plot, SelectionGeometry, keep)
    on_event(plot, PanEnd, finish)


def _keys(event: PanStart | PanEnd) -> dict[str, bool]:
    """Which of the keys ``shift``, ``ctrl`` and ``alt`` are held."""
    return cast(dict[str, bool], event.modifiers or {})


def _combine(plot: figure, shape: Box | Lasso, keys: dict[str, bool]) -> Combine:
    shift, control = bool(keys.get("shift")), bool(keys.get("ctrl"))
    if shift or control:
        return "subtract" if shift and control else "add" if shift else "intersect"
    tool_class = BoxSelectTool if isinstance(shape, Box) else LassoSelectTool
    mode = next((tool.mode for tool in plot.tools if isinstance(tool, tool_class)), "replace")
    return _COMBINE[mode]


def _shape(plot: figure, geometry: dict[str, Any]) -> Box | Lasso | None:
    """A shape in data coordinates, to a thousandth of a pixel; None of a line or a point."""
    digits = _digits(plot)
    if geometry["type"] == "rect":
        edges = ((round(geometry[f"{axis}{end}"], digits[axis]) for end in "01") for axis in "xy")
        (x0, x1), (y0, y1) = map(sorted, edges)
        return Box(x0, x1, y0, y1)
    if geometry["type"] != "poly":
        return None
    kept = _corners(np.column_stack([geometry["sx"], geometry["sy"]]))
    if len(kept) < 3:
        return None
    return Lasso(*(tuple(round(float(geometry[a][i]), digits[a]) for i in kept) for a in "xy"))


def _digits(plot: figure) -> dict[str, int]:
    """Decimals of either axis that tell less than a thousandth of a pixel."""
    ranges = zip("xy", (plot.x_range, plot.y_range), inner_size(plot), strict=True)
    units = {axis: _length(shown) / size for axis, shown, size in ranges}
    return {axis: 3 - int(np.floor(np.log10(unit))) if unit else 9 for axis, unit in units.items()}


def _length(shown: Range) -> float:
    start, end = ends_of(shown)
    return abs(end - start)


def _corners(places: np.ndarray) -> list[int]:
    """Corners of an outline that differ; of very many only such as are some pixels apart."""
    apart = 0
    while True:
        kept: list[int] = []
        for corner, place in enumerate(places):
            if not kept or np.hypot(*(place - places[kept[-1]])) > apart:
                kept.append(corner)
        if len(kept) <= _MOST_CORNERS:
            return kept
        apart += 1
