"""The bounded queue of questions to the models of a process."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from typing import TypeVar

from headbrush.server.stores.model.errors import BusyError
from headbrush.server.tools.threads.thread_queue import ThreadQueue, settle

T = TypeVar("T")


class Pool:
    """One worker for all pages of a process, with a bounded queue.

    Attributes
    ----------
    waiting
        Questions that wait, with the one that is worked on.
    urgent
        Those of them that a reader waits for.

    Parameters
    ----------
    most
        Questions that may wait; a further one fails at once with :class:`BusyError`.
    """

    def __init__(self, name: str, most: int = 256) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._worker = ThreadQueue(name)
        self._queues: dict[bool, deque[Callable[[], None]]] = {True: deque(), False: deque()}
        self.waiting = self.urgent = 0

    def submit(
        self, work: Callable[[Callable[[], bool]], T], is_urgent: bool = True
    ) -> "Future[T]":
        """Work on ``work(is_wanted)`` when what was asked before is done.

        What is not urgent waits until nothing urgent does. The future can be cancelled also when
        its work has begun; ``is_wanted`` then is false as soon as another question waits.
        """
        future: Future[T] = Future()
        with self._lock:
            if self.waiting >= self._most:
                future.set_exception(
                    BusyError(
                        f"The model is busy: {self.waiting} questions of other pages are already "
                        "waiting. Select it again in a moment."
                    )
                )
                return future
            self.waiting += 1
            self.urgent += is_urgent
            self._queues[is_urgent].append(partial(self._work, future, work))
        future.add_done_callback(partial(self._count, is_urgent))
        self._worker.submit(self._work_on_next)
        return future

    def _work_on_next(self) -> None:
        with self._lock:
            work = (self._queues[True] or self._queues[False]).popleft()
        work()

    def _work(self, future: "Future[T]", work: Callable[[Callable[[], bool]], T]) -> None:
        if future.cancelled():
            return
        answer: Future[T] = Future()
        settle(answer, partial(work, lambda: not (future.cancelled() and self.waiting)))
        with suppress(InvalidStateError):  # it was cancelled meanwhile
            error = answer.exception()
            if error is None:
                future.set_result(answer.result())
            else:
                future.set_exception(error)

    def _count(self, was_urgent: bool, _done: Future) -> None:
        with self._lock:
            self.waiting -= 1
            self.urgent -= was_urgent
