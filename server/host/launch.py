"""Start the server for stores, after checking what can be checked."""

import os
import socket
import sys
from argparse import Action, ArgumentParser, Namespace
from pathlib import Path
from typing import Any, NoReturn

from headbrush.analysis.store.errors import InputError, nearest
from headbrush.server.host.access import guarded_options
from headbrush.server.host.answers.addresses import is_loopback
from headbrush.server.host.serve_command import ServeStores
from headbrush.server.stores.catalogue import check
from headbrush.server.stores.model import null_model
from headbrush.server.tools.assets import APP
from headbrush.server.tools.child_process import command_of

BLOCKED_PORTS = frozenset(
    (1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
     103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
     512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
     995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
     6669, 6679, 6697, 10080)
)  # fmt: skip
"""The ports that browsers never open: "bad ports" of the Fetch standard."""


def serve(stores: list[Path], options: list[str]) -> None:
    """Replace this process by the server: ``bokeh serve server OPTIONS --args STORES`` and more.

    Raises
    ------
    InputError
        If a store cannot be read, the port is taken, or the server would let in more people than
        the options say.
    """
    words, environment = server_command(stores, options)
    os.execve(sys.executable, words, environment)


def server_command(
    stores: list[Path], options: list[str], is_quiet: bool = False
) -> tuple[list[str], dict[str, str]]:
    """The command of the server and its environment; prints the address.

    Raises
    ------
    InputError
        As :func:`serve`.
    """
    if sys.platform == "win32":
        raise InputError(
            "a page needs Linux or macOS, also Linux inside Windows (WSL); on Windows itself make "
            "a report: headbrush report STORE --out FILE.html."
        )
    check(stores)
    arguments = parse_options(options)
    options, added = guarded_options(arguments, options, os.environ)
    if arguments.no_live:
        added[null_model.VARIABLE] = "yes"
    if not arguments.unix_socket:
        demand_port(arguments.port, arguments.address)
    if not is_quiet:
        _print_address(arguments, bool(arguments.auth_module) or "--auth-module" in options)
    command = [*command_of("headbrush.server.host.serve_command"), str(APP), *options]
    words = [*command, "--args", *(str(path.resolve()) for path in stores)]
    return words, {**os.environ, **added}


def demand_port(port: int, address: str | None = None) -> None:
    """Check that a server can use a port, and that browsers will open it.

    Raises
    ------
    InputError
        If not; ``str()`` says why.
    """
    if not 0 <= port <= 65535:
        raise InputError(f"--port {port}: expected a number from 0 to 65535.")
    if port in BLOCKED_PORTS:
        raise InputError(f"--port {port}: browsers refuse to open this port; give another one.")
    if port and not _is_free(port, address):
        raise InputError(f"port {port} is in use; stop what uses it or give another --port.")


class _Parser(ArgumentParser):
    """Refuses in one line, and knows the names of its options."""

    def __init__(self, **kwargs: Any) -> None:
        self.names: list[str] = []
        super().__init__(**kwargs)

    def add_argument(self, *names: Any, **kwargs: Any) -> Action:
        """Note the names, and go on as any parser."""
        self.names += names
        return super().add_argument(*names, **kwargs)

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}.")


def parse_options(options: list[str]) -> Namespace:
    parser = _Parser(prog="headbrush serve", add_help=False)
    ServeStores(parser=parser)
    arguments, unknown = parser.parse_known_args(options)
    if unknown:
        name = unknown[0].partition("=")[0]
        raise InputError(f"unrecognized arguments: {name}.{nearest(name, parser.names)}")
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
