"""Stored attention matrices, read in a background thread."""

from concurrent.futures import Future

import numpy as np

from headbrush.analysis.store.store import Store
from headbrush.server.tools.byte_lru import ByteLRU
from headbrush.server.tools.thread_queue import ThreadQueue

_KEPT_BYTES = 64 << 20


class StoredMatrices:
    """Reads one matrix at a time in a thread of the store's own, and keeps the last ones.

    A disk that answers slowly, or never, thus keeps only those waiting who look at its store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept = ByteLRU(_KEPT_BYTES)
        self._worker = ThreadQueue("headbrush-read")

    def ask(self, image: int, layer: int, head: int) -> "Future[np.ndarray | None]":
        """Ask for ``(T, T)`` float32, None if the store does not keep it.

        The future may hold a ``StoreError``.
        """
        known = self._kept.get((image, layer, head))
        if known is None:
            return self._worker.submit(self._read, image, layer, head)
        done: Future[np.ndarray | None] = Future()
        done.set_result(known)
        return done

    def wait(self) -> None:
        """Wait until all requested matrices have been read."""
        self._worker.submit(int).result()

    def _read(self, *key: int) -> np.ndarray | None:
        matrix = self._store.attention(*key)
        if matrix is not None:
            self._kept.put(key, matrix, matrix.nbytes)
        return matrix
