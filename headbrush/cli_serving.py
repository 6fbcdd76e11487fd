"""The commands of a page: ``serve`` and ``password``."""

import sys
from pathlib import Path

import typer

from headbrush import cli_options as option
from headbrush.analysis.store.errors import InputError
from headbrush.cli_console import one_line_errors, out_console


def serve(context: typer.Context) -> None:
    """Serve stores as pages: headbrush serve STORE... OPTIONS

    \b
    --port N                 Port of the page, 5006 by default; 0: any free one.
    --address HOST           Address to listen at; this computer only by default.
    --allow-websocket-origin HOST[:PORT]
                             Another name under which browsers reach the page.
    --prefix PATH            Path of the page behind a proxy.
    --password-file FILE     Ask for the password of 'headbrush password'.
    --no-auth                Let in everyone who can reach the address.
    --no-live                Run no model and open no image of a store.
    --num-procs N            Number of processes that share the port.
    --log-file FILE          Write the log to a file.

    All other options of 'bokeh serve' work too.
    """
    with one_line_errors():
        words = context.args
        first_option = next((i for i, w in enumerate(words) if w.startswith("-")), len(words))
        if not first_option:
            raise InputError("name the stores first: headbrush serve STORE... [bokeh option]...")
        from headbrush.server.host.login.signing import sign_here

        signed = sign_here()  # before Bokeh is imported
        from headbrush.server.host.launch import serve as run_server

        run_server([Path(word) for word in words[:first_option]], words[first_option:], signed)


def password(file: option.PasswordFile) -> None:
    """Choose a password for 'serve --password-file FILE'; only its hash is stored."""
    with one_line_errors():
        from headbrush.server.host.login.passwords import write_password_file

        if sys.stdin.isatty():
            chosen = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        else:
            chosen = sys.stdin.readline().rstrip("\n")
        write_password_file(file, chosen)
    out_console.print(
        f"{file}: written. Use: headbrush serve STORE --password-file {file}", markup=False
    )
