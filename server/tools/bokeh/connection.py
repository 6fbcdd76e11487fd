"""A page's connection that sends all changes of one callback in one message.

Bokeh sends one message per change. For each it looks through all models of the page, which was
half of the server's work at a brush, and the browser drew some plots several times on the way. Of
one message a callback that was still a fifth, so here models are looked up when they are met.
"""

from collections.abc import Awaitable
from typing import Any

from bokeh.core.serialization import Ref, Serializer
from bokeh.document.events import DocumentPatchedEvent
from bokeh.document.json import PatchJson
from bokeh.document.models import DocumentModelManager
from bokeh.model import Model
from bokeh.protocol import Protocol
from bokeh.protocol.messages.patch_doc import patch_doc
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
        await self._socket.send_message(message_of(self.session.document.models, changes))


class KnownModels(Serializer):
    """Writes a model that the browser has as a reference; the same as Bokeh's, given them all."""

    def __init__(self, models: DocumentModelManager) -> None:
        super().__init__()
        self._models = models
        self._unsent = frozenset(models._new_models)

    def get_ref(self, obj: Any) -> Ref | None:
        """What stands for ``obj`` in a message, if the browser knows it or the message says it."""
        is_known = isinstance(obj, Model) and obj not in self._unsent
        if is_known and self._models.get_by_id(obj.id) is obj:
            return obj.ref
        return super().get_ref(obj)

    def has_ref(self, obj: Any) -> bool:
        """Whether something stands for ``obj``."""
        return self.get_ref(obj) is not None


def message_of(models: DocumentModelManager, changes: list[DocumentPatchedEvent]) -> patch_doc:
    """What ``patch_doc.create`` makes of the same changes."""
    serializer = KnownModels(models)
    content = PatchJson(events=serializer.encode(changes))
    models.flush_synced(lambda model: not serializer.has_ref(model))
    message = patch_doc(patch_doc.create_header(), {}, content)
    message.add_buffers(*serializer.buffers)
    return message


async def _nothing() -> None:
    """Another awaitable sends it."""


def use() -> None:
    """Use this connection for all servers of this process; Bokeh has no option for it."""
    tornado.ServerConnection = Connection  # pyright: ignore[reportPrivateImportUsage] (see above)
