"""The commands about what heads do to one another: ``compensation`` and ``interactions``."""

from pathlib import Path
from typing import Annotated

import typer

from headbrush import cli_options as option
from headbrush.cli_console import one_line_errors, out_console


def compensation_command(
    store: Annotated[Path, typer.Argument(help="The store.")],
    images: option.StudyImages = None,
    seed: option.StudySeed = 0,
    scheduler: option.Scheduler = None,
) -> None:
    """Tell what later heads, MLPs and the norm answer when a head is pruned.

    The answer is kept in the store. When it is stopped, the same command goes on.
    """
    with one_line_errors():
        from headbrush import compensation
        from headbrush.analysis.store.facts.studies.compensation import compensation_words

        found = compensation(store, images=images, seed=seed, scheduler=scheduler)
    for sentence in compensation_words(found):
        out_console.print(sentence, markup=False)


def interactions_command(
    store: Annotated[Path, typer.Argument(help="The store.")],
    groups: Annotated[
        str,
        typer.Option(
            help="What is pruned as one: heads; or layers, or names (all heads of one pattern "
            "name), for models with many heads."
        ),
    ] = "heads",
    images: option.StudyImages = None,
    seed: option.StudySeed = 0,
    scheduler: option.Scheduler = None,
    out: Annotated[Path | None, typer.Option(help="All pairs to write, FILE.csv.")] = None,
) -> None:
    """Tell which pairs of heads stand in for each other, and which overlap.

    The answer is kept in the store. When it is stopped, the same command goes on.
    """
    with one_line_errors():
        from headbrush import interactions
        from headbrush.analysis.store.facts.studies.interactions import interaction_words

        found = interactions(
            store, groups=groups, images=images, seed=seed, scheduler=scheduler, out=out
        )
    for sentence in [*interaction_words(found), *([f"{out}: written."] if out else [])]:
        out_console.print(sentence, markup=False)
