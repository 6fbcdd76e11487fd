"""What strangers send does not fill, forge or colour the log, and tells it no secret."""

import socket

import pytest

from tests.server.served import served
from tests.stores import make_store
from tests.waiting import until

SECRET = "letmein"
LONG = "x" * 20_000
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
HOSTILE = {
    "query of a refused websocket": f"GET /server/ws?token={SECRET} HTTP/1.1\r\n\r\n",
    "query of a socket of another origin":
        f"GET /server/ws?token={SECRET} HTTP/1.1\r\n{UPGRADE}Origin: http://evil.example\r\n\r\n",
    "origin of any length":
        f"GET /server/ws HTTP/1.1\r\n{UPGRADE}Origin: http://{LONG}\r\n\r\n",
    "control character in an origin":
        f"GET /server/ws HTTP/1.1\r\n{UPGRADE}Origin: http://a\x9b31mb\r\n\r\n",
    "token of any text":
        f"GET /server/ws HTTP/1.1\r\n{UPGRADE}Origin: HERE\r\n"
        f"Sec-WebSocket-Protocol: bokeh, {SECRET}\r\n\r\n",
    "id of any text": f"GET /server?bokeh-session-id={SECRET} HTTP/1.1\r\n\r\n",
    "id in a header": f"GET /server HTTP/1.1\r\nBokeh-Session-Id: {SECRET}\r\n\r\n",
    "token in an address": f"GET /server?bokeh-token={SECRET} HTTP/1.1\r\n\r\n",
    "two of both":
        f"GET /server?bokeh-token={SECRET}&bokeh-session-id={SECRET} HTTP/1.1\r\n\r\n",
    "query of nothing": f"GET /nothing?{SECRET} HTTP/1.1\r\n\r\n",
    "long path": f"GET /{LONG} HTTP/1.1\r\n\r\n",
    "long method": f"{'A' * 20_000} /server HTTP/1.1\r\n\r\n",
    "line feed in a path": "GET /a%0AERROR%20forged HTTP/1.1\r\n\r\n",
    "colour in a path": "GET /\x9b31m HTTP/1.1\r\n\r\n",
    "colour in an agent": "GET /nothing HTTP/1.1\r\nUser-Agent: \x1b[31m\r\n\r\n",
    "bytes that are no text": "GET /%ff%fe HTTP/1.1\r\n\r\n",
    "large header": f"GET / HTTP/1.1\r\nX-A: {'y' * 80_000}\r\n\r\n",
    "not HTTP": f"\x16\x03\x01{SECRET}\r\n\r\n",
    "body too long": f"POST /server HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n{SECRET}",
    "broken length": f"POST /server HTTP/1.1\r\nContent-Length: {SECRET}\r\n\r\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("log_bounds")
    plain = ("--log-format", "%(levelname)s %(name)s %(message)s")  # what a terminal shows
    store = make_store(folder / "small.headbrush")
    with served(store, *plain, log=folder / "log") as running:
        yield running


def send(server, text):
    """Send bytes as they are, and wait for the answer."""
    text = text.replace("HERE", server.url).replace("\r\n", "\r\nHost: localhost\r\n", 1)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as stream:
        try:
            stream.sendall(text.encode("latin-1"))
            stream.recv(1 << 16)
        except ConnectionError:
            pass  # refused before all was sent


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_logged_in_short_printable_lines_without_a_secret(server, text):
    before = len(server.log)
    send(server, text)
    assert server.get("/nothing-else").status == 404
    until(lambda: "/nothing-else" in server.log[before:])
    lines = server.log[before:].split("\n")[:-1]
    assert all(line.isprintable() and len(line) < 800 for line in lines)
    assert not any(line.startswith(("ERROR", "CRITICAL", "Traceback")) for line in lines)
    assert SECRET not in server.log
