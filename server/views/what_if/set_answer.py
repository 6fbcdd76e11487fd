"""The predictions under the prune set: of the selected image, and of the brushed ones as they come.

The views of the workspace share it. The newest question wins: a changed set drops what was asked.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.prune.summary import PruneEffect
from headbrush.analysis.store.facts.grouped import grouped
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.session.turn import Turn
from headbrush.server.stores.model.live_model import LiveModel, live_model, waiting_words
from headbrush.server.stores.model.null_model import NullModel
from headbrush.server.stores.model.pool import Rank
from headbrush.server.stores.model.set_effects import RunningSet, running_set
from headbrush.server.stores.redact_paths import said_of
from headbrush.server.tools.pending_answer import PendingAnswer
from headbrush.server.tools.signal import Signal

_REDRAW_S = 0.25
"""An effect that grows is shown so often."""


class SetAnswer:
    """Asks the model about the shown prune set, then about the named ones.

    Attributes
    ----------
    changed
        Emitted whenever an effect has grown, is waited for, or is missing.
    of_image
        ``(classes,)`` probabilities of the selected image under the set; None while unknown.
    fault
        Why the selected image has none.
    waits_for
        Words on what the model does, empty if nothing is waited for.
    """

    name = "set_answer"

    def __init__(self, session: Session) -> None:
        self._session = session
        self.changed: Signal[[]] = Signal()
        self.of_image: np.ndarray | None = None
        self.fault = self.waits_for = ""
        self._brushed = np.zeros(0, bool)
        self._running: dict[PruneSet, RunningSet] = {}
        self._shown_at = -np.inf
        self._image_question = PendingAnswer(session.document)
        self._set_question = PendingAnswer(session.document)
        Turn(session.history, self._pause, self._resume)
        session.history.on_change(["pruned", "image", "clauses"], self.react)
        session.reader.follow_sets(lambda: self.react(session.state))

    @property
    def model(self) -> LiveModel | NullModel:
        """The live model, or what stands for it."""
        return live_model(self._session.data.store)

    @property
    def why_none(self) -> str:
        """Why no set has an effect here; empty if it has."""
        if not self._session.data.has_classifier:
            return self._session.data.no_prediction
        return "" if self._brushed.any() else "No image is brushed."

    @property
    def brushed(self) -> np.ndarray:
        """``(m,)`` bool: the images that the effects are about."""
        return self._brushed

    def effect(self, pruned: PruneSet) -> PruneEffect | None:
        """What is known of a set's effect on the brushed images; None while nothing is."""
        running = self._running.get(pruned)
        return running.effect if running is not None and running.effect.count else None

    def fault_of(self, pruned: PruneSet) -> str:
        """Why a set, or some images under it, has no answer."""
        running = self._running.get(pruned)
        return "" if running is None else said_of(running.fault, self._session.data.store)

    def count_words(self, pruned: PruneSet) -> str:
        """Of how many images a set's effect is."""
        running = self._running[pruned]
        count, total = running.effect.count, running.total
        kind = "" if self._brushed.all() else "brushed "
        if count == total:
            return f"all {grouped(total)} {kind}images" if total > 1 else "the only image"
        so_far = " so far" if running.next_images else ""
        missing = f", {running.skipped} gave no answer" if running.skipped else ""
        return f"{count} of {grouped(total)} {kind}images{so_far}{missing}"

    @property
    def is_done(self) -> bool:
        """Whether all that will be known is known."""
        return not any(running.next_images for running in self._running.values())

    def react(self, state: ViewState) -> None:
        """Ask about the new set, image or brush; answers to older questions are dropped."""
        self._image_question.drop()
        self._set_question.drop()
        self.of_image, self.fault, self.waits_for = None, "", ""
        data, brush = self._session.data, self._session.brush("heads")
        self._brushed = brush.images
        wanted = (state.pruned, *(one.pruned for one in self._session.reader.sets))
        self._running = {}
        if not self.why_none:
            self._running = {one: running_set(data, one, self._brushed) for one in wanted}
            self._ask_image(state)
        self._shown_at = -np.inf
        self._go_on()

    def _pause(self) -> None:
        self._image_question.drop()
        self._set_question.drop()

    def _resume(self) -> None:
        if self._running and not self._set_question.is_open:
            if self.of_image is None and not (self.fault or self._image_question.is_open):
                self._ask_image(self._session.state)
            self._go_on()

    def _ask_image(self, state: ViewState) -> None:
        if state.image is None:
            return
        if not state.pruned:
            self.of_image = self._session.data.probability[state.image]
            return
        future = self.model.predictions([state.image], state.pruned, Rank.FIRST)
        self._image_question.ask(future, self._take_image, self._wait)

    def _take_image(self, found: np.ndarray | None, fault: str) -> None:
        self.of_image = None if found is None else found[0]
        self.fault = said_of(fault, self._session.data.store)
        self.changed.emit()

    def _go_on(self) -> None:
        """Ask about the next images of the first set that is not done; take what is known."""
        for pruned, running in self._running.items():
            while images := running.next_images:
                if not pruned:
                    running.add(images, self._session.data.probability[images])
                    continue
                future = self.model.predictions(images, pruned)
                take = self._taken_by(running, images)
                if not future.done():
                    self._show()
                    self._set_question.ask(future, self._then(take), self._wait)
                    return
                self._set_question.ask(future, take, self._wait)
        self.waits_for, self._shown_at = "", -np.inf
        self._show()

    def _taken_by(
        self, running: RunningSet, images: Sequence[int]
    ) -> Callable[[np.ndarray | None, str], None]:
        asked_at = time.monotonic()

        def take(found: np.ndarray | None, fault: str) -> None:
            if found is None:
                running.skip(images, fault)
                return
            running.add(images, found)
            running.pace(time.monotonic() - asked_at)

        return take

    def _then(
        self, take: Callable[[np.ndarray | None, str], None]
    ) -> Callable[[np.ndarray | None, str], None]:
        def deliver(found: np.ndarray | None, fault: str) -> None:
            take(found, fault)
            self._go_on()

        return deliver

    def _wait(self) -> None:
        self.waits_for = waiting_words()
        self.changed.emit()

    def _show(self) -> None:
        """Tell of the effect, the first at once, further ones not more often than is read."""
        now, is_known = time.monotonic(), self.effect(self._session.state.pruned) is not None
        if now - self._shown_at >= _REDRAW_S:
            self._shown_at = now if is_known else -np.inf
            self.changed.emit()
