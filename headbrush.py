"""headbrush: how does attention work in this vision transformer?

The command line, and what a notebook imports. The only file that knows both the analysis and the
server; each is imported when it is needed.
"""

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analysis.errors import InputError

if TYPE_CHECKING:
    import torch

    from analysis.request import Request
    from analysis.store import Store
    from server.report import Report

__version__ = "0.1.0"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="How does attention work in this vision transformer?",
)
_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        _err.print(f"headbrush: {escape(' '.join(str(error).split()))}")
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        _err.print("headbrush: stopped; the same command goes on where it stopped.")
        raise typer.Exit(130) from None


def analyze(
    model: "str | Path | torch.nn.Module",
    images: "str | Path | Any",
    out: str | Path,
    *,
    attention: int | None = 60,
    resume: bool = True,
    quiet: bool = False,
    **options: Any,
) -> "Store":
    """Analyse a vision transformer on images and write a store: the notebook's way in.

    Parameters
    ----------
    model
        A timm name, a folder with timm's ``config.json``, or a module that exists only here.
    images
        A folder ``DIR/<class>/<file>``, or a map-style dataset: ``dataset[i]`` is an image or
        ``(image, label)``; an image is a PIL image, a uint8 array ``(H, W)`` or ``(H, W, 3)``, or
        a float tensor ``(C, H, W)`` that is already what the model takes.
    out
        The store to make, ``NAME.headbrush``.
    attention
        How many images keep their attention; None keeps all.
    resume
        Go on with a stopped run; otherwise start again, also over a finished store.
    quiet
        Show no progress.
    options
        Further fields of :class:`analysis.pipeline.Request`, for example ``class_names``,
        ``transform``, ``per_class``, ``limit``, ``best_worst``, ``all_modes``, ``batch_size``,
        ``device``, ``seed``, ``scheduler``.

    Returns
    -------
    The finished store, open for reading; ``headbrush serve`` takes its ``path``.

    Raises
    ------
    InputError
        If the model, the images or the output folder cannot be used; nothing was overwritten.
    """
    from analysis.pipeline import analyze as make_store
    from analysis.progress import StageProgress
    from analysis.request import Request
    from analysis.store import Store

    unknown = set(options) - {field.name for field in fields(Request)}
    if unknown:
        raise InputError(f"analyze() has no option {', '.join(sorted(unknown))}.")
    request = Request(
        images=Path(images) if isinstance(images, (str, Path)) else images,
        out=Path(out),
        model=str(model) if isinstance(model, (str, Path)) else model,
        attention=attention,
        restart=not resume,
        command="headbrush.analyze(…)",
        version=__version__,
        **options,
    )
    return Store(make_store(request, StageProgress(Console(quiet=quiet))))


def report(
    store: "Store | str | Path",
    *,
    images: Sequence[int | str] = (),
    heads: Sequence[str | tuple[int, int]] = (),
    views: Sequence[str] = (),
) -> "Report":
    """Make a report of a store, which a notebook shows inline and ``save`` writes as one file.

    Parameters
    ----------
    images
        Ids or file names; without, each head is shown in an image to which it matters.
    heads
        ``"layer.head"`` or pairs; without, the five most important heads of the store.
    views
        Names of views; without, all.

    Raises
    ------
    InputError
        If something is asked that is not in the store.
    """
    from server.report import make_report

    return make_report(store, images, heads, views)


def _attention_count(value: str) -> int | None:
    if value == "all":
        return None
    if value == "none":
        return 0
    if not value.isdecimal() or len(value) > 9:
        raise InputError(f"--attention {value}: expected all, none or a number of images.")
    return int(value)


