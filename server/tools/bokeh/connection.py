"""A page's connection that sends all changes of one callback in one message.

Bokeh sends one message per change. For each it looks through all models of the page, which was
half of the server's work at a brush, and the browser drew some plots several times on the way.
"""

from collections.abc import Awaitable

from bokeh.document.events import DocumentPatchedEvent
from bokeh.protocol import Protocol
from bokeh.server import tornado
from bokeh.server.connection import ServerConnection
from bokeh.server.contexts import ApplicationContext
from bokeh.server.session import ServerSession
from bokeh.server.views.ws import WSHandler


class Connection(ServerConnection):
    """Bokeh's connection; it gathers what changes while the document is locked."""

    def __init__(
        self,
        protocol: Protocol,
        socket: WSHandler,
        application_context: ApplicationContext,
        session: ServerSession,
    ) -> None:
        super().__init__(protocol, socket, application_context, session)
        self._changes: list[DocumentPatchedEvent] = []
        self._lock_of_changes: list[Awaitable[None]] | None = None

    def send_patch_document(self, event: DocumentPatchedEvent) -> Awaitable[None]:
        """Send it with the others; Bokeh awaits all that this returns when the callback is done."""
        self._changes.append(event)
        writes = self.session._pending_writes  # one list per lock
        if writes is self._lock_of_changes:
            return _nothing()
        self._lock_of_changes = writes
        return self._send()

    async def _send(self) -> None:
        changes, self._changes = self._changes, []
        self._lock_of_changes = None
        await self._socket.send_message(self.protocol.create("PATCH-DOC", changes))


async def _nothing() -> None:
    """Another awaitable sends it."""


def use() -> None:
    """Use this connection for all servers of this process; Bokeh has no option for it."""
    tornado.ServerConnection = Connection  # pyright: ignore[reportPrivateImportUsage] (see above)
