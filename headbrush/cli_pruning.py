"""The commands about models without some of their heads: ``export``."""

from pathlib import Path
from typing import Annotated

import typer

from headbrush.cli_console import one_line_errors, out_console


def export_command(
    store: Annotated[Path, typer.Argument(help="The store.")],
    prune: Annotated[str, typer.Option(help="Heads to leave out, such as 2.0,3.4.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")],
) -> None:
    """Write the store's model without some heads: smaller, same outputs, loaded by timm only."""
    with one_line_errors():
        from headbrush import export

        proof = export(store, prune, out)
    out_console.print(f"{out}: written; {proof}.", markup=False, soft_wrap=True)
