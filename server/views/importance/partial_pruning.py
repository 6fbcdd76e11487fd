"""B2: what pruning parts of the selected head changes (the paper's Fig. 4 and Fig. 1 B2)."""

import numpy as np
from bokeh.events import Tap
from bokeh.layouts import column
from bokeh.models import (
    BasicTicker,
    BoxAnnotation,
    ColumnDataSource,
    CustomJS,
    FixedTicker,
    HoverTool,
    NoOverlap,
    Paragraph,
    Range1d,
    Select,
    Span,
)
from bokeh.plotting import figure

from headbrush.analysis.model.pruning.modes import MODES, PRUNING_MODES, REGIONS, PrunedHead
from headbrush.analysis.store.schema import NEIGHBOURS, OUTPUT_MAP, PRUNING_METRICS
from headbrush.server.session.palette import SELECTED, layer_colours
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.metrics import DIRECT, METRIC_AXES, NOISE
from headbrush.server.stores.model.mean_pruning import MeanPruned
from headbrush.server.tools.assets import view_script
from headbrush.server.tools.bokeh.bokeh_types import columns_of, on_event
from headbrush.server.views.common.choice import labelled
from headbrush.server.views.common.figure_tools import LEAST_HEIGHT, make_figure, short_numbers
from headbrush.server.views.importance.pruning_answer import PruningAnswer, mode_labels

_BESIDE = 0.45
"""Room beside the first and the last bar, in bars, to the middle of the next."""
_ROW, _AXIS = 11.5, 27
"""Least height of a bar with its label, and of the axis below, in pixels."""
_FADED = 0.2
"""Opacity of the last bars while the next ones are computed."""
_MARGINS = 0.2, 1.7
"""Room beside the longest bar, as parts of it: for the pictograms, and to the end of the words."""
"""A pictogram of the attention matrix, prefix tokens first; the pruned part is dark."""
_NOT_ASKED = "The model is not asked for the parts of a head by this metric; choose another in B1."
_NO_PARTS = {
    NEIGHBOURS: _NOT_ASKED,
    OUTPUT_MAP: _NOT_ASKED,
    DIRECT: "What a head says for a class is known of the whole head, not of its parts; choose "
    "another metric in B1.",
}
"""Why there are no bars, by metric."""
_NOT_PRUNED = "This metric is not measured by pruning; choose another in B1."


