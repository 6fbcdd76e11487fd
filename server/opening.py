"""Opens stores beside the page's thread, each once a process."""

import threading
from collections import OrderedDict
from concurrent.futures import Future
from pathlib import Path
from weakref import WeakValueDictionary

from analysis.store import Store, stamp_of

from .card import Card, card_of
from .data import StoreData
from .reading import Reader
from .worker import Worker

_KEPT = 8
"""Stores that stay open although no page shows them."""
_BLOCK = 1 << 20


class Shelf:
    """The stores of a process; what a page shows stays open, and a few beside.

    Every store has a thread of its own, so that one on a slow disk keeps no other waiting. A store
    that was replaced on disk is opened anew for the next page; pages that show the old one keep it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers: dict[Path, Worker] = {}
        self._open: WeakValueDictionary[Path, StoreData] = WeakValueDictionary()
        self._last: OrderedDict[Path, StoreData] = OrderedDict()
        self._cards: dict[Path, tuple[object, Card]] = {}

    def ask(self, path: Path) -> "Future[StoreData]":
        """Ask for a store, all read; the future may hold a :class:`analysis.errors.StoreError`."""
        return self._worker(path).submit(self._opened, path)

    def ask_card(self, path: Path) -> "Future[Card]":
        """Ask for what the list of stores says of one."""
        return self._worker(path).submit(self._card, path)

    def _worker(self, path: Path) -> Worker:
        with self._lock:
            return self._workers.setdefault(path, Worker("headbrush-open"))

    def _opened(self, path: Path) -> StoreData:
        data = self._open.get(path)
        if data is None or data.store.stamp != stamp_of(path):
            _bring_in(path / "summary.nc")
            data = StoreData(Store(path, Reader()))
            data.prepare()
        with self._lock:
            self._open[path] = data
            self._last[path] = data
            self._last.move_to_end(path)
            if len(self._last) > _KEPT:
                self._last.popitem(last=False)
        return data

    def _card(self, path: Path) -> Card:
        stamp = stamp_of(path)
        known = self._cards.get(path)
        if known is None or known[0] != stamp:
            data = self._open.get(path)
            if data is None or data.store.stamp != stamp:
                _bring_in(path / "summary.nc")
                data = StoreData(Store(path, Reader()))
            known = self._cards[path] = stamp, card_of(data)
        return known[1]


def _bring_in(file: Path) -> None:
    """Let the system read a file, so that HDF5, which does one thing at a time, finds it there."""
    try:
        with file.open("rb", buffering=0) as opened:
            while opened.read(_BLOCK):
                pass
    except OSError:
        return  # opening it tells what is wrong


SHELF = Shelf()
