"""D1: the attention patterns of every head of every image (the paper's Sec. 5.4.2)."""

from collections.abc import Callable
from functools import partial
from typing import cast

import numpy as np
from bokeh.events import RangesUpdate
from bokeh.layouts import column, row
from bokeh.models import ColumnDataSource, HoverTool, Paragraph, Range1d, Row, Select
from bokeh.models import Range as BokehRange
from bokeh.plotting import figure

from headbrush.analysis.store.facts.layouts import LAYOUT_NAMES, fidelity_words, why_first
from headbrush.analysis.store.facts.percent import percent
from headbrush.server.session.brush.clauses import (
    Box,
    Brush,
    Clause,
    Combine,
    Lasso,
    joined,
    resolve,
)
from headbrush.server.session.palette import SELECTED, class_colours, layer_colours
from headbrush.server.session.session import Session
from headbrush.server.session.state import (
    PATTERN_STYLES,
    Range,
    ViewState,
    pattern_colours_of,
)
from headbrush.server.stores.metrics import METRIC_NAMES
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.words import within_words
from headbrush.server.tools.bokeh.bokeh_types import ends_of, number_range
from headbrush.server.tools.bokeh.teardown import soon
from headbrush.server.tools.latest_only import LatestOnly
from headbrush.server.views.common.choice import labelled, small_buttons, small_choice
from headbrush.server.views.common.figure_tools import (
    inner_size,
    make_figure,
    on_nearest,
    on_region,
    padded_range,
    pattern_tip,
)
from headbrush.server.views.common.legend import choices, gradient, height_of, make_legend, swatches
from headbrush.server.views.common.zoom import rounded_range
from headbrush.server.views.patterns.contours import SHARES, Lines
from headbrush.server.views.patterns.density import Picture
from headbrush.server.views.patterns.drawing import (
    Drawing,
    colouring,
    kept_total,
    pattern_names,
)
from headbrush.server.views.patterns.picture import PlotPicture

VIEW = "patterns"
_DELAY_MS = 60
_KINDS = ("name", "layer", "head", "class")
"""Colourings by kind; the others are by a number."""
_LEGEND_LINES = {"class": 2, "head": 2, "name": 4}
_NARROW = "@media (max-width: 1500px) { :host { min-height: 34px; } }"
"""Two lines of a legend where the panel is too narrow for what one holds in a wide window."""
_SMALL: dict[str, str | None] = {"font-size": "11px", "margin": "2px 6px", "opacity": "0.8"}
_COARSE_FROM = 500_000
"""With so many patterns the density is drawn at half the resolution while a box is dragged."""


