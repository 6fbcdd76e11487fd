"""The command line; each command imports the analysis or the server when it needs it."""

import logging
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headbrush import __version__
from headbrush import cli_options as option
from headbrush.analysis.store.errors import InputError

if TYPE_CHECKING:
    from headbrush.analysis.run.request import Request

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
FAILED = 2
"""Exit code of a command that was refused, or could not go on."""
_out = Console(highlight=False)
_wide = Console(highlight=False, width=400)
"""For tables in which a line stays a line, also where the terminal is narrow."""
_err = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        _err.print(f"headbrush: {escape(' '.join(str(error).split()))}")
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt:
        _err.print("headbrush: stopped; run the same command to resume.")
        raise typer.Exit(130) from None


def _print_version(wanted: bool) -> None:
    if wanted:
        _out.print(f"headbrush {__version__}")
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


@app.command("analyze")
def analyze_command(
    images: option.Images,
    model: option.Model,
    out: option.Out,
    checkpoint: option.Checkpoint = None,
    pretrained: option.Pretrained = True,
    limit: option.Limit = None,
    per_class: option.PerClass = None,
    select: option.Select = None,
    outputs: option.Outputs = "auto",
    image_size: option.ImageSize = None,
    exif_rotation: option.ExifRotation = False,
    max_megapixels: option.MaxMegapixels = None,
    classes: option.Classes = None,
    class_order: option.ClassOrder = "number",
    attention: option.Attention = "60",
    importance: option.Importance = "pruning",
    modes: option.Modes = "whole",
    autoencoder: option.Autoencoder = None,
    no_autoencoder: option.NoAutoencoder = False,
    batch_size: option.BatchSize = 16,
    device: option.Device = "auto",
    seed: option.Seed = 0,
    scheduler: option.Scheduler = None,
    resume: option.Resume = True,
    dry_run: option.DryRun = False,
) -> None:
    """Analyze a vision transformer on a folder of images and write a store."""
    with _one_line_errors():
        from headbrush.analysis.extra import ANALYSIS, demand_extra

        demand_extra("An analysis", ANALYSIS)
        from headbrush.analysis.run.options import request_from

        options = {
            "checkpoint": checkpoint,
            "pretrained": pretrained,
            "limit": limit,
            "per_class": per_class,
            "select": select,
            "outputs": outputs,
            "image_size": image_size,
            "exif_rotation": exif_rotation,
            "max_megapixels": max_megapixels,
            "classes": classes,
            "class_order": class_order,
            "attention": attention,
            "importance": importance,
            "modes": modes,
            "batch_size": batch_size,
            "device": device,
            "seed": seed,
            "scheduler": scheduler,
            "resume": resume,
            "autoencoder": autoencoder,
            "no_autoencoder": no_autoencoder,
        }
        request = request_from(images, out, model, options, command=_command(), version=__version__)
        if dry_run:
            _print_preflight(request)
        else:
            _run(request)


def _command() -> str:
    return shlex.join(["headbrush", *sys.argv[1:]])


def _print_preflight(request: "Request") -> None:
    from headbrush.analysis.preflight.prepare import preflight
    from headbrush.analysis.run.progress import StageProgress

    bars = Console(stderr=True, quiet=not sys.stderr.isatty())
    _out.print(repr(preflight(request, StageProgress(bars))), markup=False, soft_wrap=True)


def _run(request: "Request", when_open: Callable[[], None] = lambda: None) -> None:
    """Run an analysis; ``when_open`` is called once its store can be opened."""
    from headbrush.analysis.pipeline import analyze as make_store
    from headbrush.analysis.run.progress import StageProgress
    from headbrush.analysis.store.store import Store

    progress = StageProgress(_out)
    path = make_store(request, progress, when_open)
    store = Store(path)
    done = [f"{store.sizes['image']} images"]
    if store.attrs["skipped_images"]:
        done.append(f"{store.attrs['skipped_images']} skipped (see {path}/skipped.csv)")
    done.append(f"finished in {progress.seconds:.0f} s")
    line = f"{path}: {', '.join(done)}. To view it: headbrush serve {shlex.quote(str(path))}"
    _out.print(line, markup=False, soft_wrap=True)


@app.command()
def demo(
    out: option.DemoOut = Path("demo.headbrush"),
    port: Annotated[int, typer.Option(help="Port of the page.")] = 5006,
    serve: Annotated[bool, typer.Option(help="Serve the page afterwards.")] = True,
    all_images: option.AllImages = False,
) -> None:
    """Analyze the bundled model on the bundled images (once) and serve the page."""
    with _one_line_errors():
        from headbrush.analysis.start.demo import demo_request

        if serve:
            from headbrush.server.host.launch import demand_port

            demand_port(port)
        request = demo_request(out, 1000 if all_images else 300, __version__, _command())
        options = ["--port", str(port)]
        if request is not None and serve:
            _run_and_serve(request, options)
        elif request is not None:
            _run(request)
        elif serve:
            _serve([out], options)


def _run_and_serve(request: "Request", options: list[str]) -> None:
    """Serve the store as soon as there is something to see; does not return."""
    from headbrush.server.host.beside import ServerBeside

    server = ServerBeside([request.out], options)
    try:
        with _one_line_errors():
            _run(request, server.start)
    except typer.Exit as ended:
        if ended.exit_code != FAILED or not server.is_running:
            server.stop()
            raise
    except BaseException:
        server.stop()
        raise
    server.wait()


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
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
    with _one_line_errors():
        words = context.args
        first_option = next((i for i, w in enumerate(words) if w.startswith("-")), len(words))
        if not first_option:
            raise InputError("name the stores first: headbrush serve STORE... [bokeh option]...")
        _serve([Path(word) for word in words[:first_option]], words[first_option:])


