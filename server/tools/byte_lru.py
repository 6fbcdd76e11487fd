"""Thread-safe LRU cache bounded in bytes."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class ByteLRU(Generic[T]):
    """The most recently used results.

    Parameters
    ----------
    budget
        Bytes that the results may take together; the last one is kept whatever it takes.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._used = 0
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> T | None:
        """The result of ``key``, None if it is not kept."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def put(self, key: Hashable, result: T, size: int) -> None:
        """Store a result of ``size`` bytes, and drop the least recently used ones."""
        with self._lock:
            if key in self._kept:
                self._used -= self._kept.pop(key)[1]
            self._used += size
            self._kept[key] = (result, size)
            while self._used > self._budget and len(self._kept) > 1:
                self._used -= self._kept.popitem(last=False)[1][1]
