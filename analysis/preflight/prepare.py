"""Prepare an analysis: refuse what cannot work, the cheapest check first."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.reading_check import drop_unreadable
from headbrush.analysis.model import capture
from headbrush.analysis.model.batches import load_batch
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.preflight.inputs import listed_images, requested_images, requested_model
from headbrush.analysis.preflight.output_place import demand_place
from headbrush.analysis.run.plan import known_plan, whole_plan
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.request import Request
from headbrush.analysis.run.scheduling import Scheduler, demand_sendable, open_scheduler
from headbrush.analysis.run.work_folder import WorkFolder


@dataclass(frozen=True)
class Prepared:
    """All that an analysis needs, checked.

    Attributes
    ----------
    images
        Those to analyze, or, if the best and worst classes are wanted, to choose from.
    folder
        Makes the folder of the store in a ``with`` block.
    """

    request: Request
    model: VisionModel
    images: ImageSet
    scheduler: Scheduler
    folder: WorkFolder


@contextmanager
def prepared(request: Request, progress: StageProgress) -> Iterator[Prepared]:
    """Check everything that can be checked before computing; makes no folder or file.

    Raises
    ------
    InputError
        If the model, the images, the cluster or the output folder cannot be used.
    """
    demand_sendable(request.scheduler, request.model)
    demand_place(request.out, request.images if isinstance(request.images, Path) else None)
    WorkFolder(request.out, known_plan(request), request.restart).refuse(is_whole=False)
    with progress.stage("list images"):
        listed = listed_images(request)
    with open_scheduler(request.scheduler, _shared_paths(request)) as scheduler:
        with progress.stage("load model") as advance:
            model = requested_model(request)
            advance(0.9)
            found = requested_images(request, model, listed)
        with progress.stage("check images") as advance:
            images = drop_unreadable(found, advance)
        with progress.stage("self-check"):
            capture.self_check(model, load_batch(model, images, range(min(2, len(images)))))
        plan = whole_plan(request, model, images)
        folder = WorkFolder(request.out, plan, request.restart)
        folder.refuse()
        yield Prepared(request, model, images, scheduler, folder)


def _shared_paths(request: Request) -> list[str]:
    """Paths that a cluster's workers must see too."""
    paths = [request.images, request.checkpoint, request.out.resolve().parent]
    return [str(path.resolve()) for path in paths if isinstance(path, Path)]
