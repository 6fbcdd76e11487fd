"""What pruning one more head changes under the prune set: one image, or a mean that grows."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.session.turn import Turn
from headbrush.server.stores.model.live_model import live_model, waiting_words
from headbrush.server.stores.model.pool import Rank
from headbrush.server.stores.model.set_effects import MOST_GIVEN, RunningGiven, running_given
from headbrush.server.stores.redact_paths import said_of
from headbrush.server.tools.pending_answer import PendingAnswer
from headbrush.server.views.what_if.set_answer import SetAnswer

_REDRAW_S = 0.5
"""A mean that grows is shown so often."""


@dataclass(frozen=True)
class Given:
    """Importance of every head, before and under a prune set, over the same images.

    Attributes
    ----------
    before, given
        ``(metric, L·H)``, the pruning metrics; NaN where the store or the model has none.
    of
        The images, in words.
    """

    before: np.ndarray
    given: np.ndarray
    of: str


class GivenQuestion:
    """Asks about the selected image, or about the brushed ones, one at a time.

    Attributes
    ----------
    result
        None while nothing is known.
    fault
        Why nothing is known.
    waits_for
        Words on what the model does.
    """

    def __init__(self, session: Session, answer: SetAnswer, changed: Callable[[], None]) -> None:
        self._session, self._answer, self._changed = session, answer, changed
        self._question = PendingAnswer(session.document)
        self._running: RunningGiven | None = None
        self._shown_at = -np.inf
        self._waits_for_turn = False
        self.result: Given | None = None
        self.fault = self.waits_for = ""
        answer.changed.connect(self._begin)
        Turn(session.history, self._question.drop, self._resume)

    def ask(self, state: ViewState) -> None:
        """Ask anew; an answer to an older question is dropped."""
        self._question.drop()
        self._running, self.result, self.fault, self.waits_for = None, None, "", ""
        self._waits_for_turn = False
        data, brushed = self._session.data, self._session.brush("heads").images
        if state.image is None and not brushed.any():
            self.fault = "No image is brushed."
        elif not state.pruned:
            self._take_stored(state, brushed)
        elif state.image is not None:
            future = live_model(data.store).importance(state.image, state.pruned)
            self._question.ask(future, self._take_image, self._wait)
        else:
            self._running = running_given(data, state.pruned, brushed)
            self._shown_at, self._waits_for_turn = -np.inf, True
            self._begin()
        self._changed()

    def _resume(self) -> None:
        if self._question.is_open or self._waits_for_turn:
            return
        if self._running is not None:
            self._go_on(self._running)
        elif self.result is None and not self.fault:
            self.ask(self._session.state)

    def _begin(self) -> None:
        """Ask about the mean once the predictions are known: they are read first."""
        if self._waits_for_turn and self._running is not None and self._answer.is_done:
            self._waits_for_turn = False
            self._go_on(self._running)

    def _take_stored(self, state: ViewState, brushed: np.ndarray) -> None:
        """Without a set, what is given is what the store holds."""
        images = np.flatnonzero(brushed) if state.image is None else np.array([state.image])
        before = self._stored(images)
        self.result = Given(before, before, self._words(len(images), len(images), state.image))

    def _take_image(self, found: np.ndarray | None, fault: str) -> None:
        image = self._session.state.image
        self.fault = said_of(fault, self._session.data.store)
        if found is not None and image is not None:
            before = self._stored(np.array([image]))
            self.result = Given(before, _flat(found), self._words(1, 1, image))
        self._changed()

    def _go_on(self, running: RunningGiven) -> None:
        model, pruned = live_model(self._session.data.store), self._session.state.pruned
        while images := running.next_images:
            future = model.importance(images[0], pruned, Rank.LAST)
            take = self._taken_by(running, images)
            if not future.done():
                self._show(running)
                self._question.ask(future, self._then(take, running), self._wait)
                return
            self._question.ask(future, take, self._wait)
        self._shown_at = -np.inf
        self._show(running)

    def _taken_by(
        self, running: RunningGiven, images: list[int]
    ) -> Callable[[np.ndarray | None, str], None]:
        def take(found: np.ndarray | None, fault: str) -> None:
            if found is None:
                running.skip(images, fault)
            else:
                running.add(images, found)

        return take

    def _then(
        self, take: Callable[[np.ndarray | None, str], None], running: RunningGiven
    ) -> Callable[[np.ndarray | None, str], None]:
        def deliver(found: np.ndarray | None, fault: str) -> None:
            take(found, fault)
            self._go_on(running)

        return deliver

    def _show(self, running: RunningGiven) -> None:
        """Tell of the mean, not more often than is read."""
        now, mean = time.monotonic(), running.mean
        if now - self._shown_at < _REDRAW_S:
            return
        self._shown_at = now
        if mean is not None:
            count = len(running.images)
            of = self._words(count, running.total, None, bool(running.next_images))
            self.result = Given(self._stored(np.array(running.images)), _flat(mean), of)
        elif not running.next_images:
            self.fault = said_of(running.fault, self._session.data.store)
        self._changed()

    def _wait(self) -> None:
        self.waits_for = waiting_words()
        if self.result is None:
            self._changed()

    def _stored(self, images: np.ndarray) -> np.ndarray:
        """``(metric, L·H)`` means of what the store holds."""
        data = self._session.data
        found = [data.importance(metric)[images].mean(0, dtype=float) for metric in PRUNING_METRICS]
        return np.stack(found)

    def _words(self, count: int, total: int, image: int | None, goes_on: bool = False) -> str:
        if image is not None:
            return self._session.data.names[image]
        if count == total:
            return f"mean of {grouped(total)} images" if total > 1 else "one image"
        so_far = " so far" if goes_on else f", at most {MOST_GIVEN} are asked about"
        return f"mean of {count} of {grouped(total)} images{so_far}"


def _flat(metrics: np.ndarray) -> np.ndarray:
    return metrics.reshape(len(metrics), -1)
