"""A worker thread with a queue, which never keeps the process from exiting."""

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_Job = Callable[[], None]


class ThreadQueue:
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

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Work on ``work(*args, **kwargs)`` when what was asked before is done."""
        future: Future[T] = Future()
        self._jobs.put(partial(settle, future, partial(work, *args, **kwargs)))
        with self._lock:
            if not self._started:
                self._started = True
                threading.Thread(
                    target=_work, args=(self._jobs,), name=self._name, daemon=True
                ).start()
        return future


def _work(jobs: "SimpleQueue[_Job | None]") -> None:
    while (job := jobs.get()) is not None:
        job()
        del job  # keeps what it was given


def settle(future: "Future[T]", work: Callable[[], T]) -> None:
    """Give ``future`` what ``work()`` returns or raises, unless it was cancelled."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
