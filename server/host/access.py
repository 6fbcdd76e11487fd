"""Who may reach the server, decided before it listens.

Bokeh by default listens on every interface and does not authenticate anyone. headbrush listens
only on this machine, and beyond it only if the options say which pages may connect and who may see
them.
"""

import secrets
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from bokeh.server.util import create_hosts_allowlist

from headbrush.analysis.store.errors import InputError
from headbrush.server.host.answers.addresses import HOME, is_loopback
from headbrush.server.host.login.passwords import read_password_file
from headbrush.server.host.login.signing import signing

_AUTH_MODULE = Path(__file__).parent / "login" / "auth.py"
_WHO = (
    "give --password-file FILE (made by 'headbrush password FILE'), --auth-module FILE, "
    "or --no-auth to let everyone in"
)


def guarded_options(
    arguments: Namespace, options: Sequence[str], environment: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """The options to serve with, and what to add to the environment.

    Parameters
    ----------
    arguments
        The options as Bokeh parses them.
    options
        The options as given.

    Raises
    ------
    InputError
        If they would let in more people than the options say.
    """
    _refuse_contradictions(arguments, environment)
    try:
        create_hosts_allowlist(arguments.allow_websocket_origin, arguments.port)
    except ValueError as error:
        raise InputError(f"--allow-websocket-origin: {error}; expected HOST[:PORT].") from error
    password_file = arguments.password_file or environment.get("HEADBRUSH_PASSWORD_FILE")
    auth_module = arguments.auth_module or environment.get("BOKEH_AUTH_MODULE")
    origins = arguments.allow_websocket_origin or _words(environment.get("BOKEH_ALLOW_WS_ORIGIN"))
    if arguments.no_auth:
        password_file = None
    if (
        not arguments.unix_socket
        and arguments.address is not None
        and not is_loopback(arguments.address)
    ):
        _require_explicit_access(arguments, origins, bool(password_file or auth_module))
    added = [] if arguments.unix_socket else _loopback_options(arguments, origins)
    secret = {}
    variables = {}
    if password_file:
        read_password_file(Path(password_file))
        variables["HEADBRUSH_PASSWORD_FILE"] = str(Path(password_file).resolve())
        added += ["--auth-module", str(_AUTH_MODULE)]
    if password_file or auth_module:
        added += [] if arguments.enable_xsrf_cookies else ["--enable-xsrf-cookies"]
        if arguments.cookie_secret is None:
            secret["BOKEH_COOKIE_SECRET"] = secrets.token_urlsafe(32)
    if arguments.session_ids is None:
        secret |= signing(environment)
    variables |= {name: value for name, value in secret.items() if not environment.get(name)}
    return [*options, *added], variables


def _refuse_contradictions(arguments: Namespace, environment: Mapping[str, str]) -> None:
    """Refuse options that contradict each other; the environment gives way to --no-auth."""
    module = arguments.auth_module or environment.get("BOKEH_AUTH_MODULE")
    file = arguments.password_file or environment.get("HEADBRUSH_PASSWORD_FILE")
    if file and module and not arguments.no_auth:
        raise InputError("give a password file or an auth module, not both.")
    if arguments.no_auth and (arguments.password_file or module):
        raise InputError(
            "--no-auth lets everyone in: leave it out, or leave out the password or auth module."
        )


def _require_explicit_access(
    arguments: Namespace, origins: Sequence[str], is_guarded: bool
) -> None:
    where = f"--address {arguments.address or repr('')} listens beyond this machine"
    if not origins:
        raise InputError(
            f"{where}: give --allow-websocket-origin HOST[:PORT], as it appears in people's "
            "address bar."
        )
    for origin in origins:
        if not origin.partition(":")[0].strip("*."):
            raise InputError(
                f"--allow-websocket-origin {origin} lets any web page connect: name the host."
            )
    if not (is_guarded or arguments.no_auth):
        raise InputError(f"{where}: {_WHO}.")


def _loopback_options(arguments: Namespace, origins: Sequence[str]) -> list[str]:
    """This machine, under both names that people type for it."""
    added = ["--address", HOME] if arguments.address is None else []
    if not origins and arguments.port:
        for host in (HOME, "127.0.0.1"):
            added += ["--allow-websocket-origin", f"{host}:{arguments.port}"]
    return added


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]
