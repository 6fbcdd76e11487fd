"""The commands that write what leaves the page: ``report``, ``figure`` and ``explain``."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from headbrush import cli_options as option
from headbrush.analysis.store.errors import InputError
from headbrush.cli_console import err_console, one_line_errors, out_console

_MEANS = "for means the model is asked about one image after the other, which may take minutes …"
"""Said while it lasts, and only in a terminal."""


def report_command(
    store: Annotated[Path, typer.Argument(help="The store.")],
    out: Annotated[Path, typer.Option(help="The file to write, FILE.html.")],
    images: option.ReportImages = None,
    heads: option.ReportHeads = None,
    views: option.View = None,
    prune: option.ReportPrune = "",
    data: option.Data = None,
    fragment: option.Fragment = False,
    beside: option.Beside = None,
    match: option.Match = "place",
) -> None:
    """Write a store's views as one HTML file that needs no server and keeps linked brushing.

    To make a file of more than 8 MB smaller, give fewer --head, --image or --view.
    """
    if beside is not None:
        _report_of_two(store, beside, match, out, images, heads, views, prune, data, fragment)
        return
    with one_line_errors():
        from headbrush.analysis.store.atomic_files import check_writable
        from headbrush.server.pages.report.parts.fast_start import hurried
        from headbrush.server.stores.trends.matching import refuse_match

        refuse_match(match)

        for file in (out, *([data] if data else [])):
            check_writable(file)
        with _failures_logged(out), hurried(store, views or ()) as opened:
            from headbrush.server.pages.report.make_report import make_report

            with err_console.status(f"making the report; {_MEANS}"):
                made = make_report(opened, images or (), heads or (), views or (), prune=prune)
            size = f"{made.save(out, fragment) / 1e6:.1f} MB."
            if data:
                made.save_data(data)
    _say_failures(made.failed, out)
    size = size if fragment else made.size_words
    if made.request.why:
        out_console.print(made.request.why, markup=False)
    pages = len(made.pages)
    head_pages = f"{pages} head page{'' if pages == 1 else 's'}"
    out_console.print(f"{out}: {head_pages}, {size}", markup=False)


def _report_of_two(store: Path, beside: Path, match: str, out: Path, *one_store: object) -> None:
    """Write a report of two stores; ``one_store`` are the options that it does not take."""
    with one_line_errors():
        from headbrush.analysis.store.atomic_files import check_writable
        from headbrush.server.pages.report.make_pair_report import check_pair, make_pair_report

        check_pair(*one_store)
        check_writable(out)
        with _failures_logged(out):
            made = make_pair_report([store, beside], match=match)
            made.save(out)
    _say_failures(made.failed, out)
    out_console.print(f"{out}: two stores, {made.size_words}", markup=False)


def _say_failures(failures: Sequence[str], out: Path) -> None:
    for failure in failures:
        err_console.print(f"headbrush: {escape(failure)} Details: {escape(str(_log_of(out)))}")


def _log_of(out: Path) -> Path:
    return out.with_name(f"{out.name}.log")


@contextmanager
def _failures_logged(out: Path) -> Iterator[None]:
    """Append the log to a file beside ``out``, which is only made if something is logged."""
    path, logger = _log_of(out), logging.getLogger("headbrush")
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    logger.addHandler(handler)
    try:
        yield
    except InputError as error:
        if handler.stream:
            raise InputError(f"{error} Details: {path}") from error
        raise
    finally:
        logger.removeHandler(handler)
        handler.close()


def figure_command(
    store: Annotated[Path, typer.Argument(help="The store.")],
    head: Annotated[str | None, typer.Option(help="LAYER.HEAD.")] = None,
    image: Annotated[
        str | None, typer.Option(help="Id or file name, or all: means over images.")
    ] = None,
    panel: Annotated[
        str, typer.Option(help="Letter of a panel, A to G3, or head: several of one head.")
    ] = "head",
    link: Annotated[
        str, typer.Option(help="Address of a page: its selection, brush, metric and colours.")
    ] = "",
    width: Annotated[
        str, typer.Option(help="one column (3.35 in), two columns (6.9 in), or inches.")
    ] = "one",
    dpi: Annotated[int, typer.Option(help="Of PNG, and of pictures in PDF and SVG.")] = 300,
    caption: Annotated[bool, typer.Option(help="Write the caption below.")] = True,
    out: Annotated[
        Path | None, typer.Option(help="FILE.pdf, .svg or .png; by default a PDF named by content.")
    ] = None,
) -> None:
    """Draw a view, or all of one head, as a figure for a paper: PDF, SVG or PNG.

    --head and --image come before those of --link.
    """
    with one_line_errors():
        from headbrush.server.pages.figures.request import check_out

        if out is not None:
            check_out(out)
        from headbrush.server.pages.figures.make_figure import make_figure, save_figure

        with err_console.status(f"drawing; {_MEANS}"):
            made, stem, note = make_figure(store, head, image, panel, width, dpi, link, caption)
        path = out or Path(f"{stem}.pdf")
        size = save_figure(made, path)
    if note:
        err_console.print(f"headbrush: {escape(note)}")
    wide, high = made.get_size_inches()
    out_console.print(f"{path}: {wide:.2f} × {high:.2f} in, {size / 1000:.0f} kB", markup=False)


def explain_command(
    store: Annotated[Path, typer.Argument(help="The store.")],
    image: Annotated[str, typer.Option(help="Id or file name.")],
    class_name: Annotated[
        str | None,
        typer.Option("--class-name", "--class", help="Name or id; by default the predicted one."),
    ] = None,
    maps: Annotated[
        list[str] | None,
        typer.Option(
            help="attends, moves, speaks, rollout, generic, lens, ablation; repeatable; by default "
            "all."
        ),
    ] = None,
    tile: Annotated[
        str,
        typer.Option(
            help="Patches of a side of what ablation removes: 1, 2, 4; auto: 4, divided where it "
            "matters."
        ),
    ] = "auto",
    width: Annotated[
        str, typer.Option(help="one column (3.35 in), two columns (6.9 in), or inches.")
    ] = "two",
    dpi: Annotated[int, typer.Option(help="Of PNG, and of pictures in PDF and SVG.")] = 300,
    caption: Annotated[bool, typer.Option(help="Write the caption below.")] = True,
    out: Annotated[
        Path | None, typer.Option(help="FILE.pdf, .svg or .png; by default explanation.pdf.")
    ] = None,
) -> None:
    """Explain the prediction of one image: maps of its patches, what heads speak for, sinks."""
    path = out or Path("explanation.pdf")
    with one_line_errors():
        from headbrush import explain

        made = explain(
            store, image, class_name=class_name, maps=maps or (), tile=tile, width=width,
            dpi=dpi, caption=caption, out=path,
        )  # fmt: skip
    out_console.print(made.figure.caption, markup=False)
    out_console.print(f"{path}: written.", markup=False)
