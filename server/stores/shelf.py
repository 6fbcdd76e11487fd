"""Opens stores in background threads, each once per process."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.facts.news import News, read_news
from headbrush.analysis.store.store import Store, stamp_of
from headbrush.server.stores.attention.reader_process import ProcessReader
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.threads.thread_queue import ThreadQueue

T = TypeVar("T")
_KEPT = 8
"""Stores that stay open although no page shows them."""


class Shelf:
    """The stores of a process; what a page shows stays open, and a few beside.

    Every store has its own thread, so that one on a slow disk keeps no other waiting. A store that
    was replaced on disk is opened again for the next page; pages that show the old one keep it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers: dict[Path, ThreadQueue] = {}
        self._open: WeakValueDictionary[Path, StoreData] = WeakValueDictionary()
        self._last: OrderedDict[Path, StoreData] = OrderedDict()
        self._rest: WeakKeyDictionary[StoreData, Future[None]] = WeakKeyDictionary()
        self._kept: dict[tuple[Path, Callable[[StoreData], object]], tuple[object, Any]] = {}

    def has(self, path: Path) -> bool:
        """Whether there is a store to open, finished or not."""
        return stamp_of(path) is not None

    def ask(self, path: Path) -> "Future[StoreData]":
        """Open a store and read its summary; the future may hold a ``StoreError``."""
        return self._worker(path).submit(self._opened, path)

    def ask_for(self, path: Path, make: "Callable[[StoreData], T]") -> "Future[T]":
        """Ask for ``make(data)``, kept until the store is replaced."""
        return self._worker(path).submit(self._made, path, make)

    def ask_news(self, data: StoreData) -> "Future[News]":
        """Let the data of an unfinished store catch up; what its analysis says last.

        The future may hold a ``StoreError``.
        """
        return self._worker(data.store.path).submit(_caught_up, data)

    def _worker(self, path: Path) -> ThreadQueue:
        with self._lock:
            return self._workers.setdefault(path, ThreadQueue("headbrush-open"))

    def _opened(self, path: Path) -> StoreData:
        data = self._open.get(path)
        if data is not None and data.store.stamp != stamp_of(path):
            data = data if _is_the_same(data) else None
        if data is None:
            data = _opened(path)
            data.prepare()
            if data.is_large:
                self._rest[data] = ThreadQueue("headbrush-rest").submit(data.prepare_rest)
        elif (rest := self._rest.get(data)) is not None and rest.done():
            rest.result()  # what is damaged is said to the next page
        with self._lock:
            self._open[path] = data
            self._last[path] = data
            self._last.move_to_end(path)
            if len(self._last) > _KEPT:
                self._last.popitem(last=False)
        return data

    def _made(self, path: Path, make: "Callable[[StoreData], T]") -> T:
        stamp = stamp_of(path)
        known = self._kept.get((path, make))
        if known is None or known[0] != stamp:
            data = self._open.get(path)
            if data is None or data.store.stamp != stamp:
                data = _opened(path)
            known = self._kept[path, make] = stamp, make(data)
        return known[1]


def _opened(path: Path) -> StoreData:
    return StoreData(Store(path, ProcessReader(), unfinished=True))


def _is_the_same(data: StoreData) -> bool:
    """Whether a store that was replaced is the same one, of which more is finished."""
    with suppress(StoreError):
        return data.catch_up()
    return False


def _caught_up(data: StoreData) -> News:
    data.catch_up()
    return read_news(data.store.path)


SHELF = Shelf()
