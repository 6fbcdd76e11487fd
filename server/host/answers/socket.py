"""Websockets of the open pages."""

import logging
import time
from typing import Any, cast

from bokeh.protocol.message import Message
from bokeh.server.tornado import BokehTornado
from bokeh.server.views.ws import WSHandler
from tornado.web import HTTPError

from headbrush.server.host.answers.metrics import ServerMetrics
from headbrush.server.host.answers.own_session import is_own_token
from headbrush.server.host.answers.revoked_logins import ENDED

log = logging.getLogger("headbrush")

_ENDED = 4001
"""Close code of a websocket whose login has ended; codes from 4000 are for applications."""
_FOREIGN = 4002
"""Close code of a websocket with a foreign token: a page learns from it that websockets work."""


class Socket(WSHandler):
    """A page's websocket: checked before it opens, timed, and closed when the server stops."""

    open_sockets: "set[Socket]" = set()  # noqa: RUF012 - of the process
    metrics: ServerMetrics
    _has_own_token = False
    _seconds = 0.0
    _has_replied = False

    async def prepare(self) -> None:
        """Refuse readers who have not logged in."""
        await super().prepare()
        if not self.current_user:
            raise HTTPError(403, "not logged in")

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Check the token, which Bokeh sends as the second subprotocol."""
        self._has_own_token = len(subprotocols) == 2 and is_own_token(
            subprotocols[1], cast(BokehTornado, self.application)
        )
        return super().select_subprotocol(subprotocols)

    def open(self) -> None:
        """Count the page among the open ones, or close a websocket with a foreign token."""
        if not self._has_own_token:
            log.info("closed a websocket whose token was not made by this server")
            self.close(_FOREIGN, "foreign token")
            return
        super().open()
        # A message is three frames; else the second waits until the browser confirms the first.
        self.set_nodelay(True)
        self.open_sockets.add(self)

    async def on_message(self, fragment: str | bytes) -> None:
        """Handle a fragment; the last of a message includes the work and the reply."""
        if not self._has_own_token:
            return
        self._has_replied = False
        began = time.perf_counter()
        await super().on_message(fragment)
        self._seconds += time.perf_counter() - began
        if self._has_replied:  # Bokeh replies to every whole message, and only to those
            self.metrics.message_seconds.observe(self._seconds)
            self._seconds = 0.0

    async def send_message(self, message: Message[Any]) -> None:
        """Send a message; the first one while a fragment is handled shows that it was the last."""
        self._has_replied = True
        await super().send_message(message)

    def on_close(self) -> None:
        """Forget the page."""
        self.open_sockets.discard(self)
        super().on_close()


def close_ended() -> None:
    """Close the pages of ended logins."""
    for socket in [one for one in Socket.open_sockets if one.current_user in ENDED]:
        socket.close(_ENDED, "logged out")