def _serve(stores: list[Path], options: list[str]) -> None:
    from headbrush.server.host.launch import serve as run_server

    run_server(stores, options)


@app.command("report")
def report_command(
    store: Annotated[Path, typer.Argument(help="The store.")],
    out: Annotated[Path, typer.Option(help="The file to write, FILE.html.")],
    images: option.ReportImages = None,
    heads: option.ReportHeads = None,
    views: option.View = None,
    data: option.Data = None,
    fragment: option.Fragment = False,
) -> None:
    """Write a store's views as one HTML file that needs no server and keeps linked brushing.

    To make a file of more than 6 MB smaller, give fewer --head, --image or --view.
    """
    with _one_line_errors():
        from headbrush.analysis.store.atomic_files import check_writable
        from headbrush.server.pages.report.parts.fast_start import hurried

        for file in (out, *([data] if data else [])):
            check_writable(file)
        with _failures_logged(out), hurried(store, views or ()) as opened:
            from headbrush.server.pages.report.make_report import make_report

            made = make_report(opened, images or (), heads or (), views or ())
            size = f"{made.save(out, fragment) / 1e6:.1f} MB."
            if data:
                made.save_data(data)
    for failure in made.failed:
        _err.print(f"headbrush: {escape(failure)} Details: {escape(str(_log_of(out)))}")
    size = size if fragment else made.size_words
    if made.request.why:
        _out.print(made.request.why, markup=False)
    pages = len(made.pages)
    head_pages = f"{pages} head page{'' if pages == 1 else 's'}"
    _out.print(f"{out}: {head_pages}, {size}", markup=False)


@app.command("figure")
def figure_command(
    store: Annotated[Path, typer.Argument(help="The store.")],
    head: Annotated[str | None, typer.Option(help="LAYER.HEAD.")] = None,
    image: Annotated[
        str | None, typer.Option(help="Id or file name, or all: means over images.")
    ] = None,
    panel: Annotated[str, typer.Option(help="A to D5, or head: several of one head.")] = "head",
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
    with _one_line_errors():
        from headbrush.server.pages.figures.request import check_out

        if out is not None:
            check_out(out)
        from headbrush.server.pages.figures.make_figure import make_figure, save_figure

        made, stem, note = make_figure(store, head, image, panel, width, dpi, link, caption)
        path = out or Path(f"{stem}.pdf")
        size = save_figure(made, path)
    if note:
        _err.print(f"headbrush: {escape(note)}")
    wide, high = made.get_size_inches()
    _out.print(f"{path}: {wide:.2f} × {high:.2f} in, {size / 1000:.0f} kB", markup=False)


@app.command("explain")
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
    with _one_line_errors():
        from headbrush import explain

        made = explain(
            store, image, class_name=class_name, maps=maps or (), width=width, dpi=dpi,
            caption=caption, out=path,
        )  # fmt: skip
    _out.print(made.figure.caption, markup=False)
    _out.print(f"{path}: written.", markup=False)


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


@app.command()
def password(file: option.PasswordFile) -> None:
    """Choose a password for 'serve --password-file FILE'; only its hash is stored."""
    with _one_line_errors():
        from headbrush.server.host.login.passwords import write_password_file

        if sys.stdin.isatty():
            chosen = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        else:
            chosen = sys.stdin.readline().rstrip("\n")
        write_password_file(file, chosen)
    _out.print(f"{file}: written. Use: headbrush serve STORE --password-file {file}", markup=False)


@app.command()
def info(
    store: Annotated[Path, typer.Argument(help="The store.")],
    heads: Annotated[
        bool, typer.Option("--heads", help="List the heads: what each has learned and matters.")
    ] = False,
) -> None:
    """Print what a store holds, its size, and how it was made."""
    with _one_line_errors():
        from headbrush.analysis.store.facts.head_table import head_rows
        from headbrush.analysis.store.facts.store_info import facts_of
        from headbrush.analysis.store.store import Store, store_size

        opened = Store(store, unfinished=True)
        rows = head_rows(opened) if heads else facts_of(opened, store_size(store))
        table = Table(box=None, show_header=False)
        for row in rows:
            table.add_row(*(escape(str(cell)) for cell in row))
    (_wide if heads else _out).print(table)


@app.command("trends")
def trends_command(
    store: Annotated[Path, typer.Argument(help="The store.")],
    metric: Annotated[
        str, typer.Option(help="Metric of importance; by default the page's first.")
    ] = "",
    permutations: Annotated[int, typer.Option(help="How often the labels are shuffled.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the shuffling.")] = 0,
    out: Annotated[Path | None, typer.Option(help="The table to write, FILE.csv.")] = None,
) -> None:
    """Tell which heads matter more, or less, to a class than to all others."""
    with _one_line_errors():
        from headbrush import trends
        from headbrush.server.stores.trends.table import trend_words

        table = trends(store, metric=metric, permutations=permutations, seed=seed, out=out)
    for sentence in trend_words(table, permutations):
        _out.print(sentence, markup=False)


@app.command()
def doctor(stores: Annotated[list[Path], typer.Argument(help="The stores.")]) -> None:
    """Check whole stores: what is damaged, and how to mend it.

    Exit code 0: all are sound; 1: something is damaged; 2: one is not a store.
    """
    with _one_line_errors():
        from headbrush.analysis.doctor.diagnose import diagnose

        code = diagnose(stores, Console(highlight=False, soft_wrap=True), _err)
    raise typer.Exit(code)


def main() -> None:
    """Entry point of the command ``headbrush``."""
    app()


if __name__ == "__main__":
    main()
