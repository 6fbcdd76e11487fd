"""The heads that say most for a class, or take most from a pinned patch."""

import numpy as np
from bokeh.events import Tap
from bokeh.layouts import column
from bokeh.models import (
    ColumnDataSource,
    FixedTicker,
    HoverTool,
    Paragraph,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from headbrush.analysis.explain.words import OF_HEADS
from headbrush.analysis.store.facts.grouped import grouped
from headbrush.server.session.palette import BRUSHED, NEUTRAL, SELECTED
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.model.stored_direct import mean_says
from headbrush.server.stores.store_data import NO_DIRECT
from headbrush.server.tools.bokeh.bokeh_types import columns_of, number_range, on_event
from headbrush.server.views.common.figure_tools import make_figure, padded_range, short_numbers
from headbrush.server.views.common.legend import make_legend, swatches
from headbrush.server.views.tokens.explain.explanation_answer import ExplanationAnswer
from headbrush.server.views.tokens.token_name import pinned_patch, token_name

_MOST = 16
_COLUMNS = (
    "number",
    "label",
    "row",
    "above",
    "below",
    "value",
    "total",
    "told",
    "pattern",
    "ids",
    "heads",
)
_AXES = {
    "attends": "attention to the patch",
    "moves": "moved from the patch",
    "speaks": "said through the patch (logit)",
}
_SAYS, _TOTAL = "speaks for the class", "total effect of pruning"


class SpeakingHeads:
    """Bars of what heads say directly, beside what pruning them changes."""

    name = "speaking_heads"
    title = "Which heads speak for it?"
    help = (
        "What each head adds to the class's logit directly, along the residual stream, with the "
        "last norm's scale as it is on this image: dark, to the right for the class, to the left "
        "against it. Blue is the total effect: how far the logit falls when the head is pruned. "
        "The two differ, since later layers respond to the loss of a head; what a head says is not "
        "its importance. With a patch pinned, heads are ranked by what they take from it: "
        "attention, what is moved, or what is said through it, as the shown map. Without an image, "
        "the mean over the brushed images, for the true class. Click a bar to select the head."
    )

    def __init__(self, session: Session, answer: ExplanationAnswer) -> None:
        self._session, self._answer = session, answer
        self._source = ColumnDataSource({name: [] for name in _COLUMNS}, name="speaking_bars")
        self._frame = ColumnDataSource({"row": []}, name="speaking_ring")
        self._legend = make_legend("speaking_legend")
        self._note = Paragraph(
            text="", name="speaking_note", sizing_mode="stretch_width", styles={"margin": "2px 6px"}
        )
        self._plot = self._figure()
        self.layout = column(
            self._note, self._legend, self._plot, sizing_mode="stretch_both", name=self.name
        )
        answer.changed.follow(self._draw)
        session.history.on_change(["token", "clauses"], self.react)
        session.history.on_change(["layer", "head"], self.react_to_head)
        session.reader.follow_theme(self._on_theme)

    def _figure(self) -> figure:
        plot = make_figure(
            "speaking_plot", x_range=Range1d(start=0, end=1), y_range=Range1d(start=1, end=0)
        )
        plot.toolbar.active_drag = plot.toolbar.active_scroll = None
        plot.ygrid.visible = False
        plot.yaxis.major_tick_line_color = None
        plot.xaxis.formatter = short_numbers()
        bars = {"source": self._source, "left": 0, "height": 0.36, "line_color": None}
        self._says = plot.hbar("above", right="value", **bars)
        self._total = plot.hbar("below", right="total", fill_color=BRUSHED, **bars)
        plot.add_layout(Span(location=0, dimension="height", line_color=NEUTRAL))
        self._ring = plot.hspan(
            y="row", source=self._frame, line_color=SELECTED, line_alpha=0.25, line_width=16,
            level="underlay",
        )  # fmt: skip
        tips = [("head", "@label"), ("", "@told"), ("pattern", "@pattern")]
        if not self._session.data.head_patterns:
            tips = tips[:2]
        plot.add_tools(HoverTool(renderers=[self._says, self._total], tooltips=tips))
        on_event(plot, Tap, self._tapped)
        return plot

    def react(self, _state: ViewState) -> None:
        """Rank the heads by what they take from another patch, or of other images."""
        self._draw()

    def react_to_head(self, _state: ViewState) -> None:
        """Mark the selected head."""
        numbers = list(columns_of(self._source)["number"])
        number = self._session.head.number
        self._frame.data = {"row": [numbers.index(number)] if number in numbers else []}

    def _draw(self) -> None:
        answer, state = self._answer, self._session.state
        if not self._session.data.has_classifier:
            self._explain(answer.why_none)
        elif state.image is None:
            self._draw_mean()
        elif self._patch >= 0 and answer.sources is not None and not answer.absent(self._kind):
            self._draw_patch()
        elif answer.says is not None:
            self._draw_image(answer.says)
        elif answer.sources is not None and not answer.fault:
            self._explain(f"What heads say is not known: {answer.sources.absent_parts}.")
        else:
            self._explain(answer.instead)

    @property
    def _patch(self) -> int:
        """The pinned patch, below 0 for none."""
        return pinned_patch(self._session.data.store, self._session.state)

    @property
    def _kind(self) -> str:
        """Of the shown map, what single heads do; else what they say."""
        shown = self._session.state.explained_map
        return shown if shown in OF_HEADS else "speaks"

    def _draw_mean(self) -> None:
        brushed = self._session.brush("heads").images
        found = mean_says(self._session.data, brushed)
        if found is None:
            is_stored = self._session.data.store.has("direct")
            why = (
                "For the brushed images it is not known what heads say." if is_stored else NO_DIRECT
            )
            self._explain(why)
            return
        mean, count = found
        self._show(mean, None, "mean of what heads say (logit)")
        of = f"over {grouped(count)} image{'s' * (count > 1)}, for the true class of each"
        self._say(f"{self._most()}; mean {of}. Select an image to explain its prediction.")

    def _draw_image(self, says: np.ndarray) -> None:
        answer = self._answer
        self._show(says, answer.total, "logit")
        words = f"{self._most()} for {answer.class_name}"
        stored = f" (stored values; {answer.fault})" if answer.fault else ""
        self._say(f"{words}{stored}. {self._sum_words()}".rstrip())

    def _draw_patch(self) -> None:
        sources = self._answer.shown_sources
        assert sources is not None
        values = sources.values[OF_HEADS.index(self._kind), :, :, self._patch]
        self._show(values, None, _AXES[self._kind])
        store = self._session.data.store
        patch = token_name(store, self._patch + store.num_prefix_tokens)
        first = self._label(int(np.abs(values).argmax()))
        self._say(
            f"{patch[0].upper()}{patch[1:]}, {_AXES[self._kind]}: {first} most, "
            f"{values.ravel()[np.abs(values).argmax()]:.3g}."
        )

    def _sum_words(self) -> str:
        sources = self._answer.sources
        if sources is None or str(sources.absent_parts):
            return ""
        embedding, mlp, bias = sources.parts
        return (
            f"Logit {float(sources.logit):.2f} = heads {sources.says.sum():.2f}, MLPs {mlp:.2f}, "
            f"embedding {embedding:.2f}, biases {bias:.2f}."
        ).replace("-", "\N{MINUS SIGN}")

    def _most(self) -> str:
        rows = columns_of(self._source)
        first = [f"{label} ({value:+.2g})" for label, value in
                 zip(rows["label"][:3], rows["value"][:3], strict=True)]  # fmt: skip
        return f"{', '.join(first)} say most".replace("-", "\N{MINUS SIGN}")

    def _label(self, number: int) -> str:
        return self._session.data.head_labels[number]

    def _show(self, values: np.ndarray, total: np.ndarray | None, axis: str) -> None:
        """Bars of the heads whose values ``(L, H)`` are largest."""
        data, flat = self._session.data, values.ravel().astype(float)
        heads = np.argsort(-np.abs(flat), kind="stable")[:_MOST]
        pruned = (
            np.full(len(heads), np.nan) if total is None else total.ravel()[heads].astype(float)
        )
        rows, width = np.arange(len(heads)), 0.2 if total is not None else 0.0
        told = [
            f"{flat[head]:.3g}"
            + ("" if np.isnan(one) else f"; pruned, the logit falls by {one:.3g}")
            for head, one in zip(heads, pruned, strict=True)
        ]
        patterns = data.head_patterns or [""] * data.num_heads
        self._source.data = {
            "number": heads, "label": [self._label(head) for head in heads], "row": rows,
            "above": rows - width, "below": rows + width, "value": flat[heads], "total": pruned,
            "told": told, "pattern": [patterns[head] for head in heads],
            "ids": [[int(head)] for head in heads], "heads": told,
        }  # fmt: skip
        self._fit(axis)
        self._legend.visible = total is not None
        self._plot.visible = True
        self.react_to_head(self._session.state)

    def _fit(self, axis: str) -> None:
        rows = columns_of(self._source)
        values = np.concatenate([[0.0], rows["value"], rows["total"]])
        fitted = padded_range(values)
        number_range(self._plot.x_range).update(start=fitted.start, end=fitted.end)
        count = len(rows["row"])
        number_range(self._plot.y_range).update(start=count - 0.4, end=-0.6)
        self._plot.yaxis[0].update(
            ticker=FixedTicker(ticks=list(range(count))),
            major_label_overrides=dict(enumerate(rows["label"])),
        )
        self._plot.xaxis[0].axis_label = axis

    def _explain(self, words: str) -> None:
        self._plot.visible = self._legend.visible = False
        self._source.data = {name: [] for name in _COLUMNS}
        self._frame.data = {"row": []}
        self._say(words)

    def _say(self, words: str) -> None:
        self._note.text = words
        self._session.summaries.describe(self.name, words)

    def _tapped(self, event: Tap) -> None:
        numbers = list(columns_of(self._source)["number"])
        if event.y is not None and 0 <= round(event.y) < len(numbers):
            self._session.select_head(int(numbers[round(event.y)]))

    def _on_theme(self) -> None:
        ink = self._session.reader.theme.ink
        self._says.glyph.fill_color = ink
        self._legend.text = swatches([_SAYS, _TOTAL], [ink, BRUSHED])
