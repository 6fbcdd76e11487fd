"""A server in the background of a notebook or script."""

import atexit
import re
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from headbrush.analysis.store.errors import InputError
from headbrush.server.host.answers.headers import FRAMES
from headbrush.server.host.launch import parse_options, server_command
from headbrush.server.host.ports import BLOCKED_PORTS
from headbrush.server.tools.assets import APP

_PATIENCE_S = 120.0
_STEP_S = 0.1
_LOCAL_FRAMES = "http://localhost:* http://127.0.0.1:*"
"""Notebooks on this computer."""
_PROXY = re.compile(r"https?://[\w.:\[\]-]+(/[\w.~@%{}/-]*)?")


class Serving:
    """A server that runs until ``stop()``, or until this process ends.

    Parameters
    ----------
    stores
        The folders of the stores.
    port
        Port of the page; 0: any free one.
    options
        More words of ``headbrush serve``.
    proxy
        Address under which browsers reach the server where a proxy is in front; ``{port}`` in it
        is the port.
    height
        Of the frame in a notebook, in pixels.

    Attributes
    ----------
    url
        Address of the page, as browsers reach it.

    Raises
    ------
    InputError
        If a store cannot be read, the port cannot be used, or the server does not start.
    """

    def __init__(
        self,
        stores: list[Path],
        port: int = 0,
        options: Sequence[str] = (),
        proxy: str = "",
        height: int = 900,
    ) -> None:
        port = port or _free_port()
        outside = _outside(proxy, port)
        words = ["--port", str(port), *options]
        if outside:
            words += ["--allow-websocket-origin", urlsplit(outside).netloc]
        command, environment = server_command(stores, words, is_quiet=True)
        prefix = (parse_options(words).prefix or "").strip("/")
        own = f"http://localhost:{port}{f'/{prefix}' if prefix else ''}"
        self.url = f"{outside or own}/{APP.name}"
        self._height = height
        environment[FRAMES] = f"'self' {_origin(outside)}" if outside else _LOCAL_FRAMES
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (stop closes it)
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
        atexit.register(self.stop)
        try:
            self._wait(f"{own.replace('localhost', '127.0.0.1')}/healthz")
        except BaseException:
            self.stop()
            raise

    @property
    def is_running(self) -> bool:
        """Whether the server has not ended."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the server; its pages say so."""
        atexit.unregister(self.stop)
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<headbrush at {self.url}>" if self.is_running else "<headbrush, stopped>"

    def _repr_html_(self) -> str:
        """The page in a frame, and a link to it, for notebooks."""
        if not self.is_running:
            return "stopped"
        url = escape(self.url)
        return (
            f'<a href="{url}" target="_blank">{url}</a>'
            f'<iframe src="{url}" title="headbrush" allow="clipboard-write; fullscreen" '
            f'style="width: 100%; height: {self._height}px; border: 1px solid #d5dbe1"></iframe>'
        )

    def _wait(self, address: str) -> None:
        end = time.monotonic() + _PATIENCE_S
        while not _answers(address):
            if not self.is_running or time.monotonic() > end:
                raise InputError(f"the server did not start: {self._last_line()}")
            time.sleep(_STEP_S)

    def _last_line(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing.")


def _outside(proxy: str, port: int) -> str:
    """The proxy's address of the server, without the last slash; empty if there is none."""
    if proxy and not _PROXY.fullmatch(proxy):
        raise InputError(
            f"proxy {proxy!r}: expected an address such as "
            "https://hub.example.org/user/me/proxy/{port}."
        )
    return proxy.replace("{port}", str(port)).rstrip("/")


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except (urllib.error.URLError, OSError):  # not yet, or 503 until it is ready
        return False


def _free_port() -> int:
    port = 0
    while not port or port in BLOCKED_PORTS:
        with socket.socket() as probe:
            probe.bind(("localhost", 0))
            port = probe.getsockname()[1]
    return port
