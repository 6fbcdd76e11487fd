"""A worker thread with a queue, which never keeps the process from exiting."""

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

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
        settle(*job)
        del job  # keeps what it was given


def settle(future: "Future[Any]", work: Callable[..., Any], given: tuple[Any, ...]) -> None:
    """Give ``future`` what ``work(*given)`` returns or raises, unless it was cancelled."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work(*given)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
