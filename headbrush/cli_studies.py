"""The commands about what heads do to one another: ``compensation``."""

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
