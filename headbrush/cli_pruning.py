"""The commands about models without some of their heads: ``prune`` and ``export``."""

from pathlib import Path
from typing import Annotated

import typer

from headbrush import cli_options as option
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.facts.percent import exact_percent
from headbrush.cli_console import one_line_errors, out_console

_MOST_NAMES = 10
"""Of images whose prediction flips."""


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


def prune_command(
    store: Annotated[Path, typer.Argument(help="The store.")],
    set: Annotated[
        str | None, typer.Option(help="Predict without these heads, such as 2.0,3.4,5.1:4.")
    ] = None,
    curve: Annotated[
        bool, typer.Option("--curve", help="Draw accuracy with fewer and fewer heads.")
    ] = False,
    order: Annotated[
        list[str] | None,
        typer.Option(
            help="Of the curve: random, jsd, gradient, greedy, repeated; repeatable; by default "
            "all."
        ),
    ] = None,
    images: Annotated[
        int | None,
        typer.Option(help="Of the curve: half to choose orders, half to draw; by default all."),
    ] = None,
    draws: Annotated[int, typer.Option(help="Random orders of the curve.")] = 10,
    step: Annotated[int, typer.Option(help="Heads between two points of the curve.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the curve's halves and random orders.")] = 0,
    scheduler: option.Scheduler = None,
    out: Annotated[
        Path | None, typer.Option(help="Figure of the curve: FILE.pdf, .svg or .png.")
    ] = None,
) -> None:
    """Tell what a store's model does without some heads: --set HEADS or --curve.

    A curve is kept in the store. When it is stopped, the same command goes on.
    """
    with one_line_errors():
        if (set is None) is not curve:
            raise InputError("give either --set HEADS or --curve.")
        if set is not None:
            sentences = _effect(store, set)
        else:
            from headbrush import curve as draw
            from headbrush.analysis.store.facts.studies.curve import curve_words

            found = draw(
                store, order=order or (), images=images, draws=draws, step=step, seed=seed,
                scheduler=scheduler, out=out,
            )  # fmt: skip
            sentences = [found.figure.caption, *curve_words(found.curve)]
            sentences += [f"{out}: written."] if out else []
    for sentence in sentences:
        out_console.print(sentence, markup=False)


def _effect(store: Path, heads: str) -> list[str]:
    from headbrush import prune
    from headbrush.analysis.store.store import Store

    effect, names = prune(store, heads), Store(store).read("name")
    low, high = effect.interval
    flips = len(effect.flipped)
    shown = ", ".join(str(names[image]) for image in effect.flipped[:_MOST_NAMES])
    more = f" and {flips - _MOST_NAMES} more" if flips > _MOST_NAMES else ""
    accuracy = (
        f"accuracy {exact_percent(effect.accuracy)} (95 % interval {exact_percent(low)} to "
        f"{exact_percent(high)}), before {exact_percent(effect.accuracy_before)}"
        if effect.labelled
        else "no image has a class"
    )
    return [
        f"{effect.count} images: {accuracy}; mean divergence {effect.jsd:.3g} bits.",
        f"{flips} predictions flip{': ' if flips else '.'}{shown}{more}",
    ]
