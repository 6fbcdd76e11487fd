"""B3: the prediction with and without the pruned part (the paper's Fig. 1 B3)."""

import numpy as np
from bokeh.core.property.descriptors import UnsetValueError
from bokeh.layouts import column
from bokeh.models import (
    CDSView,
    ColumnDataSource,
    HoverTool,
    IndexFilter,
    Paragraph,
    Range1d,
)
from bokeh.plotting import figure

from headbrush.analysis.model.pruning.modes import MODES
from headbrush.server.session.palette import NEUTRAL
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.model.mean_pruning import MeanPruned, label_words
from headbrush.server.tools.bokeh.bokeh_types import columns_of, number_range
from headbrush.server.views.common.figure_tools import make_figure
from headbrush.server.views.common.legend import make_legend, swatches
from headbrush.server.views.importance.pruning_answer import PruningAnswer, mode_labels

_FADED = 0.2
_ROW, _MOST = 19, 99
"""Pixels that a row of a name and two bars needs; rows where the height is not known."""
_ABOVE = -0.25
"""Room above the first name, in rows."""
_TOP = 5
_CHARACTER = 6.6
"""Width in pixels of a character of a class name, rather more than less."""
_NUMBERS = 120
"""Pixels that the two numbers of a row take."""
_COLUMNS = (
    "row", "mark", "name", "shown", "numbers", "before", "after", "above", "below", "percent",
    "percent_after",
)  # fmt: skip


