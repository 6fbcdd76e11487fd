"""headbrush: how does attention work in this vision transformer?

The Python interface for notebooks and scripts; :mod:`headbrush.cli` is the command line. This and
the files ``headbrush/cli_….py`` of the commands are the only modules that know both
``headbrush.analysis`` and ``headbrush.server``; each is imported when it is needed.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headbrush.named_options import named_options

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from PIL import Image

    from headbrush.analysis.images.dataset import MapDataset
    from headbrush.analysis.preflight.report import Preflight
    from headbrush.analysis.prune.export.exporting import Proof
    from headbrush.analysis.prune.summary import PruneEffect
    from headbrush.analysis.store.facts.studies.compensation import MeanCompensation
    from headbrush.analysis.store.facts.studies.interactions import MeanInteractions
    from headbrush.analysis.store.store import Store
    from headbrush.server.host.background import Serving
    from headbrush.server.pages.figures.curve import DrawnCurve
    from headbrush.server.pages.figures.explanation import Explained
    from headbrush.server.pages.figures.parts.paper import PaperFigure
    from headbrush.server.pages.report.pair_report import PairReport
    from headbrush.server.pages.report.report import Report

__all__ = [
    "__version__",
    "analyze",
    "compensation",
    "curve",
    "explain",
    "export",
    "figure",
    "info",
    "interactions",
    "preflight",
    "prune",
    "report",
    "serve",
    "trends",
]

__version__ = "0.2.0"


def __dir__() -> list[str]:
    """What a notebook offers: the functions, not what this file imports."""
    return __all__


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an analysis among the arguments of a function."""
    own = {"model", "images", "out", "quiet"}
    return {name: value for name, value in given.items() if name not in own}


