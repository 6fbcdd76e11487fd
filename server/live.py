"""What the store does not hold, computed by the model itself when asked for.

The only file of the server that imports torch, and only in its worker thread.
"""

import json
from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.errors import InputError
from analysis.store import Store

from .no_model import NoModel, runs_none
from .recent import Recent
from .worker import Pool

if TYPE_CHECKING:
    from analysis.importance import PartialPruning

_MEBIBYTE = 2**20
_TENSORS_A_LAYER = 7
"""Of a trace: block and attention input, query, key, value, head output, output."""
_TRACES_BYTES = 512 * _MEBIBYTE
_MOST_LOADED = 2
_SAME_PREDICTION = 0.01
"""Largest difference of a probability that another device or library version may cause."""
_SMALL_MODEL = 10_000_000
"""Parameters; one thread answers within the time in which people notice no waiting."""
_NOT_AT_HAND = (
    "{what} is not at hand: put it back at {place} and select anew. "
    "What the store itself holds is shown all the same."
)


_POOL = Pool("headbrush-live")
_LOADED: "list[LiveModel]" = []
"""Models that are loaded, the least recently asked first; only the pool's thread touches it."""


class LiveError(InputError):
    """Why the model cannot answer here, and what would help."""


class LiveModel:
    """The model of a store, loaded when it is first needed.

    One thread of the process answers all questions, in the order in which they come; a future that
    still waits can be cancelled. Results are kept and shared by all pages. A future may hold a
    :class:`LiveError`, or :class:`BusyError` where too many wait.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names = store.read("name").tolist()
        self._labels = store.read("label")
        self._model: Any = None
        self._traces = Recent(_TRACES_BYTES)
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
        if self._model is None:
            _POOL.submit(self._loaded)

    def wait(self) -> None:
        """Until all that was asked so far is answered."""
        _POOL.submit(int).result()

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
            return _POOL.submit(answer)
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
        _make_room(self)
        return self._model

    def unload(self) -> None:
        """Give back the memory of the model; it is loaded again when it is asked."""
        self._model = None
        self._traces = Recent(_TRACES_BYTES)


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


def _make_room(model: LiveModel) -> None:
    """Keep few models loaded, whatever stores people look at."""
    _LOADED[:] = [other for other in _LOADED if other is not model] + [model]
    while len(_LOADED) > _MOST_LOADED:
        _LOADED.pop(0).unload()


@lru_cache(maxsize=16)
def live_model(store: Store) -> LiveModel | NoModel:
    """The live model of a store, one a process."""
    return NoModel() if runs_none() else LiveModel(store)


def waiting_words() -> str:
    """What a page says while it waits for the model."""
    others = _POOL.waiting - 1
    if others < 2:
        return "computing with the model …"
    return f"computing … {others} others wait"