class Prediction:
    """The most probable classes, a pair of bars each: unpruned and pruned."""

    name = "prediction"
    title = "How does the prediction change?"
    help = (
        "The five most probable classes of the unpruned and of the pruned model, and the true "
        "class of the selected image, marked; without one, the mean prediction over the brushed "
        "images (all if none), and how many of these predictions change. Grey is the unpruned "
        "model, dark the model with the chosen part of the head pruned."
    )

    def __init__(self, session: Session, pruning: PruningAnswer) -> None:
        self._session = session
        self._source = ColumnDataSource({name: [] for name in _COLUMNS}, name="prediction_bars")
        self._note = Paragraph(
            text="",
            name="prediction_note",
            sizing_mode="stretch_width",
            styles={"margin": "4px 6px 0"},
        )
        self._legend = make_legend("prediction_legend")
        self._plot = self._figure()
        self.layout = column(
            self._note, self._legend, self._plot, sizing_mode="stretch_both", name=self.name
        )
        self._pruning = pruning
        session.reader.follow_theme(self._on_theme)
        session.history.on_change(["mode"], self.react)
        pruning.follow(self._show)
        self._plot.on_change("inner_width", lambda _attr, _old, _new: self._fit_names())
        self._plot.on_change("inner_height", lambda _attr, _old, _new: self._fit_rows())

    def _figure(self) -> figure:
        plot = make_figure(
            "prediction_plot",
            x_range=Range1d(start=0, end=1),
            y_range=Range1d(start=_TOP, end=_ABOVE),
        )
        plot.toolbar_location = plot.toolbar.active_scroll = None
        self._seen = IndexFilter(indices=[])
        seen = CDSView(filter=self._seen)
        rows = plot.hbar(
            "row", left=0, right=1, height=1, source=self._source, fill_alpha=0, line_alpha=0
        )
        self._bars = [
            plot.hbar(
                edge, left=0, right=part, height=0.2, source=self._source, fill_color=colour,
                line_color=None, view=seen,
            )
            for edge, part, colour in (("above", "before", NEUTRAL), ("below", "after", None))
        ]  # fmt: skip
        style = {"source": self._source, "text_font_size": "11px", "y_offset": -2, "view": seen}
        self._words = [
            plot.text(0, "row", text="shown", x_offset=2, **style),
            plot.text(1, "row", text="numbers", text_align="right", **style),
        ]
        tips = [("class", "@name"), ("unpruned", "@percent"), ("pruned", "@percent_after")]
        plot.add_tools(HoverTool(renderers=[rows], tooltips=tips))
        plot.axis.visible = plot.grid.visible = False
        return plot

    def _on_theme(self) -> None:
        ink = self._session.reader.theme.ink
        self._bars[1].glyph.fill_color = ink
        for words in self._words:
            words.glyph.text_color = ink
        self._draw_legend()

    def _draw_legend(self) -> None:
        pruned = mode_labels(self._session.data.store)[self._session.state.mode]
        self._legend.text = swatches(
            ["unpruned", pruned], [NEUTRAL, self._session.reader.theme.ink]
        )

    def react(self, _state: ViewState) -> None:
        """Show the chosen mode."""
        self._show()

    def _show(self) -> None:
        self._pruning.show(self._draw, self._wait, self._explain)

    def _draw(self) -> None:
        state, result = self._session.state, self._pruning.result
        if result is None:
            return
        if not result.probability.shape[1]:
            self._explain("This model has no classifier, so it predicts no class.")
            return
        before, after = result.probability[0], result.probability[state.mode]
        if isinstance(result, MeanPruned):
            self._draw_rows(before, after, most_probable(before, after))
            self._say(self._mean_sentence(result))
        elif state.image is not None:
            label = int(self._session.data.labels[state.image])
            self._draw_rows(before, after, most_probable(before, after, label), label)
            self._say(self._sentence(before, after))

    def _draw_rows(
        self, before: np.ndarray, after: np.ndarray, classes: list[int], label: int = -1
    ) -> None:
        """A pair of bars for each class; ``label`` is marked."""
        row = np.arange(len(classes)) + 0.5
        names = [self._session.data.class_name(index) for index in classes]
        numbers = [f"{_percent(before[i])} → {_percent(after[i])}" for i in classes]
        truth = "true" if self._has_label() else "predicted"
        self._source.data = {
            "row": row,
            "mark": [f"{truth}: " if index == label else "" for index in classes],
            "above": row + 0.12,
            "below": row + 0.33,
            "name": names,
            "shown": names,
            "numbers": numbers,
            "before": before[classes],
            "after": after[classes],
            "percent": [_percent(before[index], 4) for index in classes],
            "percent_after": [_percent(after[index], 4) for index in classes],
        }
        self._fit_names()
        self._fit_rows()
        self._fade(1.0)
        self._plot.visible = self._legend.visible = True
        self._draw_legend()

    def _say(self, sentence: str) -> None:
        """Write the note, and describe the bars."""
        self._note.text = sentence
        rows = columns_of(self._source)
        changes = [f"{one} {pair}" for one, pair in zip(rows["name"], rows["numbers"], strict=True)]
        pairs = f"Unpruned → pruned ({MODES[self._session.state.mode]}): {'; '.join(changes)}."
        self._session.summaries.describe(self.name, f"{sentence.removesuffix('.')}. {pairs}")

    def _fit_rows(self) -> None:
        """Show as many classes as can be read, the most probable first."""
        try:
            room = int(self._plot.inner_height / _ROW)
        except UnsetValueError:
            room = _MOST
        count = len(columns_of(self._source)["name"])
        shown = max(min(count, room), _TOP)
        self._seen.indices = list(range(min(count, shown)))
        number_range(self._plot.y_range).start = shown

    def _fit_names(self) -> None:
        """Shorten the class names to the width of the plot."""
        rows = columns_of(self._source)
        names = rows["name"]
        try:
            room = int((self._plot.inner_width - _NUMBERS) / _CHARACTER)
        except UnsetValueError:
            room = 20
        if len(names):
            wholes = [mark + name for mark, name in zip(rows["mark"], names, strict=True)]
            shown = [whole if len(whole) <= room else whole[: room - 1] + "…" for whole in wholes]
            rows["shown"] = shown

    def _sentence(self, before: np.ndarray, after: np.ndarray) -> str:
        data = self._session.data
        if self._pruning.fault:
            return f"{self._pruning.fault} Only the true class's pruned probability is stored."
        first, second = data.class_name(int(before.argmax())), data.class_name(int(after.argmax()))
        said = f"still {first}" if before.argmax() == after.argmax() else f"{first} → {second}"
        unknown = "" if self._has_label() else " (no label: using the predicted class)"
        return f"when pruned: {said}{unknown}"

    def _mean_sentence(self, mean: MeanPruned) -> str:
        """How often the prediction changes, and what becomes of the true class."""
        data, mode, pruning = self._session.data, self._session.state.mode, self._pruning
        label = label_words(data, pruning.images)
        was, becomes = (_percent(mean.label_probability[at]) for at in (0, mode))
        if pruning.fault:
            known = "pruning the whole head" if np.isnan(mean.label_probability[mode]) else label
            stored = f" ({was} → {becomes})" if known == label else ""
            return f"{pruning.fault} Only {known}{stored} is stored, {pruning.words_of(mean)}."
        return (
            f"{_percent(mean.changed[mode])} of the predictions change; {label}: {was} → "
            f"{becomes}; {pruning.words_of(mean)}"
        )

    def _has_label(self) -> bool:
        image = self._session.state.image
        return image is not None and bool(self._session.data.store.read("label")[image] >= 0)

    def _wait(self, words: str) -> None:
        self._fade(_FADED)
        self._note.text = words

    def _fade(self, alpha: float) -> None:
        for bars in self._bars:
            bars.glyph.fill_alpha = alpha
        for words in self._words:
            words.glyph.text_alpha = alpha

    def _explain(self, sentence: str) -> None:
        self._plot.visible = self._legend.visible = False
        self._note.text = sentence
        self._session.summaries.describe(self.name, sentence)


def most_probable(before: np.ndarray, after: np.ndarray, label: int | None = None) -> list[int]:
    """The five top classes of both, as far as known, and the label, ordered by ``before``."""
    wanted = set() if label is None else {label}
    for distribution in (d for d in (before, after) if np.isfinite(d).all()):
        wanted.update(np.argsort(-distribution, kind="stable")[:_TOP].tolist())
    return sorted(wanted, key=lambda index: -before[index])


def _percent(probability: float, digits: int = 1) -> str:
    return "?" if np.isnan(probability) else f"{100 * probability:.{digits}f} %"
