"""B1: one importance metric over all heads (the paper's Sec. 5.2.4, Fig. 7)."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    Band,
    BoxSelectTool,
    ColumnDataSource,
    Node,
    Paragraph,
    Range1d,
    Select,
    Span,
)
from bokeh.plotting import figure

from headbrush.server.session.brush.dot_share import share_label, share_words, sized
from headbrush.server.session.brush.named_brushes import MOST_COMPARED, Compared
from headbrush.server.session.palette import NEUTRAL, SELECTED
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.metrics import DIRECT
from headbrush.server.stores.trends.statistics.mean_interval import told_means
from headbrush.server.tools.bokeh.column_updates import update_columns
from headbrush.server.tools.loops.means import mean_and_deviation, moments
from headbrush.server.views.common.choice import controls_line, labelled
from headbrush.server.views.common.figure_tools import (
    head_hover,
    make_figure,
    on_line_moved,
    on_narrowing,
    outlined,
    short_numbers,
)
from headbrush.server.views.importance.compared_heads import ComparedHeads
from headbrush.server.views.importance.difference_table import DifferenceTable
from headbrush.server.views.importance.head_order import HeadOrder
from headbrush.server.views.importance.outside_values import OutsideValues
from headbrush.server.views.importance.top_heads import TopHeads
from headbrush.server.views.importance.value_scale import LOWEST, ValueScale, shown_scale

_INK: dict[str, str | Node] = {"--bk-line-color": "var(--ink)"}


class HeadImportance:
    """Mean line and ±1 sd band over the brushed images, and the selected image's own line."""

    name = "head_importance"
    title = "Which heads matter?"
    extent: tuple[float, float] | None = None
    """Of the values that are shown, if there are any."""
    help = (
        "Each position is a head, layer after layer; the height shows how much pruning that "
        "head changes. Grey shows mean and ±1 standard deviation over the brushed images (all if "
        "none); a head's tooltip tells the 95 % interval of its mean. The dark line is the "
        "selected image; a triangle at the edge is a value of it outside of the axis.\n\n"
        "Click or drag the red line to select a head, drag a box to brush heads. The logarithmic "
        "scale shows small effects beside a large one; it leaves out what is 0 or less. Fit "
        "narrows both axes to the brushed heads, and to their lines without the bands.\n\n"
        "Each compared brush has a mean and a band, and a dashed line, with its axis on the right, "
        "shows their difference. Heads may be sorted by mean or by this difference. As a table, "
        "two brushes show the difference of each head with its 95 % interval and p by Welch's t "
        "test, adjusted over all heads by Benjamini and Hochberg; there, a click selects "
        "a head.\n\n"
        "True-class probability is sorted, and compared, by its drop P − P′. Neighbours lost, of a "
        "model without classifier, is the share of the 10 images most like an image, by the "
        "model's features, that are no longer so when the head is pruned. What a head says for "
        "the true class is its part of the logit along the residual stream; below 0 it speaks "
        "against it. It is not what pruning changes, which G3 shows beside it."
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
            options=list(session.data.metric_titles.items()),
            width=158,
            height=24,
            css_classes=["hb-small"],
            margin=(4, 3, 2, 3),
            name="metric",
            html_attributes=labelled("Metric"),
        )
        session.history.bind(self._metric, "metric")
        self.plot = self._figure()
        self._values = ValueScale(session, self.plot)
        self._outside = OutsideValues(self.plot)
        top = TopHeads(session).layout
        chart = (self.plot, self._values.layout, self._order.layout, top)
        table = DifferenceTable(session, chart)
        controls = controls_line(
            self._metric, self._values.layout, self._order.layout, table.layout, top, self._note
        )
        self.layout = column(
            controls, self.plot, sizing_mode="stretch_both", name=self.name, tags=table.channels
        )
        session.history.on_change(
            ["metric", "image", "clauses", "importance_scale", "importance_order",
             "importance_fit"],
            self.react,
        )  # fmt: skip
        session.reader.follow_named(lambda: self.react(session.state))
        session.history.follow(["layer", "head"], self.react_to_head)
        session.waiting.changed.connect(self._show_note)
        session.reader.follow_theme(self._on_theme)

    def _show_note(self) -> None:
        """Say why there are no values, or not yet of all metrics."""
        metric = self._session.state.metric
        text = "" if metric == DIRECT else self._session.waiting.words("importance")
        if not text and not self._session.data.has_values(metric):
            text = self._session.data.why_undefined(metric)
        self._note.update(text=text, visible=bool(text))

    def _on_theme(self) -> None:
        for drawn in (self._image_line, self._sorted_line):
            drawn.glyph.line_color = self._session.reader.theme.ink
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
        self._order = HeadOrder(self._session, plot)
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
        self._sorted = ColumnDataSource({"number": [], "value": []}, name="importance_sorted")
        self._sorted_line = plot.line("number", "value", source=self._sorted)
        dots = plot.scatter(
            "place", "value", source=self._session.heads, color="colour", **sized(6, 3, 11),
            nonselection_alpha=0.25, **outlined(3),
        )  # fmt: skip
        self._hover = head_hover(self._session, dots, _tips(()))
        self._quiet_tips = cast(list[tuple[str, str]], self._hover.tooltips)[2:]
        plot.add_tools(self._hover)
        (box,) = (tool for tool in plot.tools if isinstance(tool, BoxSelectTool))
        box.renderers = [dots]
        on_line_moved(plot, self._cursor, self._on_cursor, 0, data.num_heads - 1, whole=True)
        return plot

    def react(self, new: ViewState) -> None:
        """Draw mean, band and the selected image's line of the metric."""
        session, data = self._session, self._session.data
        values = data.shown_importance(new.metric)
        brush, compared = session.brush("heads"), session.reader.compared()
        self._show_note()
        mean, spread, known = moments(values, brush.images)
        lowest = LOWEST[shown_scale(new)]
        drops = data.importance(new.metric) if new.metric == "probability" else None
        parts = self._compared.resolve(compared, values, drops)
        effect = mean if drops is None else mean_and_deviation(drops, brush.images)[0]
        of = _images_words(int(brush.images.sum()), data.num_images)
        self._order.sort(new.importance_order, effect, self._compared.difference, of)
        heads = self._order.heads
        self._band.data = {
            "number": np.arange(data.num_heads), "mean": mean[heads],
            "low": np.maximum(mean - spread, lowest)[heads], "high": (mean + spread)[heads],
        }  # fmt: skip
        line = mean if new.image is None else values[new.image]
        if new.image is None:
            self._told = told_means(mean, spread, known, of)
        else:
            self._told = [f"{value:.3g}, {data.names[new.image]}" for value in line]
        self._show_line(line)
        self._cursor.location = float(self._order.places[session.head.number])
        level = self._level(new)
        self._reference.visible = level is not None
        if level is not None:
            self._reference.location = level
        for drawn in self._of_brush:
            drawn.visible = not compared
        self._compared.draw(compared, heads, lowest, new.metric)
        self._tip(compared)
        drawn, lines = (parts, []) if compared else ([(mean, spread)], [line])
        sides = (-1, 0, 1) if new.metric == DIRECT else (0, 1)  # the axis of others begins at 0
        reach = [middle + side * wide for middle, wide in drawn for side in sides]
        self._scale(line, [*reach, *lines], [*(middle for middle, _ in drawn), *lines], level)
        self.plot.yaxis[0].axis_label = data.metric_axis(new.metric)
        self._share.text = share_words(session.brushes.head_share)
        self._describe(new)

    def _level(self, state: ViewState) -> float | None:
        """0 of what has a sign; P[true class] of the selected image beside the pruned ones."""
        is_defined = self._session.data.has_values(state.metric)
        if state.metric == DIRECT and is_defined:
            return 0.0
        if state.metric != "probability" or state.image is None or not is_defined:
            return None
        return float(self._session.data.label_probability[state.image])

    def _show_line(self, line: np.ndarray) -> None:
        """Draw the line over the heads in their order; the shared source has them by number."""
        is_alone = self._session.state.image is None and bool(self._session.reader.compared())
        update_columns(self._session.heads, value=line, place=self._order.places)
        by_layer, places = self._order.is_by_layer, np.arange(len(line))
        self._sorted.data = {
            "number": places[:0] if by_layer else places,
            "value": line[:0] if by_layer else line[self._order.heads],
        }
        self._image_line.visible = by_layer and not is_alone
        self._sorted_line.visible = not by_layer and not is_alone

    def _tip(self, compared: Sequence[Compared]) -> None:
        """Say in the tooltips what is drawn, also where the pointer is above or below a dot."""
        columns = {"told": self._told, **self._compared.told(compared)}
        update_columns(self._session.heads, **{k: np.array(v) for k, v in columns.items()})
        self._hover.update(
            tooltips=[*_tips(compared), *self._quiet_tips],
            mode="vline" if compared else "mouse",
            point_policy="follow_mouse" if compared else "snap_to_data",
        )

    def react_to_head(self, new: ViewState) -> None:
        """Move the line to the selected head."""
        self._cursor.location = float(self._order.places[self._session.head.number])
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
            f"{data.metric_axis(state.metric)}, {of}: "
            f"highest {values[high]:.3g} at {labels[high]}, "
            f"lowest {values[low]:.3g} at {labels[low]}; selected head {labels[number]}: "
            f"{values[number]:.3g}.",
        )

    def _scale(
        self,
        line: np.ndarray,
        whole: Sequence[np.ndarray],
        lines: Sequence[np.ndarray],
        level: float | None,
    ) -> None:
        """Show all that is drawn, or fit the lines of the brushed heads; mark what is cut off."""
        session, state = self._session, self._session.state
        is_fit = state.importance_fit == "fit"
        shown = session.brush().heads if is_fit else np.ones(len(line), bool)
        reference = [] if is_fit or level is None else [level]
        parts = [part[shown] for part in (lines if is_fit else whole)]
        values = np.concatenate([*parts, reference]).astype(float)
        scale = shown_scale(state)
        self.extent = self._values.extent(scale, values, is_fit)
        if self.extent is None:
            return
        self._values.show(scale, self.extent)
        self._values.show_heads(self._order.places[shown] if is_fit else None)
        self._outside.show(
            np.where(shown, line, np.nan), self._order.places, session.data.head_labels,
            self._told, self.extent, scale == "log",
        )  # fmt: skip

    def _on_cursor(self, place: float, final: bool) -> None:
        head = self._session.data.head(int(self._order.heads[round(place)]))
        self._session.history.preview(layer=head.layer, head=head.head)
        if final:
            self._session.history.settle()


def _images_words(brushed: int, total: int) -> str:
    return f"{brushed} brushed images" if brushed < total else f"all {total} images"


def _tips(compared: Sequence[Compared]) -> list[tuple[str, str]]:
    """Lines of the tooltip; all that others have named is in columns."""
    columns = ["told", *("told_first", "told_second")[: len(compared)]]
    tips = [("head", "@label"), *(("", f"@{name}") for name in columns)]
    return [*tips, ("", "@told_difference")] if len(compared) == MOST_COMPARED else tips
