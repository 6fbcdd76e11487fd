"""The selected head under every pruning mode, in the selected image or on average over the brush.

The live model answers; where it cannot, the store may hold part of the answer. B2 and B3 share it.
"""

from collections.abc import Callable

import numpy as np
from bokeh.events import DocumentReady

from headbrush.analysis.model.pruning.modes import MODES, REGIONS, PrunedHead
from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.store import Store
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.session.turn import Turn
from headbrush.server.stores.model.live_model import LiveModel, live_model, waiting_words
from headbrush.server.stores.model.mean_pruning import MeanPruned, stored_mean
from headbrush.server.stores.model.null_model import NullModel
from headbrush.server.stores.model.stored_pruning import stored_pruning
from headbrush.server.stores.redact_paths import said_of
from headbrush.server.tools.bokeh.bokeh_types import on_event
from headbrush.server.tools.pending_answer import PendingAnswer
from headbrush.server.tools.signal import Signal
from headbrush.server.views.importance.mean_question import MeanQuestion


class PruningAnswer:
    """Asks the model whenever the selection changes, first when the page is shown.

    Attributes
    ----------
    result
        Of the selected image and head, or the mean over the brushed images if no image is
        selected; None while there is none.
    of_store
        What the store holds of the mean over the brushed images; None if an image is selected.
    remark
        The reason for waiting or for having no result; empty before the first question.
    waiting
        The model is at work, and nothing is known yet.
    fault
        Why the model gave no answer, so that ``result`` is what the store holds.
    """

    name = "pruning_answer"

    def __init__(self, session: Session) -> None:
        self.result: PrunedHead | MeanPruned | None = None
        self.of_store: MeanPruned | None = None
        self.remark = self.fault = ""
        self.waiting = False
        self._session = session
        self._brushed = np.zeros(0, bool)
        self._changed: Signal[[]] = Signal()
        self._question = PendingAnswer(session.document)
        self._of_mean = MeanQuestion(session, self._model, self._deliver_mean)
        self._turn = Turn(session.history, self._pause, self._resume)
        session.history.on_change(["image", "layer", "head"], self.react)
        session.history.on_change(["clauses"], self.react_to_brush)
        # loading torch must not slow the first page
        on_event(session.document, DocumentReady, self._start)

    def follow(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` now, and whenever a result comes, is waited for or is missing."""
        self._changed.follow(callback)

    def show(
        self,
        draw: Callable[[], None],
        wait: Callable[[str], None],
        explain: Callable[[str], None],
    ) -> None:
        """Let a view draw the result, or show why it is waiting or has none."""
        if self.result is not None:
            draw()
        elif self.waiting:
            wait(self.remark)
        elif self.remark:
            explain(self.remark)

    @property
    def of_all_modes(self) -> PrunedHead | MeanPruned | None:
        """The result, or in its place a mean that the store has whole, under every mode."""
        of_store = self.of_store
        has_all = of_store is not None and of_store.has_all_modes
        return of_store if has_all else self.result

    @property
    def images(self) -> np.ndarray:
        """Numbers of the brushed images that a mean is over."""
        return np.flatnonzero(self._brushed)

    def words_of(self, mean: MeanPruned) -> str:
        """Of how many images a mean is."""
        total = len(self.images)
        of_brush = "" if self._brushed.all() else "brushed "
        if mean.count == total:
            return f"mean of all {grouped(total)} {of_brush}images" if total > 1 else "one image"
        so_far = "" if self._of_mean.is_done else " so far"
        return f"mean of {mean.count} of {grouped(total)} {of_brush}images{so_far}{self._missing}"

    @property
    def _missing(self) -> str:
        skipped = self._of_mean.skipped
        why = said_of(self._of_mean.fault, self._session.data.store)
        return f"; {skipped} gave no answer ({why})" if skipped else ""

    def react(self, state: ViewState) -> None:
        """Ask for the new selection; an answer for the old one is dropped."""
        self.result, self.of_store, self.remark, self.waiting = None, None, "", False
        self.fault = ""
        self._question.drop()
        self._of_mean.drop()
        if state.image is None:
            self._ask_mean()
            return
        future = self._model().partial_pruning(state.image, state.layer, state.head)
        self._question.ask(future, self._deliver, self._wait)

    def react_to_brush(self, state: ViewState) -> None:
        """Ask for the mean over the images that are brushed now, unless an image is selected."""
        if state.image is None and not np.array_equal(self._brushed, self._now_brushed()):
            self.react(state)

    def _model(self) -> LiveModel | NullModel:
        return live_model(self._session.data.store)

    def _now_brushed(self) -> np.ndarray:
        return self._session.brush("heads").images

    def _start(self, _event: DocumentReady) -> None:
        self._model().warm_up()
        if self._turn.is_on:
            self.react(self._session.state)

    def _pause(self) -> None:
        self._question.drop()
        self._of_mean.pause()

    def _resume(self) -> None:
        is_asked = self._question.is_open or self._of_mean.is_open
        if not is_asked and (self.result is None or not self._of_mean.is_done):
            self.react(self._session.state)

    def _ask_mean(self) -> None:
        self._brushed = self._now_brushed()
        if not self._brushed.any():
            self.remark = "No image is brushed."
            self._changed.emit()
            return
        self.of_store = stored_mean(self._session.data, self._brushed, self._session.head.number)
        self._changed.emit()
        self._of_mean.ask(self._brushed)

    def _deliver_mean(self) -> None:
        question = self._of_mean
        self.result, self.waiting, self.remark = question.mean, False, ""
        if self.result is None and question.is_done:
            self.fault = said_of(question.fault, self._session.data.store)
            self.result = self.of_store
        elif self.result is None:
            self.waiting, self.remark = True, question.waits_for
        self._changed.emit()

    def _wait(self) -> None:
        self.remark, self.waiting = waiting_words(), True
        self._changed.emit()

    def _deliver(self, result: PrunedHead | None, fault: str) -> None:
        data, state = self._session.data, self._session.state
        self.fault = said_of(fault, data.store)
        if result is None and state.image is not None:
            result = stored_pruning(data, state.image, self._session.head.number)
        self.result, self.waiting = result, False
        self.remark = self.fault if result is None else ""
        self._changed.emit()


def mode_labels(store: Store) -> dict[int, str]:
    """Every mode in few characters, ``3 CLS↔patch`` or ``5 = 2 + 3``."""
    only_class = store.num_prefix_tokens == 1 and store.attrs["has_class_token"]
    prefix = "CLS" if only_class else "prefix"
    words = ["none", "all", f"{prefix}→{prefix}", f"{prefix}↔patch", "patch→patch"]
    words += ["= " + " + ".join(map(str, REGIONS[mode])) for mode in list(MODES)[len(words) :]]
    return {mode: f"{mode} {word}" for mode, word in enumerate(words)}
