"""Where the work on shards is done: in this process, or by the workers of a Dask cluster.

A task is a function ``task(model, job, advance)`` that leaves its result in the store's folder, so
it does not matter who does it, nor whether it is done twice.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from functools import lru_cache, partial
from queue import SimpleQueue
from typing import Protocol, TypeVar, cast

from headbrush.analysis.model.loading import load_recipe
from headbrush.analysis.model.vision_model import ModelRecipe, VisionModel
from headbrush.analysis.run.progress import Advance
from headbrush.analysis.run.together import Together
from headbrush.analysis.store.errors import InputError

Job = TypeVar("Job")
Task = Callable[[VisionModel, Job, Advance], None]

_WAIT_SECONDS = 60
_MOST_AT_ONCE = 8
"""Tasks in one process; each has a memory budget of its own."""
_ALONE = threading.Lock()
"""A model is hooked while it is traced, so a worker's threads take turns."""


class ClusterError(InputError):
    """A cluster that cannot be used."""


class Scheduler(Protocol):
    """Does tasks."""

    def workers(self, model: VisionModel, /) -> int:
        """How many tasks are done at once."""
        ...

    def run(
        self, model: VisionModel, task: Task[Job], jobs: Sequence[Job], advance: Advance
    ) -> None:
        """Do ``task`` for every job; ``advance`` is called with the finished share."""


class Local:
    """Runs tasks in this process, as many at once as there are cores if the model is small."""

    def workers(self, model: VisionModel) -> int:
        """As many as copies of the model run side by side."""
        return model.copies_at_once(_MOST_AT_ONCE)

    def run(
        self, model: VisionModel, task: Task[Job], jobs: Sequence[Job], advance: Advance
    ) -> None:
        """Do ``task`` for every job, each with a copy of the model to itself."""
        count = min(self.workers(model), len(jobs))
        models: SimpleQueue[VisionModel] = SimpleQueue()
        for copy in [model, *(deepcopy(model) for _ in range(count - 1))][:count]:
            models.put(copy)
        shares, together = [0.0] * len(jobs), Together(to_the_end=False)

        def do(number: int) -> None:
            def step(share: float) -> None:
                shares[number] = share
                advance(sum(shares) / len(jobs))

            own = models.get()
            try:
                task(own, jobs[number], together.watched(step))
                shares[number] = 1.0
            finally:
                models.put(own)

        works = [partial(do, number) for number in range(len(jobs))]
        if works:
            together.do(works[0], works[1:], count - 1)
            together.raise_first()


class Cluster:
    """Sends tasks to the workers of a Dask scheduler; each loads its own copy of the model.

    Workers see the images, the model and the store at the same paths as this process. A task whose
    worker dies is done again by another.

    Parameters
    ----------
    address
        ``tcp://HOST:PORT`` of the scheduler.
    paths
        What the workers must see too.

    Raises
    ------
    ClusterError
        If no scheduler or worker answers, or a worker lacks headbrush or a path.
    """

    def __init__(self, address: str, paths: Sequence[str]) -> None:
        from distributed import Client

        try:
            self._client = Client(address, timeout=_WAIT_SECONDS / 4, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterError(
                f"{address}: no Dask scheduler answers ({error}); start one with "
                "'dask scheduler', and workers with 'dask worker'."
            ) from error
        try:
            self._probe(address, paths)
        except BaseException:
            self._client.close()
            raise

    def _probe(self, address: str, paths: Sequence[str]) -> None:
        try:
            self._client.wait_for_workers(1, timeout=_WAIT_SECONDS)
        except TimeoutError as error:
            raise ClusterError(f"{address}: the scheduler has no worker.") from error
        try:
            answers = self._client.run(_missing_paths, list(paths))
        except ModuleNotFoundError as error:
            raise ClusterError(
                f"{address}: a worker lacks {error.name}; install headbrush of the same version "
                "where the workers run."
            ) from error
        # the client is a synchronous one, so the answers are here and nothing is to be awaited
        missing = cast(dict[str, list[str]], answers)
        self._workers = len(missing)
        for worker, found in missing.items():
            if found:
                raise ClusterError(f"{worker}: this worker does not see {found[0]}.")

    def workers(self, _model: VisionModel) -> int:
        """Its processes."""
        return self._workers

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def run(
        self, model: VisionModel, task: Task[Job], jobs: Sequence[Job], advance: Advance
    ) -> None:
        """Do ``task`` for every job, on any worker, in any order; the model has a recipe."""
        from distributed import KilledWorker, as_completed

        futures = [self._client.submit(_work, model.recipe, task, job, pure=False) for job in jobs]
        try:
            for done, future in enumerate(as_completed(futures, loop=self._client.loop)):
                future.result()
                advance((done + 1) / len(jobs))
        except KilledWorker as error:
            raise ClusterError(
                "several workers died of the same task, perhaps for lack of memory; give a smaller "
                "--batch-size, or workers more memory; then run the same command to resume."
            ) from error
        finally:
            self._client.cancel(futures)


def demand_sendable(address: str | None, model: object) -> None:
    """Check what can be checked without asking the cluster at ``address``.

    Raises
    ------
    ClusterError
        If it is no address, or the model exists only in this process.
    """
    if address is None:
        return
    if "://" not in address:
        raise ClusterError(f"--scheduler {address}: expected tcp://HOST:PORT.")
    if not isinstance(model, str):
        raise ClusterError("a module that exists only in this process cannot be sent to a cluster.")


def open_scheduler(address: str | None, paths: Sequence[str]) -> AbstractContextManager[Scheduler]:
    """The cluster at ``address``, or this process if there is none.

    Raises
    ------
    ClusterError
        If the cluster cannot be used.
    """
    return nullcontext(Local()) if address is None else Cluster(address, paths)


@lru_cache(maxsize=1)
def _model_of(recipe: ModelRecipe) -> VisionModel:
    return load_recipe(recipe)


def _work(recipe: ModelRecipe, task: Task[Job], job: Job) -> None:
    with _ALONE:
        task(_model_of(recipe), job, lambda _share: None)


def _missing_paths(paths: list[str]) -> list[str]:
    from pathlib import Path

    return [path for path in paths if not Path(path).exists()]
