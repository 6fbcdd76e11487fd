"""The mean effect of pruning one head over the brushed images, refined as the model answers."""

import time
from collections.abc import Callable

import numpy as np

from headbrush.analysis.model.pruning.modes import MODES, PrunedHead
from headbrush.server.session.session import Session
from headbrush.server.stores.heads import Head
from headbrush.server.stores.model.live_model import LiveModel, waiting_words
from headbrush.server.stores.model.mean_pruning import MOST_COMPUTED, MeanPruned, RunningMean
from headbrush.server.stores.model.null_model import NullModel
from headbrush.server.stores.model.pool import Rank
from headbrush.server.tools.pending_answer import PendingAnswer

_REDRAW_S = 0.25
"""A mean that grows is shown so often."""


class MeanQuestion:
    """Asks the model about one image after another, one at a time, so that pages take turns.

    Attributes
    ----------
    waits_for
        Words on what the model does.

    Parameters
    ----------
    model
        Gives the live model, or what stands for it.
    changed
        Called when the mean, or what it waits for, has changed.
    """

    def __init__(
        self,
        session: Session,
        model: Callable[[], LiveModel | NullModel],
        changed: Callable[[], None],
    ) -> None:
        self._session, self._model, self._changed = session, model, changed
        self._question = PendingAnswer(session.document)
        self._running: RunningMean | None = None
        self._head: Head = session.head
        self._shown_at = -np.inf
        self.waits_for = ""

    @property
    def mean(self) -> MeanPruned | None:
        """The mean so far, None if there is none yet."""
        return None if self._running is None else self._running.mean

    @property
    def fault(self) -> str:
        """Why an image, or all of them, gave no answer."""
        return "" if self._running is None else self._running.fault

    @property
    def is_done(self) -> bool:
        """Whether no further answer is waited for."""
        return self._running is None or self._next_of(self._running) is None

    @property
    def is_open(self) -> bool:
        """Whether an answer is waited for."""
        return self._question.is_open

    @property
    def skipped(self) -> int:
        """How many images gave no answer."""
        return 0 if self._running is None else self._running.skipped

    def pause(self) -> None:
        """Ask no further until :meth:`ask` is called again; the mean so far stays."""
        self._question.drop()

    def drop(self) -> None:
        """Ask no further; what has been answered is kept for the next who asks."""
        self.pause()
        self._running = None

    def ask(self, brushed: np.ndarray) -> None:
        """Begin, or go on, with the mean of the selected head over ``(m,)`` bool."""
        self._question.drop()
        data, self._head, self._shown_at = self._session.data, self._session.head, -np.inf
        key = (self._head.number, brushed.tobytes())
        running = data.pruned_means.get(key)
        if running is None or running.skipped:
            running = RunningMean(brushed)
            size = brushed.nbytes + 8 * (MOST_COMPUTED + len(MODES) * data.probability.shape[1])
            data.pruned_means.put(key, running, size)
        self._running, self.waits_for = running, ""
        self._go_on(running)

    def _go_on(self, running: RunningMean) -> None:
        """Ask about the next images; those that are known are taken at once."""
        model = self._model()
        while (image := self._next_of(running)) is not None:
            future = model.partial_pruning(image, self._head.layer, self._head.head, Rank.GROWING)
            if not future.done():
                self._show()
                self._question.ask(future, self._deliver_to(running, image), self._wait)
                return
            self._question.ask(future, self._taken_by(running, image), self._wait)
        self._shown_at = -np.inf
        self._show()

    def _next_of(self, running: RunningMean) -> int | None:
        """The image to ask about; None once there are as many as this session asks about."""
        return running.next_image if running.asked < self._session.most_computed else None

    def _deliver_to(
        self, running: RunningMean, image: int
    ) -> Callable[[PrunedHead | None, str], None]:
        take = self._taken_by(running, image)

        def deliver(result: PrunedHead | None, fault: str) -> None:
            take(result, fault)
            self._go_on(running)

        return deliver

    def _taken_by(
        self, running: RunningMean, image: int
    ) -> Callable[[PrunedHead | None, str], None]:
        label = int(self._session.data.labels[image])

        def take(result: PrunedHead | None, fault: str) -> None:
            if result is None:
                running.skip(image, fault)
            else:
                running.add(image, result, label)

        return take

    def _wait(self) -> None:
        self.waits_for = waiting_words()
        if self.mean is None:
            self._changed()

    def _show(self) -> None:
        """Tell of the mean, not more often than is read."""
        now = time.monotonic()
        if now - self._shown_at >= _REDRAW_S and (self.mean is not None or self.is_done):
            self._shown_at = now
            self._changed()
