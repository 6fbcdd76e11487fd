"""Health and metrics of the server over HTTP."""

from collections.abc import Callable
from typing import cast

from bokeh.server.tornado import BokehTornado
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler

from headbrush.server.host.answers.addresses import is_loopback

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")


class Health(RequestHandler):
    """Tells load balancers and containers whether the server is ready."""

    def initialize(self, is_ready: Callable[[], bool]) -> None:
        """Keep what the route passes."""
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
        """Keep what the route passes."""
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
