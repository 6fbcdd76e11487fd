"""Answers that take a while: computed in threads of their own, the last ones are kept."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

import numpy as np

from headbrush.server.tools.byte_lru import ByteLRU
from headbrush.server.tools.threads.thread_queue import ThreadQueue

P = ParamSpec("P")
T = TypeVar("T")
_OVERHEAD = 1000


class KeptAnswers:
    """Answers one question of each kind after the other; the same question is answered once.

    Parameters
    ----------
    name
        Begins the names of the threads, one for each kind.
    budget
        Bytes that the kept answers may take.
    """

    def __init__(self, name: str, budget: int) -> None:
        self._kept: ByteLRU = ByteLRU(budget)
        self._name = name
        self._workers: dict[str, ThreadQueue] = {}

    def ask(
        self, kind: str, key: Hashable, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> "Future[T]":
        """What ``work(*args, **kwargs)`` returns, arrays in a dataclass; known by kind and key.

        The future can be cancelled while it waits; what is known is there at once.
        """
        known = self._kept.get((kind, key))
        if known is not None:
            future: Future[T] = Future()
            future.set_result(known)
            return future

        def answer() -> T:
            found = self._kept.get((kind, key))
            if found is None:
                found = work(*args, **kwargs)
                self._kept.put((kind, key), found, _OVERHEAD + _size(found))
            return found

        return self._worker(kind).submit(answer)

    def wait(self) -> None:
        """Wait until all questions have been answered."""
        for worker in tuple(self._workers.values()):
            worker.submit(int).result()

    def _worker(self, kind: str) -> ThreadQueue:
        return self._workers.setdefault(kind, ThreadQueue(f"{self._name}-{kind}"))


def _size(answer: object) -> int:
    if isinstance(answer, np.ndarray):
        return answer.nbytes
    return sum(map(_size, vars(answer).values())) if hasattr(answer, "__dict__") else 0
