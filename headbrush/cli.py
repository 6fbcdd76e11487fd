"""The command line.

A command is in the file of what it is for, and imports the analysis or the server when it runs.
"""

from typing import Annotated

import typer

from headbrush import (
    __version__,
    cli_making,
    cli_papers,
    cli_pruning,
    cli_serving,
    cli_studies,
    cli_telling,
)
from headbrush.cli_console import out_console

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        out_console.print(f"headbrush {__version__}")
        raise typer.Exit


@app.callback()
def headbrush(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """How does attention work in this vision transformer?"""


app.command("analyze")(cli_making.analyze_command)
app.command()(cli_making.demo)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    cli_serving.serve
)
app.command("report")(cli_papers.report_command)
app.command("figure")(cli_papers.figure_command)
app.command("explain")(cli_papers.explain_command)
app.command("prune")(cli_pruning.prune_command)
app.command("compensation")(cli_studies.compensation_command)
app.command("interactions")(cli_studies.interactions_command)
app.command("export")(cli_pruning.export_command)
app.command()(cli_serving.password)
app.command()(cli_telling.info)
app.command("trends")(cli_telling.trends_command)
app.command()(cli_telling.doctor)


def main() -> None:
    """Entry point of the command ``headbrush``."""
    app()


if __name__ == "__main__":
    main()
