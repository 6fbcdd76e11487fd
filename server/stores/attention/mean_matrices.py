"""Mean attention matrices of a head over images whose attention is stored."""

from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.store import Store
from headbrush.server.tools.byte_lru import ByteLRU
from headbrush.server.tools.threads.thread_queue import ThreadQueue

MOST_AVERAGED = 200
"""Images of a mean at most; so many matrices of 197 tokens take half of a second to read."""
_READ_BYTES = 512 << 20
"""What the matrices of one mean may take, read one after the other, as float32."""
_KEPT_BYTES = 64 << 20


@dataclass(frozen=True)
class MeanMatrix:
    """The mean attention of one head over some images.

    Attributes
    ----------
    matrix
        ``(T, T)`` float32; each row sums to 1.
    images
        ``(n,)`` numbers of the images in it.
    stored, brushed
        How many of the brushed images have their attention stored, and how many are brushed.
    """

    matrix: np.ndarray
    images: np.ndarray
    stored: int
    brushed: int

    @property
    def words(self) -> str:
        """How many images these are, and why not all."""
        count = len(self.images)
        said = f"mean over {grouped(count)} of {grouped(self.brushed)} images"
        if count < self.stored:
            return f"{said}: a sample of the {self.stored} whose attention is stored"
        if count < self.brushed:
            return f"{said}: those whose attention is stored"
        return f"mean over all {count} images" if count > 1 else "the only image"


class MeanMatrices:
    """Averages stored matrices in a thread of the store's own, and keeps the last means."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: ByteLRU[MeanMatrix] = ByteLRU(_KEPT_BYTES)
        self._worker = ThreadQueue("headbrush-mean")

    def images_of(self, brushed: np.ndarray) -> tuple[np.ndarray, int]:
        """Images that a mean over a brush ``(m,)`` bool is of, and how many of it are stored.

        Of more than can be read soon, some that lie evenly among them.
        """
        stored = np.sort(self._store.kept_images)
        stored = stored[brushed[stored]]
        most = max(1, min(MOST_AVERAGED, _READ_BYTES // (4 * self._store.num_tokens**2)))
        if len(stored) <= most:
            return stored, len(stored)
        return stored[np.linspace(0, len(stored) - 1, most).round().astype(int)], len(stored)

    def known(self, layer: int, head: int, brushed: np.ndarray) -> MeanMatrix | None:
        """The mean over a brush if it has been asked for lately."""
        return self._kept.get((layer, head, brushed.tobytes()))

    def ask(self, layer: int, head: int, brushed: np.ndarray) -> "Future[MeanMatrix | None]":
        """Ask for the mean over a brush ``(m,)`` bool; None if none of its images is stored.

        The future may be cancelled at any time, and reading then ends; it may hold a
        ``StoreError``.
        """
        wanted: Future[MeanMatrix | None] = Future()
        known = self.known(layer, head, brushed)
        if known is None:
            self._worker.submit(self._answer, wanted, layer, head, brushed)
        else:
            wanted.set_result(known)
        return wanted

    def wait(self) -> None:
        """Wait until all requested means have been read."""
        self._worker.submit(int).result()

    def _answer(
        self, wanted: "Future[MeanMatrix | None]", layer: int, head: int, brushed: np.ndarray
    ) -> None:
        with suppress(InvalidStateError):  # it was cancelled meanwhile
            try:
                mean = self.known(layer, head, brushed) or self._read(wanted, layer, head, brushed)
            except Exception as error:
                wanted.set_exception(error)
                return
            wanted.set_result(mean)

    def _read(
        self, wanted: "Future[MeanMatrix | None]", layer: int, head: int, brushed: np.ndarray
    ) -> MeanMatrix | None:
        images, stored = self.images_of(brushed)
        matrix = self._sum(wanted, images.tolist(), layer, head)
        if matrix is None:
            return None
        mean = MeanMatrix(
            (matrix / len(images)).astype(np.float32), images, stored, int(brushed.sum())
        )
        self._kept.put((layer, head, brushed.tobytes()), mean, mean.matrix.nbytes + brushed.nbytes)
        return mean

    def _sum(
        self, wanted: "Future[MeanMatrix | None]", images: Sequence[int], layer: int, head: int
    ) -> np.ndarray | None:
        """``(T, T)`` float64; None without images, and where nobody waits any more."""
        total = None
        for image in images:
            matrix = None if wanted.cancelled() else self._store.attention(image, layer, head)
            if matrix is None:
                return None
            total = matrix.astype(float) if total is None else total + matrix
        return total
