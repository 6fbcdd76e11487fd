"""One question about trends: its newest answer, or the words that stand for it."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from bokeh.document import Document

from headbrush.server.tools.pending_answer import PendingAnswer

T = TypeVar("T")
_COMPUTING = "computing …"
_TIME_OUT_MS = 600_000
"""All trends of 50 000 images take half a minute, or minutes on a busy server."""


class TrendQuestion(Generic[T]):
    """Asks, and tells when there is something new to show.

    Attributes
    ----------
    result
        The newest answer; None before there is one, and where there is none.
    words
        Why there is none.
    """

    def __init__(self, document: Document, changed: Callable[[], None]) -> None:
        self._question = PendingAnswer(document, _TIME_OUT_MS)
        self._changed = changed
        self.result: T | None = None
        self.words = _COMPUTING

    def ask(self, future: "Future[T]") -> None:
        """Replace what was asked; an earlier answer stays until the new one is late."""
        self._question.ask(future, self._deliver, self._wait)

    def drop(self, words: str) -> None:
        """Ask nothing, for this reason."""
        self._question.drop()
        self._deliver(None, words)

    def _deliver(self, result: T | None, fault: str) -> None:
        self.result, self.words = result, fault
        self._changed()

    def _wait(self) -> None:
        self._deliver(None, _COMPUTING)
