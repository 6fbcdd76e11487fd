"""A thread that works on one thing after another, and never keeps the process from ending."""

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from analysis.errors import InputError

_Job = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...]]


class Worker:
    """Answers in the order of the questions; a future that still waits can be cancelled.

    Unlike an executor's, its thread may hang, at a disk that does not answer, and the process ends
    all the same.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._started = False
        self._lock = threading.Lock()
        weakref.finalize(self, self._jobs.put, None)

    def submit(self, work: Callable[..., Any], *given: Any) -> "Future[Any]":
        """Work on ``work(*given)`` when what was asked before is done."""
        future: Future[Any] = Future()
        self._jobs.put((future, work, given))
        with self._lock:
            if not self._started:
                self._started = True
                threading.Thread(
                    target=_work, args=(self._jobs,), name=self._name, daemon=True
                ).start()
        return future


def _work(jobs: "SimpleQueue[_Job | None]") -> None:
    while (job := jobs.get()) is not None:
        _do(*job)
        del job  # keeps what it was given


def _do(future: "Future[Any]", work: Callable[..., Any], given: tuple[Any, ...]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work(*given)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


class LiveError(InputError):
    """Why the model cannot answer here, and what would help."""


class BusyError(InputError):
    """Too many questions wait."""


class Pool:
    """One worker for all pages of a process, with a bounded queue.

    Parameters
    ----------
    most
        Questions that may wait; a further one fails at once with :class:`BusyError`.
    """

    def __init__(self, name: str, most: int = 256) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._worker = Worker(name)
        self.waiting = 0

    def submit(self, work: Callable[[Callable[[], bool]], Any]) -> "Future[Any]":
        """Work on ``work(is_wanted)`` when what was asked before is done.

        The future can be cancelled also when its work has begun; ``is_wanted`` then is false as
        soon as another question waits.
        """
        future: Future[Any] = Future()
        with self._lock:
            if self.waiting >= self._most:
                future.set_exception(
                    BusyError(
                        f"The model is busy: {self.waiting} questions of other pages wait already. "
                        "Select anew in a moment."
                    )
                )
                return future
            self.waiting += 1
        future.add_done_callback(self._count)
        self._worker.submit(self._work, future, work)
        return future

    def _work(self, future: "Future[Any]", work: Callable[[Callable[[], bool]], Any]) -> None:
        if future.cancelled():
            return
        answer: Future[Any] = Future()
        _do(answer, work, (lambda: not (future.cancelled() and self.waiting),))
        with suppress(InvalidStateError):  # it was cancelled meanwhile
            if answer.exception() is None:
                future.set_result(answer.result())
            else:
                future.set_exception(answer.exception())

    def _count(self, _done: "Future[Any]") -> None:
        with self._lock:
            self.waiting -= 1
