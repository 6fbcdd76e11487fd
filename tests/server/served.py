"""A real server in a process of its own, asked over HTTP and websockets."""

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

from tests.processes import stop
from tests.waiting import until

ROOT = Path(__file__).parent.parent.parent


def run_apart(ask: Callable[[], Coroutine[None, None, Any]]) -> Any:
    """What a coroutine returns, on a thread of its own: Playwright has a loop on this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(IOLoop(make_current=False).run_sync, ask, 30).result()


class Served:
    """A server that runs: its address, its process and what it wrote."""

    def __init__(self, port: int, process: subprocess.Popen, log: Path, prefix: str) -> None:
        self.port, self.process, self._log, self._prefix = port, process, log, prefix
        self.url = f"http://127.0.0.1:{port}"

    @property
    def log(self) -> str:
        return self._log.read_text()

    def get(self, path: str, cookie: str = "", **headers: str) -> "Answer":
        """The answer to a GET; redirects are not followed."""
        return self._ask("GET", path, None, headers | ({"Cookie": cookie} if cookie else {}))

    def post(self, path: str, cookie: str, **form: str) -> "Answer":
        """The answer to a form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, urllib.parse.urlencode(form), kind | {"Cookie": cookie})

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> "Answer":
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        found = Answer(answer.status, answer.headers, answer.read().decode("utf-8", "replace"))
        connection.close()
        return found

    def log_in(self, password: str, place: str = "/") -> "Answer":
        """What the login form answers."""
        form = self.get(f"{self._prefix}/login")
        xsrf = re.search(r'name="_xsrf" value="([^"]+)"', form.text)[1]
        return self.post(
            f"{self._prefix}/login", form.cookies, password=password, _xsrf=xsrf, next=place
        )

    def websocket(self, token: str, cookie: str = "", origin: str = "") -> str:
        """First message of a page's websocket; raises if it is refused."""

        async def ask() -> str:
            headers = {"Origin": origin or self.url} | ({"Cookie": cookie} if cookie else {})
            address = f"ws://127.0.0.1:{self.port}{self._prefix}/server/ws"
            request = HTTPRequest(address, headers=headers, request_timeout=20)
            socket_ = await websocket_connect(request, subprotocols=["bokeh", token])
            message = await socket_.read_message()
            socket_.close()
            return message

        return run_apart(ask)


class Answer:
    """Status, headers and text."""

    def __init__(self, status: int, headers: http.client.HTTPMessage, text: str) -> None:
        self.status, self.headers, self.text = status, headers, text

    @property
    def cookies(self) -> str:
        """The cookies that were set, as a browser sends them back."""
        return "; ".join(line.split(";")[0] for line in self.headers.get_all("Set-Cookie", []))

    @property
    def token(self) -> str:
        """The token with which the page opens its websocket."""
        return re.search(r'"token":"([^"]+)"', self.text)[1]


def free_port(port: int = 0) -> int:
    """``port`` if it is free, for 0 any that is."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return probe.getsockname()[1]


@contextmanager
def served(
    store: Path, *options: str, log: Path, port: int = 0, root: Path = ROOT, prefix: str = ""
) -> Iterator[Served]:
    """A server of ``store`` that answers, at a free port; it is stopped afterwards."""
    port = free_port(port)
    words = [sys.executable, "-m", "headbrush", "serve", str(store), "--port", str(port), *options]
    environment = os.environ | {"PYTHONPATH": str(root)}
    with running(words, port, log, log.parent, environment, prefix) as server:
        yield server


@contextmanager
def running(
    words: Sequence[str], port: int, log: Path, folder: Path, environment: Mapping[str, str],
    prefix: str = "",
) -> Iterator[Served]:  # fmt: skip
    """The server that a command starts in a folder, once it answers; it is stopped afterwards."""
    with log.open("w") as output:
        process = subprocess.Popen(words, stdout=output, stderr=output, cwd=folder, env=environment)
    try:
        _wait(process, f"http://127.0.0.1:{port}{prefix}/server/static/theme.js", log)
        yield Served(port, process, log, prefix)
    finally:
        stop(process)


def _wait(process: subprocess.Popen, url: str, log: Path) -> None:
    def answers() -> bool:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            return False
        return True

    try:
        until(answers, 60)
    except AssertionError as error:
        raise AssertionError(f"the server did not start: {log.read_text()}") from error


def broken_copy(root: Path, edits: dict[str, tuple[str, str]]) -> Path:
    """headbrush at ``root`` with files of its server edited by a pattern and a replacement."""
    shutil.copytree(ROOT / "headbrush", root / "headbrush")  # what its links name, too
    for name, (pattern, replacement) in edits.items():
        path = root / "headbrush" / "server" / name
        edited, count = re.subn(pattern, replacement, path.read_text(), count=1)
        assert count == 1
        path.write_text(edited)
    return root
