"""Start the server for stores, after checking what can be checked."""

import os
import sys
from argparse import Action, ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from headbrush.analysis.store.errors import InputError, nearest
from headbrush.server.host.access import guarded_options
from headbrush.server.host.answers.addresses import is_loopback
from headbrush.server.host.ports import demand_pages, demand_port, page_address
from headbrush.server.host.serve_command import ServeStores
from headbrush.server.stores.catalogue import check
from headbrush.server.stores.model import null_model
from headbrush.server.tools.assets import APP
from headbrush.server.tools.child_process import command_of, package_folder


def serve(stores: list[Path], options: list[str], signed: Sequence[str] | None = None) -> None:
    """Become the server: ``bokeh serve server OPTIONS --args STORES`` and more.

    Parameters
    ----------
    signed
        What :func:`sign_here` has set in this process, which may then serve itself; else another
        process takes its place.

    Raises
    ------
    InputError
        If a store cannot be read, the port is taken, or the server would let in more people than
        the options say.
    """
    words, environment = server_command(stores, options)
    arguments = parse_options(options)
    if signed is not None and arguments.session_ids is None and arguments.num_procs == 1:
        _serve_here(words, environment)
    if arguments.session_ids is not None:  # then the options say whether they are signed
        environment = {name: environment[name] for name in environment.keys() - set(signed or ())}
    os.execve(sys.executable, words, environment)


def _serve_here(words: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Serve in this process, which has imported most of what it needs; not before a fork."""
    from headbrush.server.host import serve_command

    if Path(sys.path[0]).resolve() == Path.cwd() != package_folder():
        del sys.path[0]  # a file in the folder where this was started is not ours
    os.environ.update(environment)
    sys.argv = ["headbrush serve", *words[words.index(str(APP)) :]]
    serve_command.main()
    raise SystemExit


def server_command(
    stores: list[Path], options: list[str], is_quiet: bool = False
) -> tuple[list[str], dict[str, str]]:
    """The command of the server and its environment; prints the address.

    Raises
    ------
    InputError
        As :func:`serve`.
    """
    demand_pages()
    check(stores)
    words, environment = unchecked_command(stores, options)
    if not is_quiet:
        arguments = parse_options(options)
        _print_address(arguments, bool(arguments.auth_module) or "--auth-module" in words)
    return words, environment


def unchecked_command(stores: list[Path], options: list[str]) -> tuple[list[str], dict[str, str]]:
    """The same for stores that need not be there yet; prints nothing.

    Raises
    ------
    InputError
        If the port is taken, or the server would let in more people than the options say.
    """
    arguments = parse_options(options)
    options, added = guarded_options(arguments, options, os.environ)
    if arguments.no_live:
        added[null_model.VARIABLE] = "yes"
    if not arguments.unix_socket:
        demand_port(arguments.port, arguments.address)
    command = [*command_of("headbrush.server.host.serve_command"), str(APP), *options]
    words = [*command, "--args", *(str(path.resolve()) for path in stores)]
    return words, {**os.environ, **added}


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
    address = page_address(arguments.port, scheme, arguments.prefix or "")
    print(f"headbrush: {arguments.unix_socket or address}", flush=True)
    beyond = arguments.address is not None and not is_loopback(arguments.address)
    if beyond and is_guarded and not arguments.ssl_certfile:
        print(
            "headbrush: without TLS the password is sent unencrypted: put a proxy with https "
            "in front, or give --ssl-certfile and --ssl-keyfile.",
            flush=True,
        )
