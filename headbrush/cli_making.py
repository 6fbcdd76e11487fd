"""The commands that make a store: ``analyze`` and ``demo``."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from headbrush import __version__
from headbrush import cli_options as option
from headbrush.cli_console import FAILED, command_line, one_line_errors, out_console

if TYPE_CHECKING:
    from headbrush.analysis.run.request import Request


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
    probe: option.Probe = False,
    texts: option.Texts = None,
    stage: option.Stage = None,
    image_size: option.ImageSize = None,
    exif_rotation: option.ExifRotation = False,
    max_megapixels: option.MaxMegapixels = None,
    classes: option.Classes = None,
    class_order: option.ClassOrder = "number",
    attention: option.Attention = "60",
    importance: option.Importance = "pruning",
    modes: option.Modes = "whole",
    precision: option.Precision = "float32",
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
    with one_line_errors():
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
            "probe": probe,
            "texts": texts,
            "stage": stage,
            "image_size": image_size,
            "exif_rotation": exif_rotation,
            "max_megapixels": max_megapixels,
            "classes": classes,
            "class_order": class_order,
            "attention": attention,
            "importance": importance,
            "modes": modes,
            "precision": precision,
            "batch_size": batch_size,
            "device": device,
            "seed": seed,
            "scheduler": scheduler,
            "resume": resume,
            "autoencoder": autoencoder,
            "no_autoencoder": no_autoencoder,
        }
        request = request_from(
            images, out, model, options, command=command_line(), version=__version__
        )
        if dry_run:
            _print_preflight(request)
        else:
            _run(request)


def _print_preflight(request: "Request") -> None:
    from headbrush.analysis.preflight.prepare import preflight
    from headbrush.analysis.run.progress import StageProgress

    bars = Console(stderr=True, quiet=not sys.stderr.isatty())
    out_console.print(repr(preflight(request, StageProgress(bars))), markup=False, soft_wrap=True)


def _run(request: "Request", when_open: Callable[[], None] = lambda: None) -> None:
    """Run an analysis; ``when_open`` is called once its store can be opened."""
    from headbrush.analysis.pipeline import analyze as make_store
    from headbrush.analysis.run.progress import StageProgress
    from headbrush.analysis.store.store import Store

    progress = StageProgress(out_console)
    path = make_store(request, progress, when_open)
    store = Store(path)
    done = [f"{store.sizes['image']} images"]
    if store.attrs["skipped_images"]:
        done.append(f"{store.attrs['skipped_images']} skipped (see {path}/skipped.csv)")
    done.append(f"finished in {progress.seconds:.0f} s")
    line = f"{path}: {', '.join(done)}. To view it: headbrush serve {shlex.quote(str(path))}"
    out_console.print(line, markup=False, soft_wrap=True)


def demo(
    out: option.DemoOut = Path("demo.headbrush"),
    port: Annotated[int, typer.Option(help="Port of the page.")] = 5006,
    serve: Annotated[bool, typer.Option(help="Serve the page afterwards.")] = True,
    all_images: option.AllImages = False,
) -> None:
    """Analyze the bundled model on the bundled images (once) and serve the page."""
    with one_line_errors():
        from headbrush.analysis.start.demo import demo_request

        if serve:
            from headbrush.server.host.ports import demand_pages, demand_port

            demand_pages()
            demand_port(port)
        request = demo_request(out, 1000 if all_images else 300, __version__, command_line())
        if request is not None and serve:
            _run_and_serve(request, port)
        elif request is not None:
            _run(request)
        elif serve:
            from headbrush.server.host.launch import serve as run_server

            run_server([out], ["--port", str(port)])


def _run_and_serve(request: "Request", port: int) -> None:
    """Serve the store as soon as there is something to see; does not return."""
    from headbrush.server.host.beside import ServerBeside

    server = ServerBeside([request.out], port)
    try:
        with one_line_errors():
            _run(request, server.answer)
    except typer.Exit as ended:
        if ended.exit_code != FAILED or not server.is_running:
            server.stop()
            raise
    except BaseException:
        server.stop()
        raise
    server.wait()
