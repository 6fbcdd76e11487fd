"""HTTP handlers besides Bokeh's own: headers, health, metrics, refusals."""

import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from html import escape
from types import TracebackType
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from bokeh.embed.server import server_html_page_for_session
from bokeh.protocol.exceptions import ProtocolError
from bokeh.server.contexts import BokehSessionContext
from bokeh.server.session import ServerSession
from bokeh.server.tornado import BokehTornado
from bokeh.server.views.doc_handler import DocHandler
from bokeh.server.views.ws import WSHandler
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.routing import Matcher
from tornado.web import HTTPError, OutputTransform, RequestHandler

from headbrush.server.host.answers.addresses import is_loopback
from headbrush.server.host.answers.metrics import Counts
from headbrush.server.host.answers.revoked_logins import ENDED

log = logging.getLogger("headbrush")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_ENDED = 4001
"""Code of a websocket that is closed because its login has ended; applications have 4000 on."""
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")
_POLICY = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_FAILED = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>headbrush · error</title>
<h1>This page could not be built</h1>
<p>{reason}</p><p>Error {id}: see the server's log for details.</p>
<p><a href="{place}">Start over</a></p>
"""


class SecurityHeaders(OutputTransform):
    """Adds security headers to every answer of every handler."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        self._is_secure = request.protocol == "https"

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Called by Tornado before the headers are sent."""
        for name, value in (_HEADERS | {"Content-Security-Policy": policy()}).items():
            if name not in headers:
                headers[name] = value
        if self._is_secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        headers["Server"] = "headbrush"
        return super().transform_first_chunk(status_code, headers, chunk, finishing)


def policy(nonce: str = "") -> str:
    """The content security policy; only scripts that know ``nonce`` may stand in the page.

    BokehJS makes functions, and modules, of the text of its CustomJS models: hence ``unsafe-eval``
    and ``blob:`` there.
    """
    return _POLICY.format(scripts=f" 'nonce-{nonce}' 'unsafe-eval' blob:" if nonce else "")


class Malformed(Matcher):
    """Matches addresses that hold control characters or non-UTF-8 bytes when unquoted."""

    def match(self, request: HTTPServerRequest) -> dict[str, object] | None:
        """Called by Tornado; a dict means a match."""
        try:
            text = unquote_to_bytes(request.path).decode()
        except UnicodeDecodeError:
            return {}
        return None if text.isprintable() else {}


class Refused(RequestHandler):
    """Refuses addresses that no handler should see: a file name cannot hold a NUL."""

    def prepare(self) -> None:
        """Called by Tornado for every method."""
        raise HTTPError(400, "malformed address")


class Page(DocHandler):
    """The page; only its own scripts know the answer's nonce."""

    async def get(self, *_args: object, **_options: object) -> None:
        """Answer with a new session's page."""
        session = await self._session()
        nonce = secrets.token_urlsafe(18)
        added = {"nonce": nonce, "logout": self._logout(session), "xsrf": self._xsrf()}
        page = server_html_page_for_session(
            session,
            resources=self.application.resources(),
            title=session.document.title,
            template=session.document.template,
            template_variables={**session.document.template_variables, **added},
        )
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", policy(nonce))
        self.set_header("Cache-Control", "no-store")
        self.write(page)

    async def _session(self) -> ServerSession:
        try:
            # Tornado's decorator of Bokeh's method hides what that returns
            return await cast(Awaitable[ServerSession], self.get_session())
        except (AttributeError, KeyError, TypeError, ValueError, ProtocolError) as error:
            raise HTTPError(403, "no session of this server") from error

    def _logout(self, session: ServerSession) -> str:
        context = cast(BokehSessionContext | None, session.document.session_context)
        return (context and context.logout_url) or ""

    def _xsrf(self) -> str:
        return self.xsrf_token.decode() if self.application.settings["xsrf_cookies"] else ""

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log the error under an id that the page shows."""
        if isinstance(value, HTTPError):
            super().log_exception(typ, value, tb)
            return
        self._fault = secrets.token_hex(4)
        fields = {"id": self._fault, "path": self.request.path}
        log.error("page failed", exc_info=value, extra={"fields": fields})

    def write_error(self, status_code: int, **options: Any) -> None:
        """Answer with a page that says that building it failed."""
        if status_code != 500:
            super().write_error(status_code, **options)
            return
        fault = getattr(self, "_fault", "unknown")
        reason = "headbrush failed on these stores or this address."
        self.finish(_FAILED.format(id=fault, reason=reason, place=escape(self.request.path)))


class Socket(WSHandler):
    """A page's websocket: checked before it opens, timed, and closed when the server stops."""

    open_sockets: "set[Socket]" = set()  # noqa: RUF012 - of the process
    counts: Counts

    async def prepare(self) -> None:
        """Refuse readers who have not logged in."""
        await super().prepare()
        if not self.current_user:
            raise HTTPError(403, "not logged in")

    def open(self) -> None:
        """Called by Tornado."""
        super().open()
        self.open_sockets.add(self)

    async def _handle(self, message: Any) -> Any:
        began = time.perf_counter()
        try:
            return await super()._handle(message)
        finally:
            self.counts.time("headbrush_message_seconds", time.perf_counter() - began)

    def on_close(self) -> None:
        """Called by Tornado."""
        self.open_sockets.discard(self)
        super().on_close()


def close_ended() -> None:
    """Close the pages of ended logins."""
    for socket in [one for one in Socket.open_sockets if one.current_user in ENDED]:
        socket.close(_ENDED, "logged out")


class Health(RequestHandler):
    """Whether the server is ready: what load balancers and containers ask."""

    def initialize(self, is_ready: Callable[[], bool]) -> None:
        """Called by Tornado with what the route says."""
        self._is_ready = is_ready

    def get(self) -> None:
        """Answer 200 or 503, in one word."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.set_status(200 if self._is_ready() else 503)
        self.finish("ready\n" if self._is_ready() else "not ready\n")


class Metrics(RequestHandler):
    """The server's metrics, for this machine and for readers who may see the pages."""

    def initialize(self, text: Callable[[], str]) -> None:
        """Called by Tornado with what the route says."""
        self._text = text

    async def get(self) -> None:
        """Answer in Prometheus's text format."""
        provider = cast(BokehTornado, self.application).auth_provider
        is_local = is_loopback(self.request.remote_ip or "")
        is_forwarded = any(n in self.request.headers for n in _FORWARDED)
        if not is_local or is_forwarded:
            this = cast(HTTPServerRequest, self)  # so say its annotations; Bokeh gives handlers
            if provider.get_user_async is not None:
                reader = await provider.get_user_async(this)
            else:
                reader = provider.get_user is not None and provider.get_user(this)
            if not reader:
                raise HTTPError(403)
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish(self._text())
