"""Run work in a thread; keep only the newest request."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Generic, TypeVar

RequestT = TypeVar("RequestT")
T = TypeVar("T")
_WORKERS = ThreadPoolExecutor(2, thread_name_prefix="headbrush-draw")


class LatestOnly(Generic[RequestT, T]):
    """Computes in a thread, one request at a time; of those that come meanwhile the last is next.

    Its methods are called where the document is locked, as ``show`` is.

    Parameters
    ----------
    compute
        From a request to a result; touches no model of the page.
    show
        Called in the order of the requests with a function that returns each result, or raises
        what went wrong: so a view gets its own failure.
    tell
        Makes the page call a function soon, from any thread: ``soon(document)``.
    """

    def __init__(
        self,
        compute: Callable[[RequestT], T],
        show: Callable[[Callable[[], T]], None],
        tell: Callable[[Callable[[], None]], object],
    ) -> None:
        self._compute, self._show, self._tell = compute, show, tell
        self._next: RequestT | None = None
        self._busy = False
        self._gesture = 0

    def ask(self, request: RequestT) -> None:
        """Work on ``request`` now, or when what is worked on has been shown."""
        self._next = request
        if not self._busy:
            self._start(request)

    def drop(self) -> None:
        """Drop all pending requests."""
        self._next = None
        self._gesture += 1

    def _start(self, request: RequestT) -> None:
        self._next, self._busy = None, True
        work = _WORKERS.submit(self._compute, request)
        finish = partial(self._finish, self._gesture)
        work.add_done_callback(lambda done: self._tell(partial(finish, done)))

    def _finish(self, gesture: int, done: "Future[T]") -> None:
        self._busy = False
        try:
            if gesture == self._gesture:
                self._show(done.result)
        finally:
            if self._next is not None and not self._busy:
                self._start(self._next)
