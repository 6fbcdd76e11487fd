"""What the store does not hold, computed by the model itself when asked for.

The only file of the server that imports torch, and only in its worker thread.
"""

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.document import Document

from analysis.errors import InputError
from analysis.store import Store

from .recent import Recent

if TYPE_CHECKING:
    from analysis.importance import PartialPruning

_MEBIBYTE = 2**20
_TENSORS_A_LAYER = 7
"""Of a trace: block and attention input, query, key, value, head output, output."""
_SAME_PREDICTION = 0.01
"""Largest difference of a probability that another device or library version may cause."""
_SMALL_MODEL = 10_000_000
"""Parameters; one thread answers within the time in which people notice no waiting."""
_PATIENCE_MS = 200
_NOT_AT_HAND = (
    "{what} is not at hand: put it back at {place} and select anew. "
    "What the store itself holds is shown all the same."
)


class LiveError(InputError):
    """Why the model cannot answer here, and what would help."""


class LiveModel:
    """The model of a store, loaded once a process in one worker thread.

    Questions are answered in the order in which they come; a future that still waits can be
    cancelled. Results are kept and shared by all pages. A future may hold a :class:`LiveError`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names = store.read("name").tolist()
        self._labels = store.read("label")
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="headbrush-live")
        self._model: Any = None
        self._traces = Recent(512 * _MEBIBYTE)
        self._matrices = Recent(64 * _MEBIBYTE)
        self._prunings = Recent(16 * _MEBIBYTE)

    def attention(self, image: int, layer: int, head: int) -> "Future[np.ndarray]":
        """Ask for ``(T, T)`` float32 of one head."""
        return self._ask(self._matrices, self._attention, image, layer, head)

    def partial_pruning(self, image: int, layer: int, head: int) -> "Future[PartialPruning]":
        """Ask for the metrics and predictions of one head under every mode."""
        return self._ask(self._prunings, self._partial_pruning, image, layer, head)

    def warm_up(self) -> None:
        """Load the model in the background, so that the first question does not wait for it."""
        self._worker.submit(self._loaded)

    def wait(self) -> None:
        """Until all that was asked so far is answered."""
        self._worker.submit(int).result()

    def _ask(
        self, kept: Recent, compute: Callable[..., tuple[Any, int]], *key: int
    ) -> "Future[Any]":
        def answer() -> Any:
            found = kept.get(key)
            if found is None:
                found, size = compute(*key)
                kept.put(key, found, size)
            return found

        known = kept.get(key)
        if known is None:
            return self._worker.submit(answer)
        done: Future[Any] = Future()
        done.set_result(known)
        return done

    def _attention(self, image: int, layer: int, head: int) -> tuple[np.ndarray, int]:
        traced = self._trace(image)
        import torch

        with torch.inference_mode():
            found = traced.layers[layer].attention()[0, head].cpu().numpy().copy()
        return found, found.nbytes

    def _partial_pruning(self, image: int, layer: int, head: int) -> "tuple[PartialPruning, int]":
        traced = self._trace(image)
        from analysis.importance import partial_pruning

        found = partial_pruning(self._model, traced, layer, head, int(self._labels[image]))
        return found, found.metrics.nbytes + found.probability.nbytes

    def _trace(self, image: int) -> Any:
        found = self._traces.get(image)
        if found is None:
            model = self._loaded()
            picture = self._file(image)
            from analysis.capture import trace
            from analysis.images import load_image

            try:
                inputs = model.transform(load_image(picture))[None].to(model.device)
            except InputError as error:
                raise LiveError(f"The image is not at hand: {error}") from error
            found = trace(model, inputs)
            self._demand_same(image, found.probability[0].cpu().numpy())
            size = _TENSORS_A_LAYER * len(found.layers) * found.layers[0].block_input.nbytes
            self._traces.put(image, found, size)
        return found

    def _demand_same(self, image: int, probability: np.ndarray) -> None:
        stored = self._store.read("probability")[image]
        if not len(probability):  # headless
            return
        if len(stored) != len(probability) or np.any(abs(stored - probability) > _SAME_PREDICTION):
            raise LiveError(
                "The model predicts something else than in the analysis: its weights or "
                f"{self._names[image]} have changed since, or the weights were random."
            )

    def _file(self, image: int) -> Path:
        recorded = self._store.attrs["images"]
        if not Path(recorded).is_absolute():
            raise LiveError(
                f"The images were no files ({recorded}), so the model cannot see them again. "
                "What the store itself holds is shown all the same."
            )
        folder = Path(recorded).resolve()
        path = (folder / self._names[image]).resolve()
        if not path.is_relative_to(folder):
            raise LiveError(f"{self._names[image]!r} is outside the image folder.")
        for place, what in ((folder, "The image folder"), (path, "The image")):
            if not place.exists():
                raise LiveError(_NOT_AT_HAND.format(what=what, place=place))
        return path

    def _loaded(self) -> Any:
        if self._model is None:
            source = json.loads(self._store.attrs.get("model_source", "{}"))
            _demand_source(source)
            model = _load(source)
            if model.checkpoint_sha256 != self._store.attrs["checkpoint_sha256"]:
                raise LiveError(
                    "The weights have changed since the analysis, so they would show another model."
                )
            _spare_threads(model)
            self._model = model
        return self._model


def _demand_source(source: dict[str, Any]) -> None:
    """Refuse at once, without loading torch, where the model cannot be had."""
    if not {"name", "checkpoint", "pretrained"} <= source.keys():
        raise LiveError("This store does not say how to load its model.")
    places = [_folder(source["name"]), *([source["checkpoint"]] if source["checkpoint"] else [])]
    for place in map(Path, places):
        if place.is_absolute() and not place.exists():
            raise LiveError(_NOT_AT_HAND.format(what="The model", place=place))
    if not (source["checkpoint"] or source["pretrained"] or places[0].is_dir()):
        raise LiveError("The model had random weights, which were not kept.")


def _folder(name: str) -> Path:
    return Path(name.removeprefix("local-dir:"))


def _load(source: dict[str, Any]) -> Any:
    name, checkpoint = source["name"], source["checkpoint"]
    try:
        from analysis.models import load_model

        return load_model(
            name,
            checkpoint=None if checkpoint is None else Path(checkpoint),
            pretrained=source["pretrained"],
            **source.get("arguments", {}),
        )
    except InputError as error:
        if checkpoint is None and not _folder(name).is_dir():
            raise LiveError(
                f"The model is not at hand: timm could not get the published weights of {name}. "
                "Go online once so that they are kept on this machine, then select anew."
            ) from error
        raise LiveError(f"The model is not at hand: {error}") from error
    except ImportError as error:
        raise LiveError(f"The model cannot be run here: {error}") from error


def _spare_threads(model: Any) -> None:
    """Let this worker run a small model in one thread.

    Where the machine is busy, several threads wait for each other: measured four times slower.
    """
    import torch

    if sum(weight.numel() for weight in model.module.parameters()) < _SMALL_MODEL:
        torch.set_num_threads(1)


@lru_cache
def live_model(store: Store) -> LiveModel:
    """The live model of a store, one a process."""
    return LiveModel(store)


class LatestQuestion:
    """What one view of one page asks of the model; a newer question replaces an older one."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._future: Future[Any] | None = None
        document.on_session_destroyed(lambda _context: self.drop())

    def drop(self) -> None:
        """Ask no more: a waiting question leaves the queue, a late answer is not delivered."""
        if self._future is not None:
            self._future.cancel()
            self._future = None

    def ask(
        self,
        future: "Future[Any]",
        deliver: Callable[[Any | None, str], None],
        wait: Callable[[], None],
    ) -> None:
        """Deliver a result, or None and a sentence why there is none, on the event loop.

        ``wait`` is called if that takes longer than 200 ms; a known result is delivered at once.
        """
        self.drop()
        if future.done() and future.exception() is None:
            deliver(future.result(), "")
            return
        self._future = future

        def late() -> None:
            if self._future is future:
                wait()

        def answered(result: Any | None, fault: str) -> None:
            if self._future is future:
                self._future = None
                deliver(result, fault)

        self._document.add_timeout_callback(late, _PATIENCE_MS)
        when_done(future, answered, self._document.add_next_tick_callback)


def when_done(
    future: "Future[Any]",
    deliver: Callable[[Any | None, str], None],
    schedule: Callable[[Callable[[], None]], Any],
) -> None:
    """Hand a result, or a sentence why there is none, to ``deliver`` on the event loop.

    Parameters
    ----------
    schedule
        Runs a function on the loop, for example ``document.add_next_tick_callback``.
    """

    def finished(done: "Future[Any]") -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            schedule(lambda: deliver(done.result(), ""))
        elif isinstance(error, InputError):
            schedule(lambda: deliver(None, str(error)))
        else:
            schedule(lambda: deliver(None, f"The model failed: {type(error).__name__}: {error}"))

    future.add_done_callback(finished)
