"""Works beside each other, in threads."""

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from queue import Empty, SimpleQueue
from threading import Event

from headbrush.analysis.run.progress import Advance

Work = Callable[[], None]


class Together:
    """Does works at the same time.

    Parameters
    ----------
    to_the_end
        Whether all others are done when one fails; else they end at their next step.
    """

    def __init__(self, to_the_end: bool) -> None:
        self._to_the_end = to_the_end
        self._stopped = Event()
        self._errors: list[Exception] = []

    def watched(self, advance: Advance) -> Advance:
        """An ``advance`` for a work: when all are interrupted, it is too, at its next call."""

        def go_on(share: float) -> None:
            if self._stopped.is_set():
                raise CancelledError
            advance(share)

        return go_on

    def do(self, first: Work, others: Sequence[Work], threads: int) -> None:
        """Do ``first``, then the ``others`` in their order; so many threads begin with these."""
        waiting: SimpleQueue[Work] = SimpleQueue()
        for work in others:
            waiting.put(work)

        def do_waiting() -> None:
            try:
                while not self._stopped.is_set():
                    self._attempt(waiting.get_nowait())
            except Empty:
                pass

        with ThreadPoolExecutor(max(1, threads)) as pool:
            doing = [pool.submit(do_waiting) for _ in range(threads)]
            try:
                self._attempt(first)
                do_waiting()
                wait(doing)
            except BaseException:
                self._stopped.set()
                raise
        for one in doing:
            one.result()

    def raise_first(self) -> None:
        """Raise what the first work that failed has raised, if any did."""
        if self._errors:
            raise self._errors[0]

    def _attempt(self, work: Work) -> None:
        try:
            work()
        except Exception as error:
            self._errors.append(error)
            if not self._to_the_end:
                self._stopped.set()