def _image_size(value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    sides = value.split("x")
    if len(sides) > 2 or not all(side.isdecimal() and int(side[:5]) > 0 for side in sides):
        raise InputError(f"--image-size {value}: expected pixels, 224, or height x width, 224x448.")
    return int(sides[0][:5]), int(sides[-1][:5])


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise InputError(f"{option} {value}: expected {' or '.join(allowed)}.")
    return value


@app.command("analyze")
def analyze_command(
    images: Annotated[Path, typer.Option(help="Folder: DIR/<class>/<file>, or a flat DIR/<file>.")],
    out: Annotated[Path, typer.Option(help="The store to make, NAME.headbrush.")],
    model: Annotated[str, typer.Option(help="timm name, or a folder with timm's config.json.")],
    checkpoint: Annotated[Path | None, typer.Option(help="Weights: .safetensors or .pth.")] = None,
    pretrained: Annotated[bool, typer.Option(help="timm's published weights.")] = True,
    limit: Annotated[int | None, typer.Option(min=1, help="Images at most.")] = None,
    per_class: Annotated[int | None, typer.Option(min=1, help="Images a class at most.")] = None,
    select: Annotated[
        str | None, typer.Option(help="best-worst:K, the K best and K worst predicted classes.")
    ] = None,
    image_size: Annotated[
        str | None, typer.Option(help="Pixels of the model's input, 384 or 224x448.")
    ] = None,
    classes: Annotated[Path | None, typer.Option(help="CSV: folder,index,name.")] = None,
    attention: Annotated[
        str, typer.Option(help="Images whose attention is kept: all, none or N.")
    ] = "60",
    importance: Annotated[
        str, typer.Option(help="pruning, or gradient: a quick approximation, no head is pruned.")
    ] = "pruning",
    modes: Annotated[
        str, typer.Option(help="whole: each head as a whole; all: in all seven modes too.")
    ] = "whole",
    batch_size: Annotated[int, typer.Option(min=1, help="Images at a time.")] = 16,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Seed of sampling, training, layout.")] = 0,
    scheduler: Annotated[
        str | None, typer.Option(help="Dask scheduler that does the work, tcp://HOST:8786.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--restart", help="Go on with a stopped run, or start again.")
    ] = True,
) -> None:
    """Analyse a vision transformer on a folder of images and write a store."""
    with _one_line_errors():
        from analysis.request import Request
        from analysis.sampling import parse_select

        request = Request(
            images=images,
            out=out,
            model=model,
            checkpoint=checkpoint,
            pretrained=pretrained,
            image_size=_image_size(image_size),
            limit=limit,
            per_class=per_class,
            best_worst=parse_select(select),
            classes=classes,
            attention=_attention_count(attention),
            all_modes=_one_of("--modes", modes, ("whole", "all")) == "all",
            predictions=_one_of("--importance", importance, ("pruning", "gradient")) == "pruning",
            batch_size=batch_size,
            device=device,
            seed=seed,
            scheduler=scheduler,
            restart=not resume,
            command=shlex.join(["headbrush", *sys.argv[1:]]),
            version=__version__,
        )
        _run(request)


def _run(request: "Request") -> None:
    from analysis.pipeline import analyze as make_store
    from analysis.progress import StageProgress
    from analysis.store import Store

    progress = StageProgress(_out)
    path = make_store(request, progress)
    store = Store(path)
    done = [f"{store.sizes['image']} images"]
    if store.attrs["skipped_images"]:
        done.append(f"{store.attrs['skipped_images']} skipped (see {path}/skipped.csv)")
    done.append(f"finished in {sum(progress.seconds.values()):.0f} s")
    _out.print(f"{path}: {', '.join(done)}. Look at it: headbrush serve {path}", markup=False)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Where the demo's store is kept.")] = Path(
        "demo.headbrush"
    ),
    port: Annotated[int, typer.Option(help="Port of the page.")] = 5006,
    serve: Annotated[bool, typer.Option(help="Serve the page afterwards.")] = True,
    all_images: Annotated[
        bool, typer.Option("--all", help="All 1 000 bundled images instead of 300.")
    ] = False,
) -> None:
    """Analyse the bundled model on the bundled images (once) and serve the page."""
    with _one_line_errors():
        from analysis.bundled import bundled_folder, is_fresh, may_replace

        folder = bundled_folder()
        images = 1000 if all_images else 300
        if not is_fresh(out, folder, images, __version__):
            from analysis.request import Request

            _run(
                Request(
                    images=folder / "images",
                    out=out,
                    model=str(folder / "model"),
                    per_class=images // 10,
                    restart=may_replace(out, folder, images, __version__),
                    command=shlex.join(["headbrush", *sys.argv[1:]]),
                    version=__version__,
                )
            )
        if serve:
            _serve([out], ["--port", str(port)])


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def serve(context: typer.Context) -> None:
    """Serve stores: STORE... [--password-file FILE] [--no-auth] [--no-live] [bokeh option]..."""
    with _one_line_errors():
        words = context.args
        first_option = next((i for i, w in enumerate(words) if w.startswith("-")), len(words))
        if not first_option:
            raise InputError("name the stores first: headbrush serve STORE... [bokeh option]...")
        _serve([Path(word) for word in words[:first_option]], words[first_option:])


def _serve(stores: list[Path], options: list[str]) -> None:
    from server.launch import serve as run_server

    run_server(stores, options)


@app.command("report")
def report_command(
    store: Annotated[Path, typer.Argument(help="The store.")],
    out: Annotated[Path, typer.Option(help="The file to write, FILE.html.")],
    image: Annotated[list[str] | None, typer.Option(help="Id or file name; repeatable.")] = None,
    head: Annotated[list[str] | None, typer.Option(help="LAYER.HEAD; repeatable.")] = None,
    view: Annotated[list[str] | None, typer.Option(help="Name of a view; repeatable.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Also write the values behind the plots, FILE.nc.")
    ] = None,
    fragment: Annotated[
        bool, typer.Option("--fragment", help="Parts for a page of your own, FILE.html or .json.")
    ] = False,
) -> None:
    """Write a store's views as one HTML file that needs no server and still brushes."""
    with _one_line_errors():
        from analysis.files import check_writable
        from server.report import make_report

        for file in (out, *([data] if data else [])):
            check_writable(file)
        made = make_report(store, image or (), head or (), view or ())
        size = made.save(out, fragment) / 1e6
        if data:
            made.save_data(data)
    if made.asked.why:
        _out.print(made.asked.why, markup=False)
    _out.print(f"{out}: {len(made.pages)} pages of heads, {size:.1f} MB.", markup=False)


@app.command()
def password(
    file: Annotated[Path, typer.Argument(help="Where the password's hash is kept.")],
) -> None:
    """Choose the password that 'serve --password-file FILE' asks for; a hash of it is kept."""
    with _one_line_errors():
        from server.passwords import write_password_file

        if sys.stdin.isatty():
            chosen = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        else:
            chosen = sys.stdin.readline().rstrip("\n")
        write_password_file(file, chosen)
    _out.print(
        f"{file}: written. Use it: headbrush serve STORE --password-file {file}", markup=False
    )


@app.command()
def info(store: Annotated[Path, typer.Argument(help="The store.")]) -> None:
    """Say what a store holds, how large it is, and how it was made."""
    with _one_line_errors():
        from analysis.facts import facts_of
        from analysis.store import Store, store_size

        opened = Store(store)
        table = Table(box=None, show_header=False)
        for key, value in facts_of(opened, store_size(store)):
            table.add_row(key, escape(str(value)))
    _out.print(table)


def main() -> None:
    """Entry point of the command ``headbrush``."""
    app()


if __name__ == "__main__":
    main()
