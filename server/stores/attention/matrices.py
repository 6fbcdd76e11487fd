"""Stored attention matrices, read in background threads."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from headbrush.analysis.measures.bits.whole import divide_rows, source_rows
from headbrush.analysis.store.facts.head_bits import HeadBits
from headbrush.analysis.store.store import Store
from headbrush.server.tools.byte_lru import ByteLRU
from headbrush.server.tools.threads.thread_queue import ThreadQueue

_KEPT_BYTES = 64 << 20
_ROWS_BYTES = 32 << 20
_MOST_DIVIDED = 200
"""Images of a division at most; so many matrices take a second to read."""


@dataclass(frozen=True)
class BrushBits:
    """What decides where a head looks, with the brushed images against the rest as classes.

    Attributes
    ----------
    bits
        Over the images whose attention is stored; ``by_class`` is that of the brush, NaN where all
        of them or none are brushed.
    brushed, count
        How many of them are brushed, and how many they are.
    """

    bits: HeadBits
    brushed: int
    count: int


class StoredMatrices:
    """Reads one matrix at a time in a thread of the store's own, and keeps the last ones.

    A disk that answers slowly, or never, thus keeps only those waiting who look at its store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept = ByteLRU(_KEPT_BYTES)
        self._worker = ThreadQueue("headbrush-read")
        self._rows = ByteLRU(_ROWS_BYTES)
        self._divider = ThreadQueue("headbrush-bits")

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

    def divide(self, layer: int, head: int, brushed: np.ndarray) -> "Future[BrushBits]":
        """Ask what decides where a head looks, by a brush of images ``(m,)`` bool.

        Of very many stored images, some that lie evenly among them count. The future may hold a
        ``StoreError``.
        """
        return self._divider.submit(self._divide, layer, head, brushed)

    def wait(self) -> None:
        """Wait until all requested matrices have been read."""
        self._worker.submit(int).result()

    def _read(self, *key: int) -> np.ndarray | None:
        matrix = self._store.attention(*key)
        if matrix is not None:
            self._kept.put(key, matrix, matrix.nbytes)
        return matrix

    def _divide(self, layer: int, head: int, brushed: np.ndarray) -> BrushBits:
        kept = self._store.kept_images
        images = kept[:: -(-len(kept) // _MOST_DIVIDED)] if len(kept) else kept
        rows = self._rows.get((layer, head))
        if rows is None:
            rows = self._read_rows(images.tolist(), layer, head)
            self._rows.put((layer, head), rows, rows.nbytes)
        chosen = brushed[images]
        division, moved = divide_rows(rows, chosen, seed=0)
        fixed, by_class, within, spread = division.stacked()[:, 0].tolist()
        bits = HeadBits(fixed, by_class, within, spread, float(moved[0]))
        return BrushBits(bits, int(chosen.sum()), len(images))

    def _read_rows(self, images: Sequence[int], layer: int, head: int) -> np.ndarray:
        """Attention of some source patches of each image, ``(n, 1, S, P)``."""
        store = self._store
        matrices = (store.attention(image, layer, head) for image in images)
        windows = store.windows[layer] if store.windows else None
        rows = [
            source_rows(matrix, store.num_prefix_tokens, store.grid, windows)
            for matrix in matrices
            if matrix is not None
        ]
        return np.stack(rows)[:, None]
