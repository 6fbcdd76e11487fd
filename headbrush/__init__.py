"""headbrush: how does attention work in this vision transformer?

The Python interface for notebooks and scripts; :mod:`headbrush.cli` is the command line. These
two and :mod:`headbrush.cli_options` are the only modules that know both ``headbrush.analysis`` and
``headbrush.server``; each is imported when it is needed.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from headbrush.analysis.images.dataset import MapDataset
    from headbrush.analysis.preflight.report import Preflight
    from headbrush.analysis.store.store import Store
    from headbrush.server.host.background import Serving
    from headbrush.server.pages.figures.parts.paper import PaperFigure
    from headbrush.server.pages.report.report import Report

__all__ = ["__version__", "analyze", "figure", "preflight", "report", "serve"]

__version__ = "0.2.0"


def analyze(
    model: "str | Path | torch.nn.Module",
    images: "str | Path | MapDataset",
    out: str | Path,
    *,
    quiet: bool = False,
    **options: Any,
) -> "Store":
    """Analyze a vision transformer on images and write a store.

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
    quiet
        Show no progress.
    options
        Those of ``headbrush analyze``, with ``_`` for ``-``: ``attention="all"``, ``per_class=20``,
        ``select="best-worst:10"``, ``importance="gradient"``, ``modes="all"``, ``image_size=384``,
        ``resume=False`` and so on. ``class_names`` and ``transform`` exist only here, for a module.

    Returns
    -------
    The finished store, open for reading; ``headbrush serve`` takes its ``path``.

    Raises
    ------
    InputError
        If the model, the images or the output folder cannot be used, or the extra ``analyze`` is
        not installed; nothing was overwritten.
    """
    from headbrush.analysis.extra import ANALYSIS, demand_extra

    demand_extra("analyze()", ANALYSIS)
    from rich.console import Console

    from headbrush.analysis.notebook import analyze_here

    return analyze_here(model, images, out, options, __version__, Console(quiet=quiet))


def preflight(
    model: "str | Path | torch.nn.Module",
    images: "str | Path | MapDataset",
    out: str | Path,
    **options: Any,
) -> "Preflight":
    """Check everything that can be checked before an analysis, and say what it would do.

    Takes the arguments of :func:`analyze`; writes nothing. A notebook shows the result as a table:
    model, images by class, metrics, expected time, disk space and memory, what is skipped.

    Raises
    ------
    InputError
        As :func:`analyze` would.
    """
    from headbrush.analysis.extra import ANALYSIS, demand_extra

    demand_extra("preflight()", ANALYSIS)
    from headbrush.analysis.notebook import preflight_here

    return preflight_here(model, images, out, options, __version__)


def report(
    store: "Store | str | Path",
    *,
    images: Sequence[int | str] = (),
    heads: Sequence[str | tuple[int, int]] = (),
    views: Sequence[str] = (),
) -> "Report":
    """Make a report of a store: a notebook shows it inline, ``save`` writes one HTML file.

    Parameters
    ----------
    images
        Ids or file names; by default each head is shown in an image to which it matters.
    heads
        ``"layer.head"`` or pairs; by default the five most important heads of the store.
    views
        Names of views; by default all.

    Raises
    ------
    InputError
        If an image, head or view is not in the store.
    """
    from headbrush.server.pages.report.make_report import make_report

    return make_report(store, images, heads, views)


def figure(
    store: "Store | str | Path",
    head: str | tuple[int, int] | None = None,
    image: int | str | None = None,
    *,
    panel: str = "head",
    width: str | float = "one",
    dpi: int = 300,
    link: str = "",
    caption: bool = True,
    out: str | Path | None = None,
) -> "PaperFigure":
    """Draw a view, or all of one head, as a figure for a paper.

    Parameters
    ----------
    head
        ``"layer.head"`` or a pair; by default that of ``link``, or the most important head.
    image
        Id or file name, or ``"all"`` for means over all or the brushed images.
    panel
        Letter of a view, ``"A"`` to ``"D5"``, or ``"head"``.
    width
        ``"one"`` column (3.35 inches), ``"two"`` columns (6.9 inches), or inches from 2.5 to 20.
    dpi
        Dots an inch, 72 to 1200, of PNG and of pictures within PDF and SVG.
    link
        Address of a page, or its query: selection, brush, metric and colours.
    out
        Also written to this file: ``.pdf``, ``.svg`` or ``.png``.

    Returns
    -------
    A figure of matplotlib, which a notebook shows; its ``caption`` says what it shows.

    Raises
    ------
    InputError
        If something asked for is not in the store, or the panel has nothing to show.
    """
    from headbrush.server.pages.figures.make_figure import make_figure, save_figure
    from headbrush.server.pages.figures.request import check_out

    if out is not None:
        check_out(Path(out))
    made, _, note = make_figure(store, head, image, panel, width, dpi, link, caption)
    if note:
        warnings.warn(note, stacklevel=2)
    if out is not None:
        save_figure(made, Path(out))
    return made


def serve(store: "Store | str | Path", *stores: "Store | str | Path", port: int = 0) -> "Serving":
    """Serve stores as pages from a process in the background; a notebook shows the link.

    Parameters
    ----------
    port
        Port of the page; 0: any free one.

    Returns
    -------
    The server, which runs until its ``stop()`` is called or this process ends; ``url`` is the
    address of the page, for browsers on this computer only.

    Raises
    ------
    InputError
        If a store cannot be read, the port cannot be used, or the server does not start.
    """
    from headbrush.server.host.background import Serving

    paths = [one if isinstance(one, (str, Path)) else one.path for one in (store, *stores)]
    return Serving([Path(path) for path in paths], port)