@named_options
def analyze(
    model: "str | Path | torch.nn.Module",
    images: "str | Path | MapDataset",
    out: str | Path,
    *,
    checkpoint: "str | Path | None" = None,
    pretrained: bool = True,
    limit: int | None = None,
    per_class: int | None = None,
    select: str | None = None,
    outputs: str = "auto",
    probe: bool = False,
    texts: "str | Path | None" = None,
    stage: int | None = None,
    image_size: "int | str | tuple[int, int] | None" = None,
    exif_rotation: bool = False,
    max_megapixels: int | None = None,
    classes: "str | Path | None" = None,
    class_order: str = "number",
    attention: int | str = "60",
    importance: str = "pruning",
    modes: str = "whole",
    precision: str = "float32",
    autoencoder: str | None = None,
    no_autoencoder: bool = False,
    batch_size: int = 16,
    device: str = "auto",
    seed: int = 0,
    scheduler: str | None = None,
    resume: bool = True,
    class_names: "Sequence[str] | None" = None,
    transform: "Callable[[Image.Image], torch.Tensor] | None" = None,
    vit: str | None = None,
    output: "Callable[[Any], torch.Tensor] | None" = None,
    quiet: bool = False,
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
    checkpoint, …, resume
        The options of ``headbrush analyze``, with ``_`` for ``-`` and the same defaults:
        ``headbrush analyze --help`` explains them.
    class_names, transform
        Only for a module: names of its outputs, and PIL image -> float32 ``(C, H, W)``.
    vit, output
        Only for a module that does more than a ViT, such as a segmenter: the path of the ViT inside
        it, ``"backbone.vit"``, and a function of what it returns that gives a map ``(B, K, height,
        width)`` of logits, or logits ``(B, K)``; by default what it returns, its ``logits`` or
        ``out``.
    quiet
        Show no progress.

    Returns
    -------
    The finished store, open for reading; ``headbrush serve`` takes its ``path``.

    Raises
    ------
    InputError
        If the model, the images or the output folder cannot be used, or the extra ``analyze`` is
        not installed; nothing was overwritten.
    """
    options = _options(locals())
    from headbrush.analysis.extra import ANALYSIS, demand_extra

    demand_extra("analyze()", ANALYSIS)
    from rich.console import Console

    from headbrush.analysis.start.notebook import analyze_here

    return analyze_here(model, images, out, options, __version__, Console(quiet=quiet))


@named_options
def preflight(
    model: "str | Path | torch.nn.Module",
    images: "str | Path | MapDataset",
    out: str | Path,
    *,
    checkpoint: "str | Path | None" = None,
    pretrained: bool = True,
    limit: int | None = None,
    per_class: int | None = None,
    select: str | None = None,
    outputs: str = "auto",
    probe: bool = False,
    texts: "str | Path | None" = None,
    stage: int | None = None,
    image_size: "int | str | tuple[int, int] | None" = None,
    exif_rotation: bool = False,
    max_megapixels: int | None = None,
    classes: "str | Path | None" = None,
    class_order: str = "number",
    attention: int | str = "60",
    importance: str = "pruning",
    modes: str = "whole",
    precision: str = "float32",
    autoencoder: str | None = None,
    no_autoencoder: bool = False,
    batch_size: int = 16,
    device: str = "auto",
    seed: int = 0,
    scheduler: str | None = None,
    resume: bool = True,
    class_names: "Sequence[str] | None" = None,
    transform: "Callable[[Image.Image], torch.Tensor] | None" = None,
    vit: str | None = None,
    output: "Callable[[Any], torch.Tensor] | None" = None,
) -> "Preflight":
    """Check everything that can be checked before an analysis, and say what it would do.

    Takes the arguments of :func:`analyze`; writes nothing. A notebook shows the result as a table:
    model, images by class, metrics, expected time, disk space and memory, what is skipped.

    Raises
    ------
    InputError
        As :func:`analyze` would.
    """
    options = _options(locals())
    from headbrush.analysis.extra import ANALYSIS, demand_extra

    demand_extra("preflight()", ANALYSIS)
    from headbrush.analysis.start.notebook import preflight_here

    return preflight_here(model, images, out, options, __version__)


@named_options
def report(
    store: "Store | str | Path",
    out: str | Path | None = None,
    *,
    images: Sequence[int | str] = (),
    heads: Sequence[str | tuple[int, int]] = (),
    views: Sequence[str] = (),
    prune: str = "",
    data: str | Path | None = None,
    fragment: bool = False,
    beside: "Store | str | Path | None" = None,
    match: str = "place",
) -> "Report | PairReport":
    """Make a report of a store: a notebook shows it inline, ``save`` writes one HTML file.

    Parameters
    ----------
    out
        Also written to this file, ``FILE.html``.
    images
        Ids or file names, or ``"all"`` for means over all images; by default each head is shown by
        its means, and in an image to which it matters.
    heads
        ``"layer.head"`` or pairs; by default the five most important heads of the store.
    views
        Names of views; by default all.
    prune
        A prune set, as ``2.0,3.4``: the report also shows what the model predicts without it.
    data
        The values behind the plots are also written to this file, ``FILE.nc``.
    fragment
        ``out`` gets only the views, to embed in a page of yours, ``FILE.html`` or ``.json``.
    beside
        A second store, shown side by side: A, B1 and C1 of both, and what differs head by head;
        it takes none of the options above but ``out``.
    match
        Which heads are then partners, as of :func:`trends`.

    Raises
    ------
    InputError
        If an image, head or view is not in the store, or a file cannot be written.
    """
    from headbrush.analysis.store.atomic_files import check_writable
    from headbrush.server.pages.report.make_pair_report import check_pair, make_pair_report
    from headbrush.server.pages.report.make_report import make_report
    from headbrush.server.stores.trends.matching import refuse_match

    for file in (out, data):
        if file is not None:
            check_writable(Path(file))
    if beside is not None:
        check_pair(images, heads, views, prune, data, fragment)
        pair = make_pair_report([store, beside], match=match)
        if out is not None:
            pair.save(out)
        return pair
    refuse_match(match)
    made = make_report(store, images, heads, views, prune=prune)
    if out is not None:
        made.save(out, fragment)
    if data is not None:
        made.save_data(data)
    return made


@named_options
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


@named_options
def explain(
    store: "Store | str | Path",
    image: int | str,
    *,
    class_name: int | str | None = None,
    maps: Sequence[str] = (),
    tile: int | str = "auto",
    width: str | float = "two",
    dpi: int = 300,
    caption: bool = True,
    out: str | Path | None = None,
) -> "Explained":
    """Explain the prediction of one image: maps of its patches, what heads speak for, sinks.

    Parameters
    ----------
    image
        Id or file name.
    class_name
        Name or id of the class to explain; by default the one that was predicted.
    maps
        Of ``"attends"``, ``"moves"``, ``"speaks"``, ``"rollout"``, ``"generic"``, ``"lens"`` and
        ``"ablation"``; by default all.
    tile
        Patches of a side of the tiles that ``"ablation"`` removes: 1, 2 or 4; by default 4, divided
        where the effect is large.
    width, dpi, caption, out
        Of the figure, as of :func:`figure`.

    Returns
    -------
    The numbers, and a figure of matplotlib, which a notebook shows.

    Raises
    ------
    InputError
        If the store has no such image or class, or its model or image are not available.
    """
    from headbrush.analysis.explain.of_store import explain_stored
    from headbrush.server.pages.figures import explanation, make_figure, request
    from headbrush.server.pages.report.make_report import data_of
    from headbrush.server.pages.report.parts.request import read_image

    inches, kinds = request.read_width(width), explanation.read_maps(maps)
    tiles = explanation.read_tile(tile)
    request.check_dpi(dpi, inches)
    if out is not None:
        request.check_out(Path(out))
    data = data_of(store)
    number = read_image(data, image)
    which = explanation.read_class(data, class_name, number)
    found = explain_stored(data.store, number, which, kinds, tiles)
    figure = explanation.draw_explanation(data, number, which, kinds, found, inches, dpi, caption)
    if out is not None:
        make_figure.save_figure(figure, Path(out))
    return explanation.Explained(found, figure)


@named_options
def export(store: "Store | str | Path", prune: str, out: str | Path) -> "Proof":
    """Write the store's model without some heads: smaller, same outputs, loaded by timm only.

    Parameters
    ----------
    prune
        The heads to leave out, whole: ``"2.0,3.4"``.
    out
        The folder to write; it must not exist.

    Returns
    -------
    How the smaller model compares with the model without these heads on all images of the store.

    Raises
    ------
    InputError
        If the store's model or images are not available, the folder exists, or the smaller model
        would not give the same outputs.
    """
    from headbrush.analysis.extra import MODEL, demand_extra

    demand_extra("export()", MODEL)
    from headbrush.analysis.model.pruning.prune_set import PruneSet
    from headbrush.analysis.prune.export.exporting import export_stored
    from headbrush.analysis.store.store import Store

    opened = Store(Path(store)) if isinstance(store, (str, Path)) else store
    return export_stored(opened, PruneSet.parse(prune), Path(out))


@named_options
def prune(store: "Store | str | Path", set: str) -> "PruneEffect":
    """Predict all images of a store without some heads: accuracy, flips, divergence.

    Parameters
    ----------
    set
        Heads, or pruning modes of heads: ``"2.0,3.4,5.1:4"``.

    Raises
    ------
    InputError
        If the store's model or images are not available, or it has no such head.
    """
    from headbrush.analysis.extra import MODEL, demand_extra

    demand_extra("prune()", MODEL)
    from headbrush.analysis.model.pruning.prune_set import PruneSet
    from headbrush.analysis.prune.effect import effect_of
    from headbrush.analysis.store.store import Store

    opened = Store(Path(store)) if isinstance(store, (str, Path)) else store
    return effect_of(opened, PruneSet.parse(set))


@named_options
def curve(
    store: "Store | str | Path",
    *,
    order: Sequence[str] = (),
    images: int | None = None,
    draws: int = 10,
    step: int = 1,
    seed: int = 0,
    scheduler: str | None = None,
    out: str | Path | None = None,
    quiet: bool = False,
) -> "DrawnCurve":
    """Draw accuracy and divergence of a store's model with fewer and fewer heads.

    The curve is kept in the store: what is there already is not computed again.

    Parameters
    ----------
    order
        Orders in which heads go, of ``"random"``, ``"jsd"``, ``"gradient"``, ``"greedy"`` and
        ``"repeated"``; by default all that the store has what decides them for.
    images
        How many images are used, half to choose orders and half to draw; by default all.
    draws
        Random orders, at least 10.
    step
        Heads that go between two points.
    scheduler
        Address of a Dask scheduler.
    out
        The figure is also written to this file: ``.pdf``, ``.svg`` or ``.png``.
    quiet
        Show no progress.

    Returns
    -------
    The numbers, and a figure of matplotlib, which a notebook shows.

    Raises
    ------
    InputError
        If the store's model or images are not available, or an option makes no sense.
    """
    from headbrush.analysis.extra import ANALYSIS, demand_extra

    demand_extra("curve()", ANALYSIS)
    from rich.console import Console

    from headbrush.analysis.prune.curve.drawing import CurveRequest, draw_curve
    from headbrush.analysis.run.progress import StageProgress
    from headbrush.analysis.store.store import Store
    from headbrush.server.pages.figures import curve as curve_figure
    from headbrush.server.pages.figures import make_figure, request

    if out is not None:
        request.check_out(Path(out))
    opened = Store(Path(store)) if isinstance(store, (str, Path)) else store
    asked = CurveRequest(tuple(order), images, seed, draws, step, scheduler)
    found = draw_curve(opened, asked, StageProgress(Console(stderr=True, quiet=quiet)))
    figure = curve_figure.draw_curve_figure(found, opened)
    if out is not None:
        make_figure.save_figure(figure, Path(out))
    return curve_figure.DrawnCurve(found, figure)


@named_options
def compensation(
    store: "Store | str | Path",
    *,
    images: int | None = None,
    seed: int = 0,
    scheduler: str | None = None,
    quiet: bool = False,
) -> "MeanCompensation":
    """Take the effect of pruning each head apart: what it says, and what answers its loss.

    The study is kept in the store: what is there already is not computed again.

    Parameters
    ----------
    images
        How many images, chosen at random; by default 40, or all of a smaller store.
    seed
        Of that choice.
    scheduler
        Address of a Dask scheduler.
    quiet
        Show no progress.

    Returns
    -------
    Means over the images, in logits. They tell what did change when a head was pruned, not what
    would be lost if what answers went too.

    Raises
    ------
    InputError
        If the store's model or images are not available, an option makes no sense, or the model's
        logits are no sum of what its heads say.
    """
    from headbrush.analysis.extra import ANALYSIS, demand_extra

    demand_extra("compensation()", ANALYSIS)
    from rich.console import Console

    from headbrush.analysis.prune.interactions.mean_compensation import mean_compensation
    from headbrush.analysis.run.progress import StageProgress
    from headbrush.analysis.store.store import Store

    opened = Store(Path(store)) if isinstance(store, (str, Path)) else store
    progress = StageProgress(Console(stderr=True, quiet=quiet))
    return mean_compensation(opened, images, seed, scheduler, progress)


@named_options
def interactions(
    store: "Store | str | Path",
    *,
    groups: str = "heads",
    images: int | None = None,
    seed: int = 0,
    scheduler: str | None = None,
    out: str | Path | None = None,
    quiet: bool = False,
) -> "MeanInteractions":
    """Prune heads alone and in pairs: which stand in for each other, which overlap.

    The study is kept in the store: what is there already is not computed again.

    Parameters
    ----------
    groups
        What is pruned as one: ``"heads"``, ``"layers"``, or ``"names"``: all heads of one pattern
        name; for models with too many pairs of heads.
    images
        How many images, chosen at random, at least 2; by default 40, or all of a smaller store.
    seed
        Of that choice.
    scheduler
        Address of a Dask scheduler.
    out
        All pairs are also written to this file, as CSV.
    quiet
        Show no progress.

    Returns
    -------
    Means over the images, in logits, with intervals, corrected p and the noise of rounding.

    Raises
    ------
    InputError
        If the store's model or images are not available, an option makes no sense, there are no
        two heads or groups, or the model puts out no logits.
    """
    from headbrush.analysis.extra import ANALYSIS, demand_extra

    demand_extra("interactions()", ANALYSIS)
    from rich.console import Console

    from headbrush.analysis.prune.interactions.mean_interactions import mean_interactions
    from headbrush.analysis.run.progress import StageProgress
    from headbrush.analysis.store.atomic_files import check_writable
    from headbrush.analysis.store.facts.studies.interactions import save_pairs
    from headbrush.analysis.store.store import Store

    if out is not None:
        check_writable(Path(out))
    opened = Store(Path(store)) if isinstance(store, (str, Path)) else store
    progress = StageProgress(Console(stderr=True, quiet=quiet))
    found = mean_interactions(opened, groups, images, seed, scheduler, progress)
    if out is not None:
        save_pairs(Path(out), found)
    return found


@named_options
def info(store: "Store | str | Path", *, heads: bool = False) -> list[tuple[str, ...]]:
    """What ``headbrush info`` prints: rows of what a store holds, or of its heads.

    Raises
    ------
    InputError
        If the store cannot be read.
    """
    from headbrush.analysis.store.facts.head_table import head_rows
    from headbrush.analysis.store.facts.store_info import facts_of
    from headbrush.analysis.store.store import Store, store_size

    path = Path(store) if isinstance(store, (str, Path)) else store.path
    opened = Store(path, unfinished=True)
    rows = head_rows(opened) if heads else facts_of(opened, store_size(path))
    return [tuple(str(cell) for cell in row) for row in rows]


@named_options
def trends(
    store: "Store | str | Path",
    *,
    metric: str = "",
    permutations: int = 1000,
    seed: int = 0,
    compare: str = "class",
    beside: "Store | str | Path | None" = None,
    match: str = "place",
    out: str | Path | None = None,
) -> "pd.DataFrame":
    """Which heads matter more, or less, to a class, or in one store than in another, as a table.

    Parameters
    ----------
    metric
        Metric of importance, for example ``"jsd"``; by default the one the page begins with.
    permutations, seed
        How often the labels are shuffled, and the seed of that.
    compare
        ``"class"``: each class with all others; ``"wrong"``: the wrong predictions of each class
        with its right ones.
    beside
        Another store, of another model or of other images: its heads are compared with those of
        ``store``, and the options above but ``metric`` do not count.
    match
        Which heads are then compared: ``"place"``, the same layer and head; ``"correlation"``,
        those that matter to the same images; ``"name"``, those of the same pattern name; or a CSV
        file of pairs, as the page of two stores and ``out`` write it.
    out
        Also written to this file, as CSV.

    Returns
    -------
    One row per class and head, the largest Hedges' g first, with its p; ``significant`` is a
    family-wise p of at most 1 %: a store without any trend has one with at most this probability.
    With ``beside``, one row per metric and head, see
    :func:`headbrush.server.stores.trends.beside.beside_table`.

    Raises
    ------
    InputError
        If the store has no such metric, or nothing to compare.
    """
    from headbrush.analysis.store.atomic_files import check_writable, replacing
    from headbrush.analysis.store.store import Store
    from headbrush.server.stores.store_data import StoreData
    from headbrush.server.stores.trends.beside import beside_table
    from headbrush.server.stores.trends.matching import refuse_match
    from headbrush.server.stores.trends.table import trend_table

    if beside is None:
        refuse_match(str(match))
    if out is not None:
        check_writable(Path(out))
    data = StoreData(Store(Path(store)) if isinstance(store, (str, Path)) else store)
    if beside is None:
        table = trend_table(data, metric, permutations, seed, compare)
    else:
        second = Store(Path(beside)) if isinstance(beside, (str, Path)) else beside
        table = beside_table(data, StoreData(second), metric, match)
    if out is not None:
        with replacing(Path(out)) as temporary:
            table.to_csv(temporary, index=False, float_format="%.7g", lineterminator="\n")
    return table


@named_options
def serve(
    store: "Store | str | Path",
    *stores: "Store | str | Path",
    port: int = 0,
    prefix: str = "",
    no_live: bool = False,
    num_procs: int = 1,
    proxy: str = "",
    height: int = 900,
) -> "Serving":
    """Serve stores as pages from a process in the background; a notebook shows the page.

    Parameters
    ----------
    port
        Port of the page; 0: any free one.
    prefix
        Path of the page behind a proxy that passes it on.
    no_live
        Run no model and open no image of a store.
    num_procs
        Number of processes that share the port.
    proxy
        Where browsers reach the server through a proxy, for example
        ``"https://hub.example.org/user/me/proxy/{port}"``.
    height
        Of the page in a notebook, in pixels.

    Returns
    -------
    The server, which runs until its ``stop()`` is called, a ``with`` block of it ends, or this
    process ends; ``url`` is the address of the page, for browsers on this computer only unless a
    proxy leads to it.

    Raises
    ------
    InputError
        If a store cannot be read, the port cannot be used, or the server does not start.
    """
    from headbrush.server.host.background import Serving

    paths = [one if isinstance(one, (str, Path)) else one.path for one in (store, *stores)]
    options = [*(("--prefix", prefix) if prefix else ()), *(("--no-live",) if no_live else ())]
    options += ["--num-procs", str(num_procs)] if num_procs != 1 else []
    return Serving([Path(path) for path in paths], port, options, proxy, height)
