"""Free a page's objects when it closes; keep the garbage collector off the event loop.

Python looks through all objects of the process to find cycles, and every thread waits: a quarter of
a second with twenty pages open, and Bokeh asks for it whenever a page is left. So pages are put
out of its sight when they are made, and taken to pieces when they are left. Small cycles remain,
for which it looks when no page is open, or many have been left.
"""

import gc
from collections.abc import Callable, Sequence
from threading import Lock
from weakref import WeakSet

from bokeh.document import Document
from bokeh.server.session import ServerSession

_MANY = 50
"""A page leaves 0.6 MB in cycles."""


class Pages:
    """The pages of a process.

    Attributes
    ----------
    open
        How many there are.
    left
        Those that have been left, as long as something holds them.
    lock
        Held while ``left`` changes, or must not.
    """

    def __init__(self, many: int = _MANY) -> None:
        self.open = 0
        self.lock = Lock()
        self.left: WeakSet[Document] = WeakSet()
        self._many = many
        self._left = 0

    def made(self, document: Document, parts: Sequence[object]) -> None:
        """Register a finished page; ``parts`` are emptied with its models when it closes."""
        self.open += 1

        def destroy(session: ServerSession) -> None:
            with self.lock:
                self.left.add(document)
            models = list(document.models)
            Document.destroy(document, session)
            for part in (*models, *parts):
                vars(part).clear()
            vars(document).pop("destroy")
            self._leave()

        document.destroy = destroy
        gc.freeze()

    def _leave(self) -> None:
        self.open -= 1
        self._left += 1
        if not self.open or self._left >= self._many:
            self._left = 0
            gc.unfreeze()
            gc.collect()
            gc.freeze()


PAGES = Pages()


def soon(document: Document, pages: Pages = PAGES) -> Callable[[Callable[[], None]], None]:
    """What makes a page's loop call a function, from any thread; a page that is left calls none."""

    def schedule(act: Callable[[], None]) -> None:
        with pages.lock:  # a left document would fail, and leave Bokeh's current one to be it
            if document not in pages.left:
                document.add_next_tick_callback(act)

    return schedule
