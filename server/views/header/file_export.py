"""Files that a page makes: written beside the loop, one at a time, and sent to the browser."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bokeh.document import Document

from headbrush.analysis.store.store import Store
from headbrush.server.stores.redact_paths import said_of
from headbrush.server.tools.bokeh.browser_channel import Channel
from headbrush.server.tools.bokeh.teardown import soon
from headbrush.server.tools.pending_answer import when_done

_WRITERS = ThreadPoolExecutor(1, thread_name_prefix="headbrush-export")


class FileExport:
    """One page's files; ``page/exported.js`` saves them.

    Parameters
    ----------
    stores
        Whose folders a message hides.
    say
        Shows a note; one that stays if its second argument is true.
    """

    def __init__(
        self, document: Document, stores: tuple[Store, ...], say: Callable[[str, bool], None]
    ) -> None:
        self._document, self._stores, self._say = document, stores, say
        self._is_writing = False
        self.channel = Channel(name="exported", tags=[])
        """Its tags are a file's name and what is in it, gzipped; the browser empties them."""

    def write(self, name: str, make: Callable[[], bytes]) -> None:
        """Make a gzipped file off the event loop, one at a time, and send it to the browser."""
        if self._is_writing:
            self._say("Still writing the previous file; try again when it is done.", False)
            return
        self._is_writing = True
        self._say(f"writing {name} …", True)
        when_done(
            _WRITERS.submit(make),
            lambda content, fault: self._send(name, content, fault),
            soon(self._document),
            "The file could not be written: ",
        )

    def _send(self, name: str, content: bytes | None, fault: str) -> None:
        self._is_writing = False
        if content is not None:
            self.channel.tags = [name, content]
            self._say(f"{name} written", False)
            return
        for store in self._stores:
            fault = said_of(fault, store)
        self._say(fault, True)