class PatternLayout:
    """A density of all patterns, the brushed ones on top, the selected image's heads as points."""

    name = "pattern_layout"
    title = "What have the heads learned?"
    help = (
        "Each point is one head of one image; similar attention patterns lie close together, and "
        "the more there are, the stronger the colour. Ringed dots are the selected image's heads. "
        "Click to select the nearest head, drag a box or a lasso to brush patterns, turn the wheel "
        "to zoom."
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        within = within_words(session.data, "a pattern is the mean of those that no edge cuts")
        self.help = f"{self.help} {_features_of(session.data)} {within}".strip()
        self._pending = None
        self._previews = False
        self._drawn_compared = ()
        self._document = session.document
        self._follow = LatestOnly(
            partial(_preview, session.data),
            self._show_preview,
            soon(self._document),
        )
        own = {"x": [], "y": [], "colour": [], "label": [], "pattern": []}
        self._own = ColumnDataSource(data=own, name="own_patterns")
        self._selected = ColumnDataSource({"x": [], "y": []}, name="pattern_ring")
        self._note = Paragraph(
            text="", name="pattern_note", visible=False, sizing_mode="stretch_width"
        )
        self._fidelity = Paragraph(
            text="", name="pattern_fidelity", sizing_mode="stretch_width", styles=_SMALL
        )
        self._legend = make_legend("pattern_legend")
        self._legend.stylesheets = [_NARROW]
        self.plot = self._plot = self._figure()
        self.layout = column(
            self._controls(),
            self._legend,
            self._note,
            self._plot,
            self._fidelity,
            sizing_mode="stretch_both",
            name=self.name,
        )
        session.history.follow(["pattern", "pattern_range"], self.react_to_range)
        drawn = ["pattern", "pattern_style", "pattern_colour", "pattern_range", "clauses"]
        session.history.on_change(drawn, self.react_to_drawing)
        shown = ["pattern", "image", "layer", "head"]
        session.history.follow(shown, self.react_to_selection)
        session.reader.follow_theme(self._on_theme)
        session.reader.follow_named(self._on_named)
        session.waiting.changed.connect(self._show_note)

    def _controls(self) -> Row:
        history = self._session.history
        names = [LAYOUT_NAMES[layout] for layout in self._session.data.layouts]
        layouts = small_buttons("pattern", names)
        layouts.on_change("active", self._on_kind)
        styles = small_choice(history, "pattern_style", PATTERN_STYLES)
        colour = Select(
            options=[
                (name, f"colour: {METRIC_NAMES.get(name, name)}")
                for name in pattern_colours_of(self._session.data)
            ],
            width=134,
            height=24,
            css_classes=["hb-small"],
            name="pattern_colour",
            html_attributes=labelled("Colour of the patterns"),
        )
        history.bind(colour, "pattern_colour")
        self._layouts = layouts
        wrapped = {"flex-wrap": "wrap", "contain": "inline-size"}
        return row(layouts, styles, colour, sizing_mode="stretch_width", styles=wrapped)

    def _figure(self) -> figure:
        x_range, y_range = self._whole_ranges()
        plot = make_figure(
            "patterns_plot", brush=("lasso", "live box"), x_range=x_range, y_range=y_range
        )
        plot.axis.visible = False
        plot.grid.visible = False
        self._picture = PlotPicture(plot, "pattern")
        self._dots = plot.scatter(
            "x", "y", source=self._own, size=9, fill_color="colour", line_width=1,
            nonselection_alpha=1,
        )  # fmt: skip
        plot.scatter(
            "x", "y", source=self._selected, size=18, fill_color=None, line_color=SELECTED,
            line_width=3, level="overlay",
        )  # fmt: skip
        tips = [("head of this image", "@label"), *pattern_tip(self._session.data)]
        plot.add_tools(HoverTool(renderers=[self._dots], tooltips=tips))
        plot.on_event(RangesUpdate, lambda _event: self._draw_soon())
        on_region(plot, self._on_region, self._on_preview)
        plot.on_change("inner_width", self._on_size)
        plot.on_change("inner_height", self._on_size)
        on_nearest(plot, self._xy, self._select_pattern)
        return plot

    def _on_kind(self, _attribute: str, _old: int | None, new: int) -> None:
        """Change the layout; its coordinates are others, so all of it is shown."""
        layout = self._session.data.layouts[cast(int, new)]
        if layout != self._session.state.pattern:
            self._session.history.change(pattern=layout, pattern_range=None)

    def _xy(self) -> np.ndarray:
        return self._session.data.embedding(self._session.state.pattern)

    def _whole_ranges(self) -> tuple[Range1d, Range1d]:
        """Ranges that show all patterns."""
        x0, x1, y0, y1 = self._session.data.cells(self._session.state.pattern).extent
        return padded_range(np.array([x0, x1])), padded_range(np.array([y0, y1]))

    def _select_pattern(self, pattern: int) -> None:
        image, number = divmod(pattern, self._session.data.num_heads)
        head = self._session.data.head(number)
        self._session.history.change(image=image, layer=head.layer, head=head.head)

    def react_to_range(self, new: ViewState) -> None:
        """Show a layout, all or a part of it; clauses on the other layout stay as they are."""
        data = self._session.data
        self._layouts.active = data.layouts.index(new.pattern)
        self._fidelity.text = "" if self._is_empty() else fidelity_words(data.store, new.pattern)
        plot, whole = self._plot, self._whole_ranges()
        for shown, wanted in zip((plot.x_range, plot.y_range), whole, strict=True):
            shown.update(reset_start=wanted.start, reset_end=wanted.end)
        x_range, y_range = whole
        wanted = new.pattern_range or (*ends_of(x_range), *ends_of(y_range))
        if rounded_range(self._visible()) != rounded_range(wanted):
            plot.x_range.update(start=wanted[0], end=wanted[1])
            plot.y_range.update(start=wanted[2], end=wanted[3])
        self._show_note()

    def _show_note(self) -> None:
        """Say why there are no points, or not yet."""
        text = self._session.waiting.words(f"{self._session.state.pattern}_embedding")
        if not text and not np.isfinite(self._xy()).any():
            text = "This model has no class token, so no CLS patterns."
        self._note.update(text=text, visible=bool(text))

    def _on_theme(self) -> None:
        self._dots.glyph.line_color = self._session.reader.theme.ink
        self._draw()

    def _on_named(self) -> None:
        if self._session.reader.compared() != self._drawn_compared:
            self._draw()

    def _visible(self) -> Range:
        return *ends_of(self._plot.x_range), *ends_of(self._plot.y_range)

    def react_to_drawing(self, _state: ViewState) -> None:
        """Draw the density again: other colours, brush or range."""
        self._draw()

    def react_to_selection(self, new: ViewState) -> None:
        """Show the selected image's heads as points, and ring the selected head."""
        data = self._session.data
        self._show_legend(new)
        if new.image is None:
            self._own.data = {"x": [], "y": [], "colour": [], "label": [], "pattern": []}
            self._selected.data = {"x": [], "y": []}
            return
        first = new.image * data.num_heads
        xy = self._xy()[first : first + data.num_heads]
        palette = layer_colours(data.num_layers)
        self._own.data = {
            "x": xy[:, 0], "y": xy[:, 1], "label": data.head_labels,
            "colour": [palette[layer] for layer in data.layer_of_head],
            "pattern": data.pattern_names(new.image) or [""] * data.num_heads,
        }  # fmt: skip
        ring = xy[[self._session.head.number]]
        self._selected.data = {"x": ring[:, 0], "y": ring[:, 1]}

    def _is_empty(self) -> bool:
        """Whether the layout is still to be made, so that nothing in it can be brushed."""
        return bool(self._session.waiting.words(f"{self._session.state.pattern}_embedding"))

    def _on_region(self, shape: Box | Lasso, combine: Combine) -> None:
        if self._is_empty():
            return
        layout = self._session.state.pattern
        self._session.add_clause(Clause(VIEW, shape, combine, layout))
        self._end_preview()

    def _on_preview(self, shape: Box | Lasso | None, combine: Combine) -> None:
        if shape is None or self._is_empty():
            self._end_preview()
            return
        state, coarse = self._session.state, self._session.data.num_patterns >= _COARSE_FROM
        clause = Clause(VIEW, shape, combine, state.pattern)
        width, height = inner_size(self._plot)
        size = (width // 2, height // 2) if coarse else (width, height)
        clauses = joined(state.clauses, clause)
        self._previews = True
        self._follow.ask((clauses, self._drawing(size)))

    def _show_preview(self, answer: Callable[[], tuple[Brush, Range, Picture | Lines]]) -> None:
        brush, view, picture = answer()
        self._picture.show(view, picture)
        self._session.previewed.emit(brush)

    def _end_preview(self) -> None:
        """Show the brush again after a drag that changed nothing."""
        self._follow.drop()
        self._session.faults.forget(self.name, "_show_preview")  # of a drag that is over
        if self._previews:
            self._draw()
            self._session.previewed.emit(self._session.brush())

    def _on_size(self, _attribute: str, _old: int, _new: int) -> None:
        self._draw_soon()

    def _draw_soon(self) -> None:
        """Draw once the range has come to rest; only the newest range is drawn."""
        if self._pending is None:
            self._pending = self._document.add_timeout_callback(self._draw_range, _DELAY_MS)

    def _draw_range(self) -> None:
        self._pending = None
        whole = (*_whole(self._plot.x_range), *_whole(self._plot.y_range))
        visible = rounded_range(self._visible())
        wanted = None if visible == rounded_range(whole) else visible
        if self._is_empty() or wanted == self._session.state.pattern_range:
            self._draw()
        else:
            self._session.history.change(pattern_range=wanted)

    def _drawing(self, size: tuple[int, int]) -> Drawing:
        state, theme = self._session.state, self._session.reader.theme
        colours = colouring(self._session.data, state.pattern_colour)
        style = state.pattern_style
        view = self._visible()
        total = kept_total(self._session.data, state.pattern, view, size)
        return Drawing(self._xy(), view, size, colours, style, theme.density, total)

    def _draw(self) -> None:
        self._follow.drop()
        self._previews = False
        drawing, brush = self._drawing(inner_size(self._plot)), self._session.brush()
        self._drawn_compared = self._session.reader.compared()
        self._picture.show(drawing.view, drawing.of_page(brush, self._drawn_compared))
        self._show_legend(self._session.state)
        self._describe(brush)

    def _show_legend(self, state: ViewState) -> None:
        self._legend.text = self._legend_text(state)
        lines = 2 if state.pattern_style == "contours" else 1
        self._legend.height = height_of(_LEGEND_LINES.get(state.pattern_colour, lines))

    def _describe(self, brush: Brush) -> None:
        data, state = self._session.data, self._session.state
        part = "part" if state.pattern_range else "all"
        self._session.summaries.describe(
            self.name,
            f"{data.num_patterns} {state.pattern} patterns of {data.num_images} images and "
            f"{data.num_heads} heads as {state.pattern_style}, coloured by {state.pattern_colour}; "
            f"{int(brush.patterns.sum()) if brush.active else 'none'} are brushed; "
            f"{part} of the layout is shown.",
        )

    def _legend_text(self, state: ViewState) -> str:
        data, colour = self._session.data, state.pattern_colour
        if self._drawn_compared:
            pale = " · pale: not brushed" if self._session.brush().active else ""
            return swatches(*pattern_names(self._drawn_compared)) + pale
        layers = layer_colours(data.num_layers)
        points = ""
        if state.image is not None:
            ramp = gradient("selected image, by layer", "0", str(data.num_layers - 1), layers)
            points = f" · {ramp}"
        if state.pattern_style == "contours" and colour not in _KINDS:
            enclosed = ", ".join(f"{100 * share:.0f}" for share in SHARES[::-1])
            lines = f"lines enclose {enclosed} % of the patterns shown"
            return f"{lines}{points}"
        if colour == "count":
            ramp = self._session.reader.theme.density
            return f"{gradient('patterns', 'few', 'many', ramp)}{points}"
        if colour == "layer":
            return gradient("layer", "0", str(data.num_layers - 1), layers)
        if colour == "head":
            heads = data.heads_per_layer
            return swatches([f"H{head}" for head in range(heads)], class_colours(heads))
        if colour == "name":
            return self._names_legend()
        if colour == "class":
            return swatches(data.class_names, class_colours(max(len(data.class_names), 1)))
        low, high = (kinds := colouring(data, colour)).span
        title = data.metric_titles.get(colour, colour)
        return gradient(title, f"{low:.2g}", f"{high:.2g}", kinds.ramp)

    def _names_legend(self) -> str:
        """Buttons that brush the patterns of a name, with the share of all that it has."""
        families = self._session.data.families
        if families is None:
            return ""
        numbers, total = families.occurring, len(families.numbers)
        names = [
            f"{families.names[one]} {percent(families.counts[one] / total)}" for one in numbers
        ]
        palette = colouring(self._session.data, "name").palette
        return choices("name", names, [palette[one] for one in numbers], numbers, "patterns")


def _features_of(data: StoreData) -> str:
    """What the layouts are made from, and why one is shown first; as far as the store says."""
    made_by, kind = (str(data.store.attrs.get(k)) for k in ("patch_layout_by", "autoencoder"))
    words = []
    if data.layouts[0] == "offset":
        words.append(
            "The offset layout is made from how far, and to which patches, each head attends."
        )
    if made_by == "autoencoder":
        words.append(f"The patch layout is made from the latents of a {kind} autoencoder.")
    if made_by == "offset" and "patch" in data.layouts:
        words.append(
            "The patch layout is made from how far, and to which patches, each head attends."
        )
    words.append(why_first(data.store))
    return " ".join(filter(None, words))


def _preview(
    data: StoreData, request: tuple[tuple[Clause, ...], Drawing]
) -> tuple[Brush, Range, Picture | Lines]:
    """In a worker thread: the brush that the drag would leave, its range, and its picture."""
    clauses, drawing = request
    brush = resolve(clauses, data.num_images, data.num_heads, data.places, kept=data.enclosed)
    return brush, drawing.view, drawing.picture(brush)


def _whole(shown: BokehRange) -> tuple[float, float]:
    """Where a range begins and ends when the plot is reset."""
    numbers = number_range(shown)
    return cast(float, numbers.reset_start), cast(float, numbers.reset_end)
