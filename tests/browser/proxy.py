"""A reverse proxy under a prefix that it strips or keeps, as JupyterHub and code-server do."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketClientConnection, WebSocketHandler, websocket_connect

_OF_ONE_CONNECTION = {"connection", "transfer-encoding", "content-length", "content-encoding"}


class _Forward(WebSocketHandler):
    """Passes on what it is asked; redirects are left to the browser."""

    upstream: WebSocketClientConnection

    def initialize(self, target: int, kept: str, has_websockets: bool) -> None:
        self._target, self._kept, self._has_websockets = target, kept, has_websockets

    def _address(self, scheme: str, path: str) -> str:
        query = f"?{self.request.query}" if self.request.query else ""
        return f"{scheme}://127.0.0.1:{self._target}{self._kept}/{path}{query}"

    def check_origin(self, origin: str) -> bool:  # noqa: ARG002 - the server checks it
        return True

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        self._asked = subprotocols
        return subprotocols[0]

    async def get(self, path: str) -> None:
        if "Upgrade" not in self.request.headers:
            await self._pass_on(path)
        elif self._has_websockets:
            await super().get(path)
        else:
            self.send_error(400)

    post = get

    async def _pass_on(self, path: str) -> None:
        answer = await AsyncHTTPClient().fetch(
            HTTPRequest(
                self._address("http", path), self.request.method, self.request.headers,
                self.request.body or None, follow_redirects=False,
            ),
            raise_error=False,
        )  # fmt: skip
        self.set_status(answer.code)
        self.clear_header("Content-Type")  # Tornado's own; of two, the browser would take the first
        for name, value in answer.headers.get_all():
            if name.lower() not in _OF_ONE_CONNECTION:
                self.add_header(name, value)
        await self.finish(answer.body)

    async def open(self, path: str) -> None:
        headers = {n: v for n, v in self.request.headers.items() if n in ("Cookie", "Origin")}
        request = HTTPRequest(self._address("ws", path), headers=headers)
        try:
            self.upstream = await websocket_connect(request, subprotocols=self._asked)
        except HTTPClientError:
            self.close()  # after it has accepted, as JupyterHub's proxy does
            return
        IOLoop.current().add_callback(self._bring_back)

    async def _bring_back(self) -> None:
        while (message := await self.upstream.read_message()) is not None:
            await self.write_message(message, isinstance(message, bytes))
        self.close(self.upstream.close_code, self.upstream.close_reason)

    async def on_message(self, message: str | bytes) -> None:
        await self.upstream.write_message(message, isinstance(message, bytes))

    def on_close(self) -> None:
        if hasattr(self, "upstream"):
            self.upstream.close()


@contextmanager
def proxied(
    target: int, prefix: str, port: int, *, keeps: bool = False, has_websockets: bool = True
) -> Iterator[str]:
    """Address under which a proxy shows the server of a port."""
    started, running = threading.Event(), {}

    async def serve() -> None:
        options = {"target": target, "kept": prefix if keeps else "",
                   "has_websockets": has_websockets}  # fmt: skip
        server = HTTPServer(Application([(rf"{prefix}/(.*)", _Forward, options)]))
        server.add_sockets(bind_sockets(port, "127.0.0.1"))
        running["loop"], running["stop"] = asyncio.get_running_loop(), asyncio.Event()
        started.set()
        await running["stop"].wait()
        server.stop()
        await server.close_all_connections()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    started.wait(10)
    try:
        yield f"http://127.0.0.1:{port}{prefix}"
    finally:
        running["loop"].call_soon_threadsafe(running["stop"].set)
        thread.join(10)
