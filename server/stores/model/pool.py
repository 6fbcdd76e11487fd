"""The bounded queue of questions to the models of a process."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import TypeVar

from headbrush.server.stores.model.errors import BusyError
from headbrush.server.tools.threads.thread_queue import ThreadQueue, settle

T = TypeVar("T")
_BETWEEN_S = 0.05
"""A page that got an answer asks for the next within so long; what is read last waits for it."""


class Rank(IntEnum):
    """Which questions are answered first; those of one rank in the order in which they come."""

    FIRST = 0
    """A reader waits for it."""
    GROWING = 1
    """A figure that is read grows by it, as by one after the other."""
    LAST = 2
    """It is read when what grows is known."""


@dataclass(frozen=True)
class Job:
    """What a question's work is told of the questions that wait.

    Attributes
    ----------
    is_wanted
        Whether to go on; false once nobody waits for the answer, and others wait for theirs.
    give_way
        Answers what waits and is of a better rank; called between two parts of long work.
    """

    is_wanted: Callable[[], bool]
    give_way: Callable[[], None]


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
        self._asked = threading.Condition(self._lock)
        self._worker = ThreadQueue(name)
        self._queues: dict[Rank, deque[Callable[[], None]]] = {rank: deque() for rank in Rank}
        self._answered_at = -_BETWEEN_S
        self.waiting = self.urgent = 0

    def submit(self, work: Callable[[Job], T], rank: Rank = Rank.FIRST) -> "Future[T]":
        """Work on ``work(job)`` when what was asked before is done.

        The future can be cancelled also when its work has begun; ``job.is_wanted`` then is false
        as soon as another question waits.
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
            self.urgent += rank is Rank.FIRST
            self._queues[rank].append(partial(self._work, future, work, rank))
            self._asked.notify()
        future.add_done_callback(partial(self._count, rank))
        self._worker.submit(self._work_on_next)
        return future

    def _work_on_next(self) -> None:
        with self._lock:
            rank = next((one for one, queue in self._queues.items() if queue), None)
        if rank is not None:  # else another gave way to what it was submitted for
            self._give_way(rank)
            self._take_from([rank])

    def _give_way(self, rank: Rank) -> None:
        """Answer what is of a better rank; what is read last waits for what may follow."""
        better = [one for one in Rank if one < rank]
        while self._take_from(better, waits=rank is Rank.LAST):
            pass

    def _take_from(self, ranks: Sequence[Rank], waits: bool = False) -> bool:
        """Work on one question of these ranks; whether there was one."""
        queues = [self._queues[rank] for rank in ranks]
        with self._asked:
            if waits:
                soon = self._answered_at + _BETWEEN_S - time.monotonic()
                self._asked.wait_for(lambda: any(queues), max(soon, 0))
            queue = next(filter(None, queues), None)
            work = None if queue is None else queue.popleft()
        if work is not None:
            work()
        return work is not None

    def _work(self, future: "Future[T]", work: Callable[[Job], T], rank: Rank) -> None:
        if future.cancelled():
            return
        answer: Future[T] = Future()
        job = Job(lambda: not (future.cancelled() and self.waiting), partial(self._give_way, rank))
        settle(answer, partial(work, job))
        if rank is not Rank.LAST:
            self._answered_at = time.monotonic()
        with suppress(InvalidStateError):  # it was cancelled meanwhile
            error = answer.exception()
            if error is None:
                future.set_result(answer.result())
            else:
                future.set_exception(error)

    def _count(self, rank: Rank, _done: Future) -> None:
        with self._lock:
            self.waiting -= 1
            self.urgent -= rank is Rank.FIRST
