"""B1: one importance metric over all heads (the paper's Sec. 5.2.4, Fig. 7)."""

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import (
    Band,
    BoxAnnotation,
    BoxSelectTool,
    ColumnDataSource,
    CustomJSTickFormatter,
    FixedTicker,
    Node,
    Paragraph,
    Range1d,
    Select,
    Span,
)
from bokeh.plotting import figure

from headbrush.server.session.dot_share import share_label, share_words, sized
from headbrush.server.session.palette import NEUTRAL, SELECTED
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.metrics import METRIC_AXES, METRIC_NAMES
from headbrush.server.stores.store_data import mean_and_deviation
from headbrush.server.tools.bokeh.column_updates import update_columns
from headbrush.server.views.common.figure_tools import (
    head_hover,
    make_figure,
    on_line_moved,
    on_narrowing,
    outlined,
    short_numbers,
)
from headbrush.server.views.importance.compared_heads import ComparedHeads
from headbrush.server.views.importance.top_heads import TopHeads
from headbrush.server.views.importance.value_scale import LOWEST, ValueScale

_INK: dict[str, str | Node] = {"--bk-line-color": "var(--ink)"}
_STRIPE: dict[str, str | Node] = {"--bk-fill-color": "var(--stripe)"}


class HeadImportance:
    """Mean line and ±1 sd band over the brushed images, and the selected image's own line."""

    name = "head_importance"
    title = "Which heads matter?"
    extent: tuple[float, float] | None = None
    """Of the values that are shown, if there are any."""
    help = (
        "Each position is a head, layer after layer; the height shows how much pruning that "
        "head changes. Grey shows mean and ±1 standard deviation over the brushed images (all if "
        "none), the dark line the selected image; each compared brush has a mean and a band, "
        "and a dashed line, with its axis on the right, shows their difference. Click or drag the "
        "red line to select a head, drag a box to brush heads. The logarithmic scale shows small "
        "effects beside a large one; it leaves out what is 0 or less."
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        columns = ("number", "mean", "low", "high")
        self._band = ColumnDataSource({name: [] for name in columns}, name="importance_band")
        self._line = session.heads
        self._note = Paragraph(
            text="", name="importance_note", visible=False, styles={"margin": "0 6px"}
        )
        self._metric = Select(
            options=list(METRIC_NAMES.items()),
            width=180,
            margin=(2, 5, 2, 5),
            name="metric",
        )
        session.history.bind(self._metric, "metric")
        self.plot = self._figure()
        self._values = ValueScale(session, self.plot)
        controls = row(
            self._metric,
            self._values.layout,
            TopHeads(session).layout,
            self._note,
            sizing_mode="stretch_width",
            styles={"flex-wrap": "wrap", "contain": "inline-size", "align-items": "center"},
        )
        self.layout = column(controls, self.plot, sizing_mode="stretch_both", name=self.name)
        session.history.on_change(["metric", "image", "clauses", "importance_scale"], self.react)
        session.reader.follow_named(lambda: self.react(session.state))
        session.history.follow(["layer", "head"], self.react_to_head)
        session.waiting.changed.connect(self._show_note)
        session.reader.follow_theme(self._on_theme)

    def _show_note(self) -> None:
        """Say why there are no values, or not yet of all metrics."""
        metric = self._session.state.metric
        text = self._session.waiting.words("importance")
        if not text and not np.isfinite(self._session.data.importance(metric)).any():
            text = self._session.data.why_undefined(metric)
        self._note.update(text=text, visible=bool(text))

    def _on_theme(self) -> None:
        self._image_line.glyph.line_color = self._session.reader.theme.ink
        self._compared.paint(self._session.reader.theme.ink)

    def _figure(self) -> figure:
        data = self._session.data
        plot = make_figure(
            "importance_plot",
            brush=("range",),
            x_range=Range1d(start=-1, end=data.num_heads, bounds=(-1, data.num_heads)),
            y_range=Range1d(start=0, end=1),
        )
        on_narrowing(plot, self._session.narrow)
        plot.toolbar.active_drag = None
        plot.yaxis.formatter = short_numbers()
        self._draw_layers(plot)
        band = Band(
            base="number", lower="low", upper="high", source=self._band, fill_color=NEUTRAL,
            fill_alpha=0.3, line_color=None, level="underlay",
        )  # fmt: skip
        plot.add_layout(band)
        mean = plot.line("number", "mean", source=self._band, color=NEUTRAL, line_width=2)
        self._of_brush = band, mean
        self._compared = ComparedHeads(plot)
        self._reference = Span(
            dimension="width", line_dash="dashed", css_variables=_INK, name="importance_reference"
        )
        self._cursor = Span(
            dimension="height", line_color=SELECTED, line_width=3, name="importance_cursor"
        )
        plot.add_layout(self._reference)
        plot.add_layout(self._cursor)
        self._share = share_label(plot, "top_left")
        self._image_line = plot.line("number", "value", source=self._line)
        dots = plot.scatter(
            "number", "value", source=self._session.heads, color="colour", **sized(6, 3, 11),
            nonselection_alpha=0.25, **outlined(3),
        )  # fmt: skip
        tips = [("head", "@label"), ("", "@value")]
        plot.add_tools(head_hover(self._session, dots, tips))
        (box,) = (tool for tool in plot.tools if isinstance(tool, BoxSelectTool))
        box.renderers = [dots]
        on_line_moved(plot, self._cursor, self._on_cursor, 0, data.num_heads - 1, whole=True)
        return plot

    def _draw_layers(self, plot: figure) -> None:
        data = self._session.data
        heads = data.heads_per_layer
        for layer in range(0, data.num_layers, 2):
            left = layer * heads - 0.5
            plot.add_layout(
                BoxAnnotation(
                    left=left,
                    right=left + heads,
                    fill_color="#f3f5f7",
                    css_variables=_STRIPE,
                    line_color=None,
                    level="image",
                )
            )
        middles = [layer * heads + (heads - 1) / 2 for layer in range(data.num_layers)]
        plot.xaxis.ticker = FixedTicker(ticks=middles)
        plot.xaxis.formatter = CustomJSTickFormatter(
            args={"heads": heads}, code="return '' + Math.floor(tick / heads)"
        )
        plot.xaxis.axis_label = f"layer ({heads} heads each)"
        plot.xgrid.visible = False

    def react(self, new: ViewState) -> None:
        """Draw mean, band and the selected image's line of the metric."""
        data = self._session.data
        values = data.shown_importance(new.metric)
        brush = self._session.brush("heads")
        chosen = values[brush.images]
        defined = bool(np.isfinite(values).any())
        self._show_note()
        mean, spread = mean_and_deviation(chosen)
        lowest = LOWEST[new.importance_scale]
        self._band.data = {
            "number": np.arange(data.num_heads), "mean": mean,
            "low": np.maximum(mean - spread, lowest), "high": mean + spread,
        }  # fmt: skip
        line = mean if new.image is None else values[new.image]
        update_columns(self._session.heads, value=line)
        show_reference = new.metric == "probability" and new.image is not None and defined
        self._reference.visible = show_reference
        if show_reference:
            self._reference.location = float(data.label_probability[new.image])
        compared = self._session.reader.compared()
        for drawn in self._of_brush:
            drawn.visible = not compared
        extent = self._compared.draw(compared, values, lowest)
        shown = extent if compared else (mean, mean + spread, line)
        self._scale(*shown, self._reference.location)
        self.plot.yaxis[0].axis_label = METRIC_AXES[new.metric]
        self._share.text = share_words(self._session.brushes.head_share)
        self._describe(new)

    def react_to_head(self, new: ViewState) -> None:
        """Move the line to the selected head."""
        self._cursor.location = self._session.head.number
        self._describe(new)

    def _describe(self, state: ViewState) -> None:
        values = np.asarray(self._session.heads.data["value"])
        if not np.isfinite(values).any():
            self._session.summaries.describe(
                self.name, self._session.data.why_undefined(state.metric)
            )
            return
        labels, number = self._session.data.head_labels, self._session.head.number
        low, high = int(np.nanargmin(values)), int(np.nanargmax(values))
        count, data = int(self._session.brush("heads").images.sum()), self._session.data
        brushed = f"the {count} brushed" if count < data.num_images else f"all {count}"
        of = f"the mean over {brushed} images" if state.image is None else data.names[state.image]
        self._session.summaries.describe(
            self.name,
            f"{METRIC_AXES[state.metric]}, {of}: highest {values[high]:.3g} at {labels[high]}, "
            f"lowest {values[low]:.3g} at {labels[low]}; selected head {labels[number]}: "
            f"{values[number]:.3g}.",
        )

    def _scale(self, *parts: object) -> None:
        values = np.concatenate(
            [np.atleast_1d(np.asarray(p, float)) for p in parts if p is not None]
        )
        scale = self._session.state.importance_scale
        self.extent = self._values.extent(scale, values)
        if self.extent is not None:
            self._values.show(scale, self.extent)

    def _on_cursor(self, place: float, final: bool) -> None:
        head = self._session.data.head(round(place))
        self._session.history.preview(layer=head.layer, head=head.head)
        if final:
            self._session.history.settle()
