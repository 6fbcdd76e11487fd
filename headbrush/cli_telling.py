"""The commands that tell about stores: ``info``, ``trends`` and ``doctor``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headbrush import cli_options as option
from headbrush.cli_console import err_console, one_line_errors, out_console, wide_console


def info(
    store: Annotated[Path, typer.Argument(help="The store.")],
    heads: Annotated[
        bool, typer.Option("--heads", help="List the heads: what each has learned and matters.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for other programs.")] = False,
) -> None:
    """Print what a store holds, its size, and how it was made."""
    with one_line_errors():
        if as_json:
            _print_json(store, heads)
        else:
            _print_table(store, heads)


def _print_table(store: Path, heads: bool) -> None:
    from headbrush.analysis.store.facts.head_table import head_rows
    from headbrush.analysis.store.facts.store_info import facts_of
    from headbrush.analysis.store.store import Store, store_size

    opened = Store(store, unfinished=True)
    rows = head_rows(opened) if heads else facts_of(opened, store_size(store))
    table = Table(box=None, show_header=False)
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    for column in table.columns:
        column.overflow = "fold"  # a checksum is of use as a whole only
    (wide_console if heads else out_console).print(table)


def _print_json(store: Path, heads: bool) -> None:
    from headbrush.analysis.store.facts.store_json import heads_json, store_json
    from headbrush.analysis.store.store import Store, store_size

    opened = Store(store, unfinished=True)
    typer.echo(heads_json(opened) if heads else store_json(opened, store_size(store)))


def trends_command(
    store: Annotated[Path, typer.Argument(help="The store.")],
    metric: Annotated[
        str, typer.Option(help="Metric of importance; by default the page's first.")
    ] = "",
    permutations: Annotated[int, typer.Option(help="How often the labels are shuffled.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the shuffling.")] = 0,
    compare: Annotated[
        str,
        typer.Option(help="class: each with all others; wrong: its wrong predictions with right."),
    ] = "class",
    beside: option.Beside = None,
    match: option.Match = "place",
    out: Annotated[Path | None, typer.Option(help="The table to write, FILE.csv.")] = None,
) -> None:
    """Tell which heads matter more, or less, to a class, or in one store than in another."""
    with one_line_errors():
        from headbrush import trends
        from headbrush.server.stores.trends.beside import beside_words, match_words
        from headbrush.server.stores.trends.words import trend_words

        table = trends(
            store, metric=metric, permutations=permutations, seed=seed, compare=compare,
            beside=beside, match=match, out=out,
        )  # fmt: skip
        if beside is None:
            sentences = trend_words(table, permutations, compare)
        else:
            sentences = beside_words(table, match_words(match), (store.stem, beside.stem))
    for sentence in sentences:
        out_console.print(sentence, markup=False)


def doctor(stores: Annotated[list[Path], typer.Argument(help="The stores.")]) -> None:
    """Check whole stores: what is damaged, and how to mend it.

    Exit code 0: all are sound; 1: something is damaged; 2: one is not a store.
    """
    with one_line_errors():
        from headbrush.analysis.doctor.diagnose import diagnose

        code = diagnose(stores, Console(highlight=False, soft_wrap=True), err_console)
    raise typer.Exit(code)
