"""Attention that the store does not keep, computed by the model itself when asked for.

The only file of the server that imports torch, and only in its worker thread.
"""

import json
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from analysis.errors import InputError
from analysis.store import Store

_KEPT_TRACES = 4


class LiveError(InputError):
    """Why attention cannot be computed here, and what would help."""


class LiveModel:
    """The model of a store, loaded once a process in one worker thread.

    Requests are answered in the order in which they come; :meth:`cancel` drops one that still
    waits.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names = store.read("name").tolist()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="headbrush-live")
        self._model: Any = None
        self._traces: OrderedDict[int, Any] = OrderedDict()

    def attention(self, image: int, layer: int, head: int) -> "Future[np.ndarray]":
        """Ask for ``(T, T)`` float32 of one head; the future may hold a :class:`LiveError`."""
        return self._worker.submit(self._attention, image, layer, head)

    def _attention(self, image: int, layer: int, head: int) -> np.ndarray:
        import torch

        with torch.inference_mode():
            return self._trace(image).layers[layer].attention()[0, head].cpu().numpy()

    def _trace(self, image: int) -> Any:
        from analysis.capture import trace
        from analysis.images import load_image

        if image not in self._traces:
            model = self._loaded()
            try:
                picture = load_image(self._file(image))
            except InputError as error:
                raise LiveError(f"The image is not at hand: {error}") from error
            inputs = model.transform(picture)[None].to(model.device)
            self._traces[image] = trace(model, inputs)
            if len(self._traces) > _KEPT_TRACES:
                self._traces.popitem(last=False)
        self._traces.move_to_end(image)
        return self._traces[image]

    def _file(self, image: int) -> Path:
        folder = Path(self._store.attrs["images"]).resolve()
        path = (folder / self._names[image]).resolve()
        if not path.is_relative_to(folder):
            raise LiveError(f"{self._names[image]!r} is outside the image folder.")
        return path

    def _loaded(self) -> Any:
        if self._model is None:
            from analysis.models import load_model

            source = json.loads(self._store.attrs.get("model_source", "{}"))
            if "name" not in source:
                raise LiveError("This store does not say how to load its model.")
            checkpoint = source.get("checkpoint")
            try:
                model = load_model(
                    source["name"],
                    checkpoint=None if checkpoint is None else Path(checkpoint),
                    pretrained=source.get("pretrained", True),
                )
            except InputError as error:
                raise LiveError(f"The model is not at hand: {error}") from error
            if model.checkpoint_sha256 != self._store.attrs["checkpoint_sha256"]:
                raise LiveError(
                    "The weights have changed since the analysis, so they would show another model."
                )
            self._model = model
        return self._model


@lru_cache
def live_model(store: Store) -> LiveModel:
    """The live model of a store, one a process."""
    return LiveModel(store)


def when_done(
    future: "Future[np.ndarray]",
    deliver: Callable[[np.ndarray | None, str], None],
    schedule: Callable[[Callable[[], None]], Any],
) -> None:
    """Hand a result, or a sentence why there is none, to ``deliver`` on the event loop.

    Parameters
    ----------
    schedule
        Runs a function on the loop, for example ``document.add_next_tick_callback``.
    """

    def finished(done: "Future[np.ndarray]") -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            schedule(lambda: deliver(done.result(), ""))
        else:
            schedule(lambda: deliver(None, str(error)))

    future.add_done_callback(finished)
