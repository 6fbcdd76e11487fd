"""Draw the curve of a store: which lines it has, who draws them, and where they are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from headbrush.analysis.model.vision_model import spare_threads
from headbrush.analysis.prune.curve.lines import LineJob, draw_line
from headbrush.analysis.prune.export.describing import costs
from headbrush.analysis.prune.export.shrinking import InexactExport
from headbrush.analysis.prune.orders import OrderError, chosen_order, halves, random_order
from headbrush.analysis.prune.stored_model import demand_source, stored_source
from headbrush.analysis.prune.study.work import model_of, own_names, study_parts
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.scheduling import demand_sendable, open_scheduler
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.store.errors import InputError, StoreError
from headbrush.analysis.store.facts.studies.curve import (
    ORDERS,
    Curve,
    Line,
    curve_file,
    points_of,
    read_curve,
    save_curve,
)
from headbrush.analysis.store.facts.studies.files import demand_own
from headbrush.analysis.store.store import Store

LEAST_DRAWS = 10
"""Of random orders, so that they show a band."""
_Key = tuple[str, int]
"""Order and draw of a line."""


@dataclass(frozen=True)
class CurveRequest:
    """What to draw.

    Attributes
    ----------
    orders
        Of ``ORDERS``; empty: all that the store has what decides them for.
    images
        How many of the store's images are used, half to choose and half to draw; None: all.
    draws
        Random orders.
    step
        Heads that go between two points.
    scheduler
        Address of a Dask scheduler.
    """

    orders: tuple[str, ...] = ()
    images: int | None = None
    seed: int = 0
    draws: int = LEAST_DRAWS
    step: int = 1
    scheduler: str | None = None


def draw_curve(store: Store, request: CurveRequest, progress: StageProgress) -> Curve:
    """Draw and write the curve of a store; lines that are there already are not drawn again.

    Raises
    ------
    InputError
        If the request, the store, its model, its images or the cluster cannot be used.
    """
    _demand_sensible(store, request)
    source = stored_source(store)
    demand_source(source)
    demand_sendable(request.scheduler, source["name"])
    curve = _begun(store, request)
    orders = _orders(store, request, curve, progress)
    missing = {key: heads for key, heads in orders.items() if key not in _keys(curve)}
    if missing:
        file = curve_file(store.path, curve.images, curve.seed)
        with progress, study_parts(file, "curve", _plan(curve)) as parts:
            curve = _drawn(store, request, curve, missing, parts, progress)
            save_curve(store.path, curve)
            parts.remove()
    return curve


def _demand_sensible(store: Store, request: CurveRequest) -> None:
    total, images = store.sizes["image"], request.images
    if store.sizes["class"] == 0 or not store.read("probability").size:
        raise InputError("The model has no classifier, so there is no accuracy to draw.")
    if images is not None and not 2 <= images <= total:
        raise InputError(f"--images {images}: expected 2 to {total}, as many as the store has.")
    for order in request.orders:
        if order not in ORDERS:
            raise InputError(f"--order {order}: unknown; choose from {', '.join(ORDERS)}.")
    if request.draws < LEAST_DRAWS:
        raise InputError(f"--draws {request.draws}: expected at least {LEAST_DRAWS}, for a band.")
    heads = store.sizes["layer"] * store.sizes["head"]
    if not 1 <= request.step <= heads:
        raise InputError(f"--step {request.step}: expected 1 to {heads} heads.")
    if not 0 <= request.seed < 2**32:
        raise InputError(f"--seed {request.seed}: expected 0 to {2**32 - 1}.")


def _begun(store: Store, request: CurveRequest) -> Curve:
    """The curve with the lines that are there already."""
    sizes, images = store.sizes, request.images or store.sizes["image"]
    chosen, drawn = halves(sizes["image"], images, request.seed)
    curve = Curve(
        images=images,
        seed=request.seed,
        step=request.step,
        layers=sizes["layer"],
        heads=sizes["head"],
        chosen=tuple(chosen.tolist()),
        drawn=tuple(drawn.tolist()),
        labelled=int((store.read("label")[drawn] >= 0).sum()),
        pruned=tuple(points_of(sizes["layer"] * sizes["head"], request.step)),
        parameters=(),
        flops=(),
        inexact="",
        **own_names(store),
        lines=(),
    )
    path = curve_file(store.path, images, request.seed)
    try:
        found = read_curve(path)
        demand_own(path, found, store)
    except StoreError:
        return curve
    same = (found.chosen, found.drawn, found.step) == (curve.chosen, curve.drawn, curve.step)
    return found if same else curve


def _keys(curve: Curve) -> set[_Key]:
    return {(line.order, line.draw) for line in curve.lines}


def _orders(
    store: Store, request: CurveRequest, curve: Curve, progress: StageProgress
) -> dict[_Key, tuple[int, ...]]:
    """The lines to have, with their heads; none where they are chosen one by one."""
    found: dict[_Key, tuple[int, ...]] = {}
    count = curve.layers * curve.heads
    for order in request.orders or ORDERS:
        if order == "random":
            for draw in range(request.draws):
                found[order, draw] = tuple(random_order(count, request.seed, draw))
        elif order == "greedy":
            found[order, 0] = ()
        else:
            try:
                found[order, 0] = tuple(chosen_order(store, order, np.array(curve.chosen)))
            except OrderError as error:
                if request.orders:
                    raise
                progress.note(f"not drawn: {error}")
    return found


def _plan(curve: Curve) -> dict[str, object]:
    """All that decides the lines."""
    return {
        "chosen": curve.chosen,
        "drawn": curve.drawn,
        "step": curve.step,
        "store": [curve.store_created, curve.checkpoint_sha256],
    }


def _drawn(
    store: Store,
    request: CurveRequest,
    curve: Curve,
    missing: Mapping[_Key, tuple[int, ...]],
    parts: PartFiles,
    progress: StageProgress,
) -> Curve:
    """The curve with the missing lines, those that are finished last begun first."""
    model = model_of(store, curve.drawn[0], "there is no accuracy to draw")
    jobs = {
        key: LineJob(_name(key), heads, store.path, curve.chosen, curve.drawn, curve.step, parts)
        for key, heads in sorted(missing.items(), key=lambda item: bool(item[1]))
    }
    left = [job for job in jobs.values() if not parts.has(job.name)]
    with (
        open_scheduler(request.scheduler, [str(store.path)]) as scheduler,
        spare_threads(model.module, model.device),
        progress.stage("draw curve") as bar,
    ):
        scheduler.run(model, draw_line, left, bar)
    lines = [*curve.lines, *(_line(key, parts) for key in jobs)]
    lines.sort(key=lambda line: (list(ORDERS).index(line.order), line.draw))
    try:
        parameters, flops = costs(model, curve.pruned)
        inexact = ""
    except InexactExport as refusal:
        parameters, flops, inexact = (), (), str(refusal)
    return replace(curve, parameters=parameters, flops=flops, inexact=inexact, lines=tuple(lines))


def _name(key: _Key) -> str:
    return f"{key[0]}-{key[1]:03}"


def _line(key: _Key, parts: PartFiles) -> Line:
    found = parts.load_all(_name(key))
    names = ("heads", "right", "jsd", "flipped")
    return Line(*key, *(tuple(found[name].tolist()) for name in names))
