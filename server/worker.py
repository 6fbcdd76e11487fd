"""A thread that works on one thing after another, and never keeps the process from ending."""

import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
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


class BusyError(InputError):
    """Too many questions wait."""


class Pool:
    """One worker for all pages of a process; its queue is bounded, and a hanging thread is left.

    Parameters
    ----------
    most
        Questions that may wait; a further one fails at once with :class:`BusyError`.
    patience
        Seconds after which a thread that still works on one question is taken for hanging.
    """

    def __init__(self, name: str, most: int = 256, patience: float = 120) -> None:
        self._name, self._most, self._patience = name, most, patience
        self._lock = threading.Lock()
        self._worker = Worker(name)
        self._begun: float | None = None
        self.waiting = 0

    def submit(self, work: Callable[[], Any]) -> "Future[Any]":
        """Work on ``work()`` when what was asked before is done."""
        with self._lock:
            if self.waiting >= self._most:
                refused: Future[Any] = Future()
                refused.set_exception(
                    BusyError(
                        f"The model is busy: {self.waiting} questions of other pages wait already. "
                        "Select anew in a moment."
                    )
                )
                return refused
            self.waiting += 1
            if self._begun is not None and time.monotonic() - self._begun > self._patience:
                self._worker, self._begun = Worker(self._name), None
            future = self._worker.submit(self._work, self._worker, work)
        future.add_done_callback(self._count)
        return future

    def _work(self, worker: Worker, work: Callable[[], Any]) -> Any:
        self._begin(worker, time.monotonic())
        try:
            return work()
        finally:
            self._begin(worker, None)

    def _begin(self, worker: Worker, now: float | None) -> None:
        with self._lock:
            if worker is self._worker:
                self._begun = now

    def _count(self, _done: "Future[Any]") -> None:
        with self._lock:
            self.waiting -= 1
