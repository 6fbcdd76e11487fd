"""headbrush: how does attention work in this vision transformer?

The command line, and what a notebook imports. The only file that knows both the analysis and the
server; each is imported when it is needed.
"""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analysis.errors import InputError

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


def _attention_count(value: str) -> int | None:
    if value == "all":
        return None
    if value == "none":
        return 0
    if not value.isdecimal():
        raise InputError(f"--attention {value}: expected all, none or a number of images.")
    return int(value)


@app.command()
def analyze(
    images: Annotated[Path, typer.Option(help="Folder: DIR/<class>/<file>, or a flat DIR/<file>.")],
    out: Annotated[Path, typer.Option(help="The store to make, NAME.headbrush.")],
    model: Annotated[str, typer.Option(help="timm name, or a folder with timm's config.json.")],
    checkpoint: Annotated[Path | None, typer.Option(help="Weights: .safetensors or .pth.")] = None,
    pretrained: Annotated[bool, typer.Option(help="timm's published weights.")] = True,
    limit: Annotated[int | None, typer.Option(min=1, help="Images at most.")] = None,
    per_class: Annotated[int | None, typer.Option(min=1, help="Images a class at most.")] = None,
    classes: Annotated[Path | None, typer.Option(help="CSV: folder,index,name.")] = None,
    attention: Annotated[
        str, typer.Option(help="Images whose attention is kept: all, none or N.")
    ] = "60",
    batch_size: Annotated[int, typer.Option(min=1, help="Images at a time.")] = 16,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Seed of sampling, training, layout.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume/--restart", help="Go on with a stopped run, or start again.")
    ] = True,
) -> None:
    """Analyse a vision transformer on a folder of images and write a store."""
    with _one_line_errors():
        from analysis.pipeline import Request

        request = Request(
            images=images,
            out=out,
            model=model,
            checkpoint=checkpoint,
            pretrained=pretrained,
            limit=limit,
            per_class=per_class,
            classes=classes,
            attention=_attention_count(attention),
            batch_size=batch_size,
            device=device,
            seed=seed,
            restart=not resume,
            command=shlex.join(["headbrush", *sys.argv[1:]]),
            version=__version__,
        )
        _run(request)


def _run(request) -> None:
    from analysis.pipeline import analyze as make_store
    from analysis.progress import StageProgress

    progress = StageProgress(_out)
    path = make_store(request, progress)
    total = sum(progress.seconds.values())
    _out.print(f"{path}: finished in {total:.0f} s. Look at it: headbrush serve {path}")


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
        folder = _bundled()
        images = 1000 if all_images else 300
        if not _is_fresh(out, folder, images):
            from analysis.pipeline import Request

            _run(
                Request(
                    images=folder / "images",
                    out=out,
                    model=str(folder / "model"),
                    per_class=images // 10,
                    restart=_may_replace(out, folder, images),
                    command=shlex.join(["headbrush", *sys.argv[1:]]),
                    version=__version__,
                )
            )
        if serve:
            _serve([out], ["--port", str(port)])


def _bundled() -> Path:
    here = Path(__file__).parent / "datasets" / "fashion_mnist"
    installed = Path(sys.prefix) / "share" / "headbrush" / "fashion_mnist"
    for folder in (here, installed):
        if (folder / "model" / "model.safetensors").is_file():
            return folder
    raise InputError(f"the bundled model is missing: neither {here} nor {installed} holds it.")


def _may_replace(out: Path, folder: Path, images: int) -> bool:
    """Whether ``out`` is an earlier demo, finished or not, that cannot be used for this one."""
    from analysis.parts import file_digest, interrupted_plan
    from analysis.store import Store, StoreError

    try:
        store = Store(out)
        return store.attrs["model"] == folder.name
    except StoreError:
        plan = interrupted_plan(out)
    usable = (
        plan.get("version") == __version__
        and len(plan.get("images", ())) == images
        and plan.get("checkpoint_sha256") == file_digest(folder / "model" / "model.safetensors")
    )
    return plan.get("model") == folder.name and not usable


def _is_fresh(out: Path, folder: Path, images: int) -> bool:
    from analysis.parts import file_digest
    from analysis.store import Store, StoreError

    try:
        store = Store(out)
        return (
            store.sizes["image"] == images
            and store.attrs["headbrush_version"] == __version__
            and store.attrs["checkpoint_sha256"]
            == file_digest(folder / "model" / "model.safetensors")
        )
    except StoreError:
        return False


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def serve(context: typer.Context) -> None:
    """Serve stores: STORE... [any bokeh serve option, for example --port 5007]."""
    with _one_line_errors():
        words = context.args
        first_option = next((i for i, w in enumerate(words) if w.startswith("-")), len(words))
        if not first_option:
            raise InputError("name the stores first: headbrush serve STORE... [bokeh option]...")
        _serve([Path(word) for word in words[:first_option]], words[first_option:])


def _serve(stores: list[Path], options: list[str]) -> None:
    from server.launch import serve as run_server

    run_server(stores, options)


@app.command()
def info(store: Annotated[Path, typer.Argument(help="The store.")]) -> None:
    """Say what a store holds, how large it is, and how it was made."""
    with _one_line_errors():
        from analysis.store import Store, store_size

        opened = Store(store)
        table = Table(box=None, show_header=False)
        for key, value in _facts(opened, store_size(store)):
            table.add_row(key, escape(str(value)))
    _out.print(table)


def _facts(store, size: int) -> list[tuple[str, object]]:
    sizes, attrs = store.sizes, store.attrs
    patterns = sizes["image"] * sizes["layer"] * sizes["head"]
    probability, label = store.read("probability"), store.read("label")
    known = label >= 0
    facts: list[tuple[str, object]] = [
        ("model", attrs["model"]),
        ("heads", f"{sizes['layer']} layers × {sizes['head']} heads"),
        ("tokens", f"{store.num_prefix_tokens} prefix + {store.grid[0]}×{store.grid[1]} patches"),
        ("images", f"{sizes['image']} from {attrs['images']}"),
        ("patterns", f"{patterns:,}".replace(",", " ")),
        ("attention kept for", f"{len(store.kept_images)} images"),
        ("size on disk", f"{size / 1e6:.0f} MB"),
    ]
    if known.any() and probability.shape[1]:
        accuracy = (probability.argmax(1)[known] == label[known]).mean()
        facts.append(("accuracy", f"{accuracy:.1%} of {known.sum()} labelled images"))
    rest = sorted(set(attrs) - {"model", "images", "Conventions"})
    return facts + [(name.replace("_", " "), attrs[name]) for name in rest]


def main() -> None:
    """Entry point of the command ``headbrush``."""
    app()


if __name__ == "__main__":
    main()
