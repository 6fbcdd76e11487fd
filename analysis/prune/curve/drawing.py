"""Draw the curve of a store: which lines it has, who draws them, and where they are kept."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.prune.curve.lines import LineJob, draw_line
from headbrush.analysis.prune.errors import LiveError
from headbrush.analysis.prune.export.describing import costs
from headbrush.analysis.prune.export.shrinking import InexactExport
from headbrush.analysis.prune.orders import OrderError, chosen_order, halves, random_order
from headbrush.analysis.prune.stored_model import demand_source, load_stored, stored_source
from headbrush.analysis.run.disk_lock import DiskLock, LockedError
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.scheduling import demand_sendable, open_scheduler, spare_threads
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.store.atomic_files import remove_unfinished, replacing, writing
from headbrush.analysis.store.errors import InputError, StoreError
from headbrush.analysis.store.facts.studies import (
    ORDERS,
    Curve,
    Line,
    curve_file,
    demand_own,
    points_of,
    read_curve,
    save_curve,
)
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
        with progress, _work(store, curve) as parts:
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
        store_created=str(store.attrs["created"]),
        checkpoint_sha256=str(store.attrs["checkpoint_sha256"]),
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


@contextmanager
def _work(store: Store, curve: Curve) -> Iterator[PartFiles]:
    """Where the lines of a curve are kept until it is finished; one process at a time."""
    place = curve_file(store.path, curve.images, curve.seed).with_suffix("")
    parts, plan = PartFiles(place), json.dumps(_plan(curve), sort_keys=True)
    with writing(parts.folder):
        parts.folder.mkdir(parents=True, exist_ok=True)
    lock = DiskLock(parts.folder)
    try:
        lock.acquire()
    except LockedError as error:
        raise LockedError(f"{place}: another process is drawing this curve.") from error
    try:
        file = parts.folder / "plan.json"
        if not file.is_file() or file.read_text(encoding="utf-8") != plan:
            for old in parts.folder.glob("*.npz"):
                old.unlink()
            with replacing(file) as temporary:
                temporary.write_text(plan, encoding="utf-8")
        remove_unfinished(parts.folder)
        yield parts
    finally:
        lock.release()
        if not parts.folder.exists():  # the curve is finished
            shutil.rmtree(place, ignore_errors=True)


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
    model = _model(store, curve)
    jobs = {
        key: LineJob(_name(key), heads, store.path, curve.chosen, curve.drawn, curve.step, parts)
        for key, heads in sorted(missing.items(), key=lambda item: bool(item[1]))
    }
    left = [job for job in jobs.values() if not parts.has(job.name)]
    with (
        open_scheduler(request.scheduler, [str(store.path)]) as scheduler,
        spare_threads(model),
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


def _model(store: Store, curve: Curve) -> VisionModel:
    """The model of the store, which still predicts what is stored."""
    import torch

    stored = load_stored(store)
    if not stored.model.num_classes:
        raise LiveError("The model has no classifier, so there is no accuracy to draw.")
    first = curve.drawn[0]
    with torch.inference_mode():
        output = stored.model.outputs(stored.inputs(first))
        found = stored.model.kind.probability(output)[0].float().cpu().numpy()
    stored.demand_same_prediction(first, found)
    return stored.model


def _name(key: _Key) -> str:
    return f"{key[0]}-{key[1]:03}"


def _line(key: _Key, parts: PartFiles) -> Line:
    found = parts.load_all(_name(key))
    names = ("heads", "right", "jsd", "flipped")
    return Line(*key, *(tuple(found[name].tolist()) for name in names))
