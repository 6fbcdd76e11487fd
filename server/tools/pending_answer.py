"""Slow questions of a page: only the newest question of each view counts."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from bokeh.document import Document
from bokeh.server.callbacks import TimeoutCallback

from headbrush.analysis.store.errors import InputError
from headbrush.server.tools.bokeh.teardown import soon

T = TypeVar("T")
PATIENCE_MS = 200
TIME_OUT_MS = 60_000
_MODEL_FAILED = "The model failed: "
_TOO_LATE = (
    "No answer within {minutes}: the server is busy with other pages, or a disk is slow. "
    "Select it again to retry."
)


class PendingAnswer:
    """The pending question of one view of one page; a newer question replaces an older one.

    So a page never has more than one question of a view in a queue.

    Parameters
    ----------
    time_out_ms
        How long an answer is waited for.
    """

    def __init__(self, document: Document, time_out_ms: int = TIME_OUT_MS) -> None:
        self._document, self._time_out_ms = document, time_out_ms
        self._future: Future[Any] | None = None
        self._timers: list[TimeoutCallback] = []
        document.on_session_destroyed(lambda _context: self._forget())

    @property
    def is_open(self) -> bool:
        """Whether an answer is waited for."""
        return self._future is not None

    def drop(self) -> None:
        """Cancel: a waiting question leaves the queue, a late answer is not delivered."""
        self._forget()
        for timer in self._timers:
            with suppress(ValueError):  # it has run already
                self._document.remove_timeout_callback(timer)
        self._timers.clear()

    def ask(
        self,
        future: "Future[T]",
        deliver: Callable[[T | None, str], None],
        wait: Callable[[], None],
    ) -> None:
        """Deliver a result, or None and a sentence why there is none, on the event loop.

        ``wait`` is called if that takes longer than 200 ms; what is known is delivered at once.
        """
        self.drop()
        if future.done():
            deliver(*_outcome(future, _MODEL_FAILED))
            return
        self._future = future

        def late() -> None:
            if self._future is future:
                wait()

        def answered(result: T | None, fault: str) -> None:
            if self._future is future:
                self.drop()
                deliver(result, fault)

        self._timers = [
            self._document.add_timeout_callback(late, PATIENCE_MS),
            self._document.add_timeout_callback(
                lambda: answered(None, self._too_late), self._time_out_ms
            ),
        ]
        when_done(future, answered, soon(self._document))

    @property
    def _too_late(self) -> str:
        minutes = self._time_out_ms // TIME_OUT_MS
        return _TOO_LATE.format(minutes="a minute" if minutes == 1 else f"{minutes} minutes")

    def _forget(self) -> None:
        if self._future is not None:
            self._future.cancel()
            self._future = None


def when_done(
    future: "Future[T]",
    deliver: Callable[[T | None, str], None],
    schedule: Callable[[Callable[[], None]], object],
    failed: str = _MODEL_FAILED,
) -> None:
    """Hand a result, or a sentence why there is none, to ``deliver`` on the event loop.

    Parameters
    ----------
    schedule
        Runs a function on the loop, for example ``soon(document)``.
    failed
        Begins the sentence on an error that is no ``InputError``.
    """

    def finished(done: "Future[T]") -> None:
        if not done.cancelled():
            schedule(lambda: deliver(*_outcome(done, failed)))

    future.add_done_callback(finished)


def _outcome(done: "Future[T]", failed: str) -> tuple[T | None, str]:
    """The result and no words, or none and a sentence."""
    error = done.exception()
    if error is None:
        return done.result(), ""
    if isinstance(error, InputError):
        return None, str(error)
    return None, f"{failed}{type(error).__name__}: {error}"
