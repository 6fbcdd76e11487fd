"""B3: the prediction with and without the pruned part (the paper's Fig. 1 B3)."""

import numpy as np
from bokeh.layouts import column
from bokeh.models import Paragraph

from headbrush.analysis.model.pruning.modes import MODES
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.model.mean_pruning import MeanPruned, label_words
from headbrush.server.views.common.prediction_bars import (
    FADED,
    PredictionBars,
    most_probable,
    percent,
)
from headbrush.server.views.importance.pruning_answer import PruningAnswer, mode_labels


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
        self._note = Paragraph(
            text="",
            name="prediction_note",
            sizing_mode="stretch_width",
            styles={"margin": "4px 6px 0"},
        )
        self._bars = PredictionBars(session, self.name)
        self.layout = column(
            self._note, *self._bars.parts, sizing_mode="stretch_both", name=self.name
        )
        self._pruning = pruning
        session.history.on_change(["mode"], self.react)
        pruning.follow(self._show)

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
            self._explain(self._session.data.no_prediction)
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
        truth = "true" if self._has_label() else "predicted"
        self._bars.draw(before, after, classes, f"{truth}: ", label)
        self._bars.call(mode_labels(self._session.data.store)[self._session.state.mode])

    def _say(self, sentence: str) -> None:
        """Write the note, and describe the bars."""
        self._note.text = sentence
        pairs = f"Unpruned → pruned ({MODES[self._session.state.mode]}): {self._bars.words}."
        self._session.summaries.describe(self.name, f"{sentence.removesuffix('.')}. {pairs}")

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
        was, becomes = (percent(mean.label_probability[at]) for at in (0, mode))
        if pruning.fault:
            known = "pruning the whole head" if np.isnan(mean.label_probability[mode]) else label
            stored = f" ({was} → {becomes})" if known == label else ""
            return f"{pruning.fault} Only {known}{stored} is stored, {pruning.words_of(mean)}."
        return (
            f"{percent(mean.changed[mode])} of the predictions change; {label}: {was} → "
            f"{becomes}; {pruning.words_of(mean)}"
        )

    def _has_label(self) -> bool:
        image = self._session.state.image
        return image is not None and bool(self._session.data.store.read("label")[image] >= 0)

    def _wait(self, words: str) -> None:
        if not self._session.data.has_classifier:
            self._explain(self._session.data.no_prediction)
            return
        self._bars.fade(FADED)
        self._note.text = words

    def _explain(self, sentence: str) -> None:
        self._bars.show(False)
        self._note.text = sentence
        self._session.summaries.describe(self.name, sentence)
