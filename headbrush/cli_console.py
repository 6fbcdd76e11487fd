"""What all commands share: where they print, and one clear line for bad input."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape

from headbrush.analysis.store.errors import InputError

FAILED = 2
"""Exit code of a command that was refused, or could not go on."""
out_console = Console(highlight=False)
wide_console = Console(highlight=False, width=400)
"""For tables in which a line stays a line, also where the terminal is narrow."""
err_console = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn a refusal into one line and exit code 2, and Ctrl-C into 130.

    Raises
    ------
    typer.Exit
        Instead of either.
    """
    try:
        yield
    except InputError as error:
        err_console.print(f"headbrush: {escape(' '.join(str(error).split()))}")
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt:
        err_console.print("headbrush: stopped; run the same command to resume.")
        raise typer.Exit(130) from None


def command_line() -> str:
    """The command as it was given."""
    return shlex.join(["headbrush", *sys.argv[1:]])
