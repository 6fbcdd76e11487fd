"""Prepare an analysis: refuse what cannot work, the cheapest check first, and say the rest."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from headbrush.analysis.explain.stored import why_inexact
from headbrush.analysis.images.choosing import spread
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.reading_check import drop_unreadable
from headbrush.analysis.model import capture
from headbrush.analysis.model.batches import load_batch
from headbrush.analysis.model.vision_model import VisionModel, spare_threads
from headbrush.analysis.preflight.describe import describe
from headbrush.analysis.preflight.expect import Expected, expect
from headbrush.analysis.preflight.inputs import (
    listed_images,
    requested_images,
    requested_model,
    requested_texts,
)
from headbrush.analysis.preflight.measure import measure
from headbrush.analysis.preflight.output_place import demand_place, nearest_folder
from headbrush.analysis.preflight.probe import with_probe
from headbrush.analysis.preflight.report import Preflight
from headbrush.analysis.preflight.words import number, size
from headbrush.analysis.run.plan import known_plan, whole_plan
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.request import Request
from headbrush.analysis.run.scheduling import (
    Scheduler,
    demand_sendable,
    open_scheduler,
)
from headbrush.analysis.run.stages.precision import demand_precision
from headbrush.analysis.run.work_folder import PartsError, WorkFolder

MOST_OPENED = 2_000
"""Images that a dry run opens, at most."""
_MOST_PROBED = 64
"""Images that the probe of a dry run is fitted to, at most."""
_CLEARLY = 0.8
"""Share of the expected disk space without which nothing is begun: an expectation is not exact."""


@dataclass(frozen=True)
class Prepared:
    """All that an analysis needs, checked.

    Attributes
    ----------
    images
        Those to analyze, or, if the best and worst classes are wanted, to choose from.
    folder
        Makes the folder of the store in a ``with`` block.
    preflight
        What the analysis will do.
    """

    request: Request
    model: VisionModel
    images: ImageSet
    scheduler: Scheduler
    folder: WorkFolder
    preflight: Preflight


def preflight(request: Request, progress: StageProgress) -> Preflight:
    """What an analysis would do; makes no folder or file.

    Raises
    ------
    InputError
        As the analysis would.
    """
    with progress, prepared(request, progress, is_dry=True) as ready:
        return ready.preflight


@contextmanager
def prepared(request: Request, progress: StageProgress, is_dry: bool = False) -> Iterator[Prepared]:
    """Check everything that can be checked before computing; makes no folder or file.

    Parameters
    ----------
    is_dry
        Whether nothing will follow: then of many images only some are opened.

    Raises
    ------
    InputError
        If the model, the images, the cluster or the output folder cannot be used.
    """
    demand_sendable(request.scheduler, request.model)
    demand_place(request.out, request.images if isinstance(request.images, Path) else None)
    WorkFolder(request.out, known_plan(request), request.restart).refuse(is_whole=False)
    with progress.stage("list images"):
        listed, texts = listed_images(request), requested_texts(request)
    with open_scheduler(request.scheduler, shared_paths(request)) as scheduler:
        with progress.stage("load model") as advance:
            model = requested_model(request, texts)
            advance(0.9)
            found = requested_images(request, model, listed)
        with spare_threads(model.module, model.device):
            with progress.stage("check images") as advance:
                opened = _some(found) if is_dry else found
                images = drop_unreadable(opened, advance)
                if len(opened) < len(found):
                    images = _with_unopened(found, opened, images)
            if request.probe:
                with progress.stage("fit the probe") as advance:
                    model = with_probe(
                        model, _few(images) if is_dry else images, request.batch_size, advance
                    )
            with progress.stage("self-check"):
                two = load_batch(model, images, range(min(2, len(images))))
                capture.self_check(model, two)
                model = replace(model, inexact=why_inexact(model, two))
                demand_precision(model, request.precision)
            folder = WorkFolder(request.out, whole_plan(request, model, images), request.restart)
            folder.refuse()
            with progress.stage("measure two images"):
                told = _preflight(request, model, images, folder, scheduler.workers(model))
            yield Prepared(request, model, images, scheduler, folder, told)


def _some(images: ImageSet) -> ImageSet:
    """At most so many as a dry run opens, spread over the classes."""
    return images.take(spread(images.labels, MOST_OPENED).tolist())


def _few(images: ImageSet) -> ImageSet:
    """At most so many as the probe of a dry run is fitted to, spread over the classes."""
    return images.take(spread(images.labels, _MOST_PROBED).tolist())


def _with_unopened(found: ImageSet, opened: ImageSet, readable: ImageSet) -> ImageSet:
    """All images but those that could not be read, with a note that not all were opened."""
    bad = set(opened.names) - set(readable.names)
    images = found.take([i for i, name in enumerate(found.names) if name not in bad])
    note = f"{number(len(opened), 'image')} of {len(found)} were opened; the analysis opens all."
    notes = (*readable.notes, note)
    return replace(images, skipped=readable.skipped, reading=readable.reading, notes=notes)


def _preflight(
    request: Request, model: VisionModel, images: ImageSet, folder: WorkFolder, workers: int
) -> Preflight:
    finished = frozenset() if request.restart else folder.finished_parts()
    measured = measure(request, model, images)
    expected = expect(request, model, images, measured, finished, workers)
    free = shutil.disk_usage(nearest_folder(request.out)).free
    if _CLEARLY * expected.disk_bytes > free:
        raise PartsError(_too_small(request, expected, free))
    return Preflight(describe(request, model, images, expected, free), expected)


def _too_small(request: Request, expected: Expected, free: int) -> str:
    fewer = ", --attention N with fewer images" if expected.stored else ", --limit"
    return (
        f"{request.out}: the analysis needs about {size(expected.disk_bytes)} of disk space, and "
        f"{size(free)} are free; free some{fewer}, or choose another --out."
    )


def shared_paths(request: Request) -> list[str]:
    """Paths that a cluster's workers must see too."""
    paths = [request.images, request.checkpoint, nearest_folder(request.out)]
    return [str(path.resolve()) for path in paths if isinstance(path, Path)]
