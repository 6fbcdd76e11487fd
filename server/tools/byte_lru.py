"""Thread-safe LRU cache bounded in bytes."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any


class Recent:
    """The most recently used results; safe to share between threads.

    Parameters
    ----------
    budget
        Bytes that the results may take together; the last one is kept whatever it takes.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._used = 0
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any:
        """The result of ``key``, None if it is not kept."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def put(self, key: Hashable, result: Any, size: int) -> None:
        """Keep a result of ``size`` bytes, and forget those not used for longest."""
        with self._lock:
            self._used += size - self._kept.pop(key, (None, 0))[1]
            self._kept[key] = (result, size)
            while self._used > self._budget and len(self._kept) > 1:
                self._used -= self._kept.popitem(last=False)[1][1]