class PartialPruning:
    """One bar per mode; a click on a bar, or the menu, chooses the mode for the prediction."""

    name = "partial_pruning"
    title = "Which part matters?"
    help = (
        "Parts of this head's attention are set to zero, live by the model, or as stored if it is "
        "not available; bars show the metric chosen in B1 for the selected image, or its mean over "
        "the brushed images (all if none), which the model refines image by image. The small "
        "squares are the attention matrix, prefix tokens (CLS) first: dark is pruned. A click on a "
        "bar, or the menu, chooses whose prediction is shown."
    )

    def __init__(self, session: Session, pruning: PruningAnswer) -> None:
        self._session = session
        modes = list(MODES)
        self._source = ColumnDataSource(
            {
                "mode": modes,
                "marker": [f"@{mode}" for mode in modes],
                "words": [MODES[mode] for mode in modes],
                "value": np.zeros(len(modes)),
                "shown": [""] * len(modes),
                "exact": [""] * len(modes),
                "pictogram": np.full(len(modes), -_MARGINS[0] / 2),
            },
            name="partial_pruning_bars",
        )
        self._menu = Select(
            value=str(session.state.mode),
            options=[(str(mode), f"{mode} · {MODES[mode]}") for mode in PRUNING_MODES],
            sizing_mode="stretch_width",
            height=24,
            css_classes=["hb-small"],
            name="mode",
            html_attributes=labelled("Pruning mode"),
        )
        self._menu.on_change("value", lambda _attr, _old, new: self._choose(int(new)))
        self._note = Paragraph(
            text="",
            name="pruning_note",
            sizing_mode="stretch_width",
            styles={"margin": "0 6px", "min-height": "18px"},
        )
        self._plot = self._figure()
        self.layout = column(
            self._menu, self._note, self._plot, sizing_mode="stretch_both", name=self.name
        )
        session.reader.follow_theme(self._on_theme)
        self._pruning = pruning
        session.history.on_change(["metric"], self.react)
        session.history.follow(["mode"], self.react_to_mode)
        pruning.follow(self._show)

    def _figure(self) -> figure:
        plot = make_figure(
            "pruning_plot",
            x_range=Range1d(start=-_MARGINS[0], end=_MARGINS[1]),
            y_range=Range1d(start=len(MODES) - _BESIDE, end=-_BESIDE),
        )
        plot.toolbar_location = plot.toolbar.active_scroll = None
        self._chosen = BoxAnnotation(
            fill_color=SELECTED, fill_alpha=0.1, line_color=SELECTED, line_width=2,
            name="pruning_chosen",
        )  # fmt: skip
        self._reference = Span(dimension="height", line_dash="dashed", name="pruning_reference")
        plot.add_layout(self._chosen)
        plot.add_layout(self._reference)
        rows = plot.hbar(
            "mode", left=-1e3, right=1e3, height=1, source=self._source,
            fill_alpha=0, line_alpha=0,
        )  # fmt: skip
        self._bars = plot.hbar(
            "mode", left=0, right="value", height=0.6, source=self._source, line_color=None,
            name="pruning_values",
        )  # fmt: skip
        self._words = plot.text(
            "value", "mode", text="shown", source=self._source, x_offset=3,
            text_font_size="11px", text_baseline="middle",
        )  # fmt: skip
        self._pictograms = plot.scatter(
            "pictogram", "mode", marker="marker", size=11, source=self._source
        )
        self._pictograms.glyph.defs = {
            f"@{mode}": CustomJS(args={"regions": list(regions)}, code=view_script("pictogram"))
            for mode, regions in REGIONS.items()
        }
        tips = [("pruned", "@words"), ("value", "@exact")]
        plot.add_tools(HoverTool(renderers=[rows], tooltips=tips))
        on_event(plot, Tap, lambda event: self._choose(round(event.y or 0)))
        plot.yaxis.ticker = FixedTicker(ticks=list(MODES))
        plot.yaxis.update(
            major_label_text_font_size="10px", major_label_policy=NoOverlap(min_distance=-3)
        )
        plot.yaxis.major_label_overrides = {**mode_labels(self._session.data.store)}
        plot.grid.visible = False
        plot.xaxis.ticker = BasicTicker(desired_num_ticks=3)
        plot.xaxis.formatter = short_numbers()
        return plot

    def _on_theme(self) -> None:
        ink = self._session.reader.theme.ink
        self._reference.line_color = self._words.glyph.text_color = ink
        self._pictograms.glyph.update(fill_color=ink, line_color=ink)

    def react(self, _state: ViewState) -> None:
        """Show the metric."""
        self._show()

    def _show(self) -> None:
        if self._pruning.of_all_modes is not None and self._session.state.image is None:
            self._draw()
        else:
            self._pruning.show(self._draw, self._wait, self._explain)

    def react_to_mode(self, new: ViewState) -> None:
        """Mark the chosen bar."""
        self._menu.value = str(new.mode)
        self._chosen.update(bottom=new.mode + 0.5, top=new.mode - 0.5)

    def _choose(self, mode: int) -> None:
        if mode in PRUNING_MODES:
            self._session.history.change(mode=mode)

    def _draw(self) -> None:
        if (result := self._pruning.of_all_modes) is not None:
            self._draw_bars(result)

    def _draw_bars(self, result: PrunedHead | MeanPruned) -> None:
        state, data = self._session.state, self._session.data
        if state.metric not in PRUNING_METRICS:
            self._explain(_NO_PARTS.get(state.metric, _NOT_PRUNED))
            return
        values = self._values(result, state)
        if np.isnan(values).all():
            self._explain(data.why_undefined(state.metric))
            return
        is_probability = state.metric == "probability"
        top = max(1.0 if is_probability else float(np.nanmax(values)), 1e-9)
        before, after = _MARGINS
        self._plot.x_range.update(start=-before * top, end=after * top)
        self._reference.update(visible=is_probability, location=float(values[0]))
        self._make_room(np.flatnonzero(np.isfinite(values)))
        self._source.data = {
            **columns_of(self._source),
            "value": values,
            "shown": [_short(value) for value in values],
            "exact": [_noted(value, 6) for value in values],
            "pictogram": np.full(len(values), -before / 2 * top),
        }
        self._bars.glyph.fill_color = layer_colours(data.num_layers)[state.layer]
        self._fade(1.0)
        self._plot.visible = True
        self._note.text = heading = self._heading(result, bool(np.isnan(values).any()))
        words = [f"{MODES[mode]} pruned {_noted(value)}" for mode, value in enumerate(values)]
        self._session.summaries.describe(self.name, f"{heading}, {'; '.join(words)}.")

    def _make_room(self, known: np.ndarray) -> None:
        """Show the bars up to the last of the modes ``(n,)`` that are known, or soon will be."""
        rows = len(MODES) if self._pruning.waiting else int(known[-1]) + 1
        self._plot.y_range.update(start=rows - _BESIDE)
        self._plot.min_height = max(LEAST_HEIGHT, round(_AXIS + _ROW * rows))

    def _heading(self, result: PrunedHead | MeanPruned, is_partial: bool) -> str:
        """Head, metric, and where the values are from."""
        pruning = self._pruning
        heading = f"{self._session.head!s}: {METRIC_AXES[self._session.state.metric]}"
        if isinstance(result, MeanPruned):
            heading += f", {pruning.words_of(result)}"
        if pruning.waiting:  # for the parts
            return f"{heading}. Parts: {pruning.remark}"
        if pruning.fault or result is pruning.of_store:
            heading += ", from the store"
        return f"{heading}. {pruning.fault}" if is_partial else heading

    def _values(self, result: PrunedHead | MeanPruned, state: ViewState) -> np.ndarray:
        """``(mode,)`` of the metric; P' itself for ``probability``."""
        if isinstance(result, MeanPruned) and state.metric == "probability":
            return result.label_probability
        if state.metric == "probability" and result.probability.shape[1]:
            label = self._session.data.labels[state.image]
            return result.probability[:, label].astype(float)
        return result.metrics[PRUNING_METRICS.index(state.metric)].astype(float)

    def _wait(self, words: str) -> None:
        """Show at once what the store has of a mean."""
        if self._pruning.of_store is not None:
            self._draw_bars(self._pruning.of_store)
            return
        self._fade(_FADED)
        self._note.text = words

    def _fade(self, alpha: float) -> None:
        self._bars.glyph.fill_alpha = self._words.glyph.text_alpha = alpha

    def _explain(self, sentence: str) -> None:
        self._plot.visible = False
        self._note.text = sentence
        self._session.summaries.describe(self.name, sentence)


def _noted(value: float, digits: int = 3) -> str:
    if np.isnan(value):
        return "not stored"
    return "≈ 0" if digits == 3 and 0 < abs(value) < NOISE else f"{value:.{digits}g}"


def _short(value: float) -> str:
    """At most five characters."""
    if np.isnan(value):
        return "?"
    if 0 < value < NOISE:
        return "≈ 0"
    return f"{value:.3f}" if value >= 0.001 or value == 0 else f"{value:.0e}".replace("e-0", "e-")
