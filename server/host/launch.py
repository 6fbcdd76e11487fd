"""Start the server for stores, after checking what can be checked."""

import os
import socket
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import NoReturn

from headbrush.analysis.store.errors import InputError
from headbrush.server.host.access import guarded_options
from headbrush.server.host.answers.addresses import is_loopback
from headbrush.server.host.serve_command import ServeStores
from headbrush.server.stores.catalogue import check
from headbrush.server.stores.model import null_model
from headbrush.server.tools.assets import APP
from headbrush.server.tools.child_process import command_of


def serve(stores: list[Path], options: list[str]) -> None:
    """Replace this process by the server: ``bokeh serve server OPTIONS --args STORES`` and more.

    Raises
    ------
    InputError
        If a store cannot be read, the port is taken, or the server would let in more people than
        the options say.
    """
    check(stores)
    asked = _asked(options)
    options, added = guarded_options(asked, options, os.environ)
    if asked.no_live:
        added[null_model.VARIABLE] = "yes"
    if not 0 <= asked.port <= 65535:
        raise InputError(f"--port {asked.port}: expected a number from 0 to 65535.")
    if asked.port and not asked.unix_socket and not _is_free(asked.port, asked.address):
        raise InputError(f"port {asked.port} is in use; stop what uses it or give another --port.")
    _say(asked, bool(asked.auth_module) or "--auth-module" in options)
    command = [*command_of("headbrush.server.host.serve_command"), str(APP), *options]
    words = [*command, "--args", *(str(path.resolve()) for path in stores)]
    os.execve(sys.executable, words, {**os.environ, **added})


class _Parser(ArgumentParser):
    """Refuses in one line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}.")


def _asked(options: list[str]) -> Namespace:
    parser = _Parser(prog="headbrush serve", add_help=False)
    ServeStores(parser=parser)
    asked = parser.parse_args(options)
    if asked.files or asked.args:
        raise InputError("name the stores first: headbrush serve STORE... [bokeh option]...")
    return asked


def _say(asked: Namespace, is_guarded: bool) -> None:
    """Print the address, and warnings."""
    scheme = "https" if asked.ssl_certfile else "http"
    where = asked.unix_socket or (
        f"{scheme}://localhost:{asked.port or '(port below)'}"
        f"{'/' + asked.prefix.strip('/') if asked.prefix else ''}/{APP.name}"
    )
    print(f"headbrush: {where}", flush=True)
    beyond = asked.address is not None and not is_loopback(asked.address)
    if beyond and is_guarded and not asked.ssl_certfile:
        print(
            "headbrush: without TLS the password is sent unencrypted: put a proxy with https "
            "in front, or give --ssl-certfile and --ssl-keyfile.",
            flush=True,
        )


def _is_free(port: int, address: str | None) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in (address or "") else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("localhost" if address is None else address, port))
        except OSError:
            return False
    return True
