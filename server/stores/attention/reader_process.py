"""Reads attention files in child processes, so that a slow disk does not block HDF5 for all.

HDF5 does one thing at a time in a process. All stores share one process that reads; a store whose
disk lets it wait keeps that process for itself, and the others get another.
"""

import json
import threading
import weakref
from pathlib import Path

import numpy as np

from headbrush.analysis.store.errors import StoreError
from headbrush.server.tools.child_process import started

_PATIENCE_S = 1.0
"""A disk that answers later is slow."""
_START_S = 60.0
"""A process that has not begun to listen by then never will; others wait for their turn."""


class ReadingProcess:
    """A child process that reads; used by one thread at a time. It ends when its parent does."""

    def __init__(self) -> None:
        self._process, self._pipe = started("headbrush.server.stores.attention.reader_process_main")
        self._is_ready = False

    @property
    def pid(self) -> int:
        """Process id; the process may have ended."""
        return self._process.pid

    def runs(self) -> bool:
        """Whether the process is still alive."""
        return self._process.poll() is None

    def ask(self, question: bytes) -> None:
        """Send a question, once the process has begun to listen."""
        if not self._is_ready:
            if not self._pipe.poll(_START_S):
                self.close()
                raise EOFError
            self._pipe.recv_bytes()
            self._is_ready = True
        self._pipe.send_bytes(question)

    def answers(self, seconds: float) -> bool:
        """Whether the answer arrives within this time."""
        return self._pipe.poll(seconds)

    def answer(self) -> np.ndarray | str:
        """Wait for the answer as long as it takes; a string is an error message."""
        header = json.loads(self._pipe.recv_bytes())
        if "fault" in header:
            return header["fault"]
        return np.frombuffer(self._pipe.recv_bytes(), header["dtype"]).reshape(header["shape"])

    def close(self) -> None:
        """Kill the process, whatever it is doing."""
        self._process.kill()
        self._pipe.close()


class SharedProcess:
    """The reading process that all stores share, one at a time; started on demand."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: ReadingProcess | None = None

    def take(self) -> ReadingProcess:
        """Wait for a turn."""
        self._turn.acquire()
        try:
            if self._process is None or not self._process.runs():
                self._process = ReadingProcess()
        except BaseException:
            self._turn.release()
            raise
        return self._process

    def give_back(self, process: ReadingProcess | None) -> None:
        """The next may ask; another process, if this one is not given back."""
        self._process = process
        self._turn.release()


_COMMON = SharedProcess()


class ProcessReader:
    """Reads the files of one store; see ``attention_file.py`` for what it answers.

    Its methods wait as long as the disk does, so they are for threads that serve no page.
    """

    def __init__(self, common: SharedProcess = _COMMON) -> None:
        self._common = common
        self._own: ReadingProcess | None = None
        self._lock = threading.Lock()

    def read_images(self, path: Path) -> np.ndarray:
        """Indices of the images that a file holds."""
        return self._read("read_images", path)

    def read_matrix(self, path: Path, row: int, layer: int, head: int) -> np.ndarray:
        """One matrix of a file."""
        return self._read("read_matrix", path, row, layer, head)

    def _read(self, what: str, path: Path, *place: int) -> np.ndarray:
        question = json.dumps({"ask": what, "path": str(path), "place": place}).encode()
        with self._lock:
            try:
                answer = self._answer(question)
            except (EOFError, OSError) as error:
                self._own = None
                raise StoreError(
                    f"{path}: the process that read it ended; it may be damaged. "
                    "Select it again to retry."
                ) from error
        if isinstance(answer, str):
            raise StoreError(answer)
        return answer

    def _answer(self, question: bytes) -> np.ndarray | str:
        if self._own is not None:
            self._own.ask(question)
            return self._own.answer()
        late = self._ask_common(question)
        if not isinstance(late, ReadingProcess):
            return late
        self._own = late
        weakref.finalize(self, late.close)
        return late.answer()

    def _ask_common(self, question: bytes) -> np.ndarray | str | ReadingProcess:
        """The answer of the common process; the process itself, now ours, where it is late."""
        process, kept = self._common.take(), None
        try:
            process.ask(question)
            if not process.answers(_PATIENCE_S):
                return process
            answer = process.answer()
            kept = process
            return answer
        finally:
            self._common.give_back(kept)


def start() -> None:
    """Start the common process, so that the first page does not wait for it."""
    _COMMON.give_back(_COMMON.take())
