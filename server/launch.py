"""Start ``bokeh serve`` for stores, after checking what can be checked."""

import os
import socket
import sys
from pathlib import Path

from analysis.errors import InputError
from analysis.store import Store

_DEFAULT_PORT = 5006


def serve(stores: list[Path], options: list[str]) -> None:
    """Replace this process by ``bokeh serve server OPTIONS --args STORES``.

    Raises
    ------
    InputError
        If a store cannot be read or the port is taken.
    """
    for path in stores:
        Store(path)
    port = _port(options)
    if port and not _is_free(port, _option(options, "--address") or ""):
        raise InputError(f"port {port} is in use; stop what uses it or give another --port.")
    application = Path(__file__).parent
    print(f"headbrush: http://localhost:{port or '(port below)'}/{application.name}", flush=True)
    command = [sys.executable, "-m", "bokeh", "serve", str(application), *options]
    os.execv(sys.executable, [*command, "--args", *(str(path.resolve()) for path in stores)])


def _option(options: list[str], name: str) -> str | None:
    for index, word in enumerate(options):
        if word == name and index + 1 < len(options):
            return options[index + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None


def _port(options: list[str]) -> int:
    text = _option(options, "--port")
    if text is None:
        return _DEFAULT_PORT
    if not text.isdecimal() or int(text) > 65535:
        raise InputError(f"--port {text}: expected a number from 0 to 65535.")
    return int(text)


def _is_free(port: int, address: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
