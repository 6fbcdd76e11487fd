"""What a page waits for while the analysis of its store runs; the page fills when it is there."""

import time
from concurrent.futures import Future

from bokeh.document import Document
from bokeh.server.callbacks import PeriodicCallback

from headbrush.analysis.preflight.words import duration
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.facts.news import News
from headbrush.analysis.store.facts.percent import percent
from headbrush.server.stores.redact_paths import said_of
from headbrush.server.stores.shelf import SHELF
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.signal import Signal

LOOK_MS = 1000
SILENCE_S = 20.0
"""An analysis says something every second; one that is silent for so long has been killed."""
_KNOWN_FROM = 0.02
"""Share from which on the remaining time can be told."""
_WHAT = {
    "importance": "pruning every head",
    "image_embedding": "the layout of the images",
    "offset_embedding": "the layout by offset",
    "cls_embedding": "the layout of the CLS patterns",
    "patch_embedding": "the layout of the patch patterns",
}


class Waiting:
    """Looks every second what an unfinished store has got.

    Attributes
    ----------
    changed
        Emitted when :meth:`words` may be others.
    filled
        Emitted when the store's data have got values that were pending, before ``changed``.
    """

    def __init__(self, data: StoreData, document: Document) -> None:
        self.changed: Signal[[]] = Signal()
        self.filled: Signal[[]] = Signal()
        self._data, self._document = data, document
        self._version = data.version
        self._news, self._heard, self._fault = News(), time.monotonic(), ""
        self._asked: Future[News] | None = None
        self._timer: PeriodicCallback | None = None
        if data.store.pending:
            self._timer = document.add_periodic_callback(self._look, LOOK_MS)

    def words(self, variable: str) -> str:
        """What a view of a variable waits for, as a sentence; empty if the store has it."""
        if variable not in self._data.store.pending:
            return ""
        what = _WHAT[variable]
        if self._fault:
            return self._fault
        awaited = self._news.awaited.get(variable)
        if awaited is not None and awaited.fault:
            fault = said_of(awaited.fault, self._data.store)
            return f"Failed: {what} ({fault}). Run the same command again to retry."
        if self._news.stopped or time.monotonic() - self._heard > SILENCE_S:
            return f"The analysis stopped before {what}. Run the same command again to resume it."
        if awaited is None or awaited.share < _KNOWN_FROM:
            return f"Waits for {what}."
        left = awaited.seconds * (1 - awaited.share) / awaited.share
        return f"Waits for {what}: {percent(awaited.share)}, about {duration(left)} left."

    def _look(self) -> None:
        asked = self._asked
        if asked is not None and not asked.done():
            return
        self._asked = SHELF.ask_news(self._data)
        if asked is None:
            return
        if (error := asked.exception()) is None:
            self._take(asked.result())
        elif isinstance(error, StoreError):
            self._fault = said_of(str(error), self._data.store)
            self._end()
        else:
            raise error
        self.changed.emit()

    def _take(self, news: News) -> None:
        if news.beat != self._news.beat:
            self._heard = time.monotonic()
        self._news = news
        if self._data.version != self._version:
            self._version = self._data.version
            self.filled.emit()
        if not self._data.store.pending:
            self._end()

    def _end(self) -> None:
        if self._timer is not None:
            self._document.remove_periodic_callback(self._timer)
            self._timer = None
