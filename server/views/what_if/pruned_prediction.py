"""B3 under a prune set: the selected image's prediction, or the mean over the brushed ones."""

import numpy as np
from bokeh.layouts import column
from bokeh.models import Paragraph

from headbrush.server.session.session import Session
from headbrush.server.views.common.prediction_bars import FADED, PredictionBars, most_probable
from headbrush.server.views.what_if.set_answer import SetAnswer


class PrunedPrediction:
    """The most probable classes, a pair of bars each: unpruned, and without the set."""

    name = "pruned_prediction"
    title = "How does the prediction change?"
    help = (
        "The five most probable classes of the unpruned model and of the model without the heads "
        "of the prune set, for the selected image, whose true class is marked; without one, the "
        "mean prediction over the brushed images (all if none) as far as they are answered. Grey "
        "is the unpruned model, dark the pruned one."
    )

    def __init__(self, session: Session, answer: SetAnswer) -> None:
        self._session, self._answer = session, answer
        self._note = Paragraph(
            text="", name="pruned_prediction_note", sizing_mode="stretch_width",
            styles={"margin": "4px 6px 0"},
        )  # fmt: skip
        self._bars = PredictionBars(session, self.name)
        self._bars.call("without the prune set")
        self.layout = column(
            self._note, *self._bars.parts, sizing_mode="stretch_both", name=self.name
        )
        answer.changed.follow(self._draw)

    def _draw(self) -> None:
        state, answer = self._session.state, self._answer
        if answer.why_none:
            self._explain(answer.why_none)
        elif state.image is None:
            self._draw_mean()
        elif answer.of_image is not None:
            self._draw_image(state.image, answer.of_image)
        elif answer.fault:
            self._explain(answer.fault)
        else:
            self._wait()

    def _draw_image(self, image: int, after: np.ndarray) -> None:
        data = self._session.data
        before, label = data.probability[image], int(data.labels[image])
        first, second = data.class_name(int(before.argmax())), data.class_name(int(after.argmax()))
        is_same = before.argmax() == after.argmax()
        said = f"{data.names[image]}: " + (f"still {first}" if is_same else f"{first} → {second}")
        mark = "true: " if data.is_labelled[image] else "predicted: "
        self._bars.draw(before, after, most_probable(before, after, label), mark, label)
        self._say(said)

    def _draw_mean(self) -> None:
        pruned = self._session.state.pruned
        effect = self._answer.effect(pruned)
        if effect is None:
            fault = self._answer.fault_of(pruned)
            if fault:
                self._explain(fault)
            else:
                self._wait()
            return
        before, after = effect.before, effect.after
        self._bars.draw(before, after, most_probable(before, after), "", -1)
        self._say(f"mean prediction, {self._answer.count_words(pruned)}")

    def _say(self, sentence: str) -> None:
        self._note.text = sentence
        told = f"{sentence}. Unpruned → pruned: {self._bars.words}."
        self._session.summaries.describe(self.name, told)

    def _wait(self) -> None:
        self._bars.fade(FADED)
        self._note.text = self._answer.waits_for or "asking the model …"

    def _explain(self, sentence: str) -> None:
        self._bars.show(False)
        self._note.text = sentence
        self._session.summaries.describe(self.name, sentence)
