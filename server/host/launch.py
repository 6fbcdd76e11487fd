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
    arguments = parse_options(options)
    options, added = guarded_options(arguments, options, os.environ)
    if arguments.no_live:
        added[null_model.VARIABLE] = "yes"
    if not 0 <= arguments.port <= 65535:
        raise InputError(f"--port {arguments.port}: expected a number from 0 to 65535.")
    if (
        arguments.port
        and not arguments.unix_socket
        and not _is_free(arguments.port, arguments.address)
    ):
        raise InputError(
            f"port {arguments.port} is in use; stop what uses it or give another --port."
        )
    _print_address(arguments, bool(arguments.auth_module) or "--auth-module" in options)
    command = [*command_of("headbrush.server.host.serve_command"), str(APP), *options]
    words = [*command, "--args", *(str(path.resolve()) for path in stores)]
    os.execve(sys.executable, words, {**os.environ, **added})


class _Parser(ArgumentParser):
    """Refuses in one line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}.")


def parse_options(options: list[str]) -> Namespace:
    parser = _Parser(prog="headbrush serve", add_help=False)
    ServeStores(parser=parser)
    arguments = parser.parse_args(options)
    if arguments.files or arguments.args:
        raise InputError("name the stores first: headbrush serve STORE... [bokeh option]...")
    return arguments


def _print_address(arguments: Namespace, is_guarded: bool) -> None:
    """Print the address, and warnings."""
    scheme = "https" if arguments.ssl_certfile else "http"
    where = arguments.unix_socket or (
        f"{scheme}://localhost:{arguments.port or '(port below)'}"
        f"{'/' + arguments.prefix.strip('/') if arguments.prefix else ''}/{APP.name}"
    )
    print(f"headbrush: {where}", flush=True)
    beyond = arguments.address is not None and not is_loopback(arguments.address)
    if beyond and is_guarded and not arguments.ssl_certfile:
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
