"""The child process that runs models, started by ``process.py``.

The only file of the server that imports torch, and only in that process, never in the server's. A
question and its answer are one message each on the socket that is the process's standard input:
JSON, and an archive of arrays without pickled objects.
"""

import json
import os
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from headbrush.analysis.extra import MODEL, demand_extra
from headbrush.analysis.model.pruning.prune_set import NOTHING, PruneSet
from headbrush.analysis.prune.stored_model import (
    StoredModel,
    demand_source,
    load_stored,
    stored_source,
)
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store
from headbrush.server.stores.model.errors import LiveError
from headbrush.server.stores.model.explaining import Explaining
from headbrush.server.tools.byte_lru import ByteLRU
from headbrush.server.tools.child_requests import listen

if TYPE_CHECKING:
    from headbrush.analysis.model.tracing import Trace
    from headbrush.analysis.model.vision_model import VisionModel
    from headbrush.analysis.prune.side_by_side import SideBySide

Arrays = Mapping[str, np.ndarray]

_LESS_URGENT = 10
"""Added to the niceness, so that pages are served first."""
_TENSORS_A_LAYER = 7
"""Of a trace: block and attention input, query, key, value, head output, output."""
_TRACES_BYTES = 512 * 2**20
_MOST_LOADED = 2


class StoreModel:
    """The model of a store, loaded when it is first needed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._labels = store.read("label")
        self._stored: StoredModel | None = None
        self._traces: ByteLRU[Trace] = ByteLRU(_TRACES_BYTES)
        self._predictor: SideBySide | None = None
        self.explaining = Explaining(self._loaded, self._trace)

    def load(self) -> Arrays:
        """Import torch and load the model, to be ready for questions."""
        self._loaded()
        return {}

    def attention(self, image: int, layer: int, head: int) -> Arrays:
        """``(T, T)`` float32 of one head."""
        traced = self._trace(image)
        import torch

        with torch.inference_mode():
            return {"matrix": traced.layers[layer].attention()[0, head].cpu().numpy()}

    def partial_pruning(self, image: int, layer: int, head: int) -> Arrays:
        """The metrics and predictions of one head under every mode."""
        model, traced = self._loaded(), self._trace(image)
        from headbrush.analysis.measures.importance import partial_pruning

        pruned = partial_pruning(model, traced, layer, head, int(self._labels[image]))
        return {"metrics": pruned.metrics, "probability": pruned.probability}

    def predictions(self, images: Sequence[int], pruned: str) -> Arrays:
        """``(n, classes)`` probabilities of some images under a prune set."""
        self._loaded()
        if self._predictor is None:
            from headbrush.analysis.prune.side_by_side import SideBySide

            assert self._stored is not None
            self._predictor = SideBySide(self._stored.model, self._stored.batch)
        found = self._predictor.predict(images, PruneSet.parse(pruned))
        return {"probability": found.probability}

    def importance(self, image: int, pruned: str, layer: int) -> Arrays:
        """The pruning metrics ``(metric, H)`` of a layer's heads, on top of a prune set."""
        model, prune_set = self._loaded(), PruneSet.parse(pruned)
        from headbrush.analysis.prune.predicting import conditional_importance

        traced = self._trace(image, prune_set)
        label = int(self._labels[image])
        return {"metrics": conditional_importance(model, traced, label, [layer])[:, layer]}

    def unload(self) -> None:
        """Free the model's memory; the next question loads it again."""
        if self._predictor is not None:
            self._predictor.close()
        self._stored = self._predictor = None
        self._traces = ByteLRU(_TRACES_BYTES)
        self.explaining.forget()

    def _trace(self, image: int, pruned: PruneSet = NOTHING) -> "Trace":
        model = self._loaded()
        traced = self._traces.get((image, pruned))
        if traced is None:
            from headbrush.analysis.model.tracing import trace

            assert self._stored is not None
            traced = trace(model, self._stored.inputs(image), pruned)
            if not pruned:
                self._stored.demand_same_prediction(image, traced.probability[0].cpu().numpy())
            size = _TENSORS_A_LAYER * len(traced.layers) * traced.layers[0].block_input.nbytes
            self._traces.put((image, pruned), traced, size)
        return traced

    def _loaded(self) -> "VisionModel":
        if self._stored is None:
            demand_source(stored_source(self.store))
            demand_extra("Running the model", MODEL)
            self._stored = load_stored(self.store)
        _spare_threads(self._stored.model)
        return self._stored.model


def _spare_threads(model: "VisionModel") -> None:
    """Run a small model in one thread: it answers before people notice that they wait."""
    import torch

    usual = _usual_threads()
    torch.set_num_threads(1 if model.is_small else usual)


@cache
def _usual_threads() -> int:
    import torch

    return torch.get_num_threads()


class Answering:
    """Answers questions about any store; keeps a few models, frees the least recently used."""

    def __init__(self) -> None:
        self._models: dict[tuple[str, tuple[int, ...]], StoreModel] = {}

    def answer(self, question: Mapping[str, Any]) -> Arrays:
        """What :class:`StoreModel` answers, or why there is none, as ``fault`` or ``failed``."""
        try:
            model = self._model(question["store"], tuple(question["stamp"]))
            ask = {"load": model.load, "attention": model.attention,
                   "partial_pruning": model.partial_pruning, "predictions": model.predictions,
                   "importance": model.importance,
                   **model.explaining.answers}[question["ask"]]  # fmt: skip
            return ask(*question["of"])
        except InputError as error:
            return {"fault": np.array(str(error))}
        except Exception as error:
            words = f"The model failed: {type(error).__name__}: {error}"
            return {"fault": np.array(words), "failed": np.array(traceback.format_exc())}

    def _model(self, path: str, stamp: tuple[int, ...]) -> StoreModel:
        model = self._models.pop((path, stamp), None) or self._caught_up(path, stamp)
        if model is None:
            store = Store(path, unfinished=True)
            if store.stamp != stamp:
                raise LiveError("The store was replaced after the page opened it; reload the page.")
            model = StoreModel(store)
        self._models[path, stamp] = model
        while len(self._models) > _MOST_LOADED:
            self._models.pop(next(iter(self._models))).unload()
        return model

    def _caught_up(self, path: str, stamp: tuple[int, ...]) -> StoreModel | None:
        """The model of the store as it was before its analysis wrote more, if there is one."""
        for known in [key for key in self._models if key[0] == path]:
            model = self._models[known]
            with suppress(InputError):
                if model.store.catch_up() and model.store.stamp == stamp:
                    return self._models.pop(known)
        return None


def main() -> None:
    """Answer until the parent process is gone."""
    with suppress(OSError):
        os.nice(_LESS_URGENT)
    pipe, questions = listen()
    answering = Answering()
    while True:
        archive = BytesIO()
        answer = answering.answer(json.loads(questions.get()))
        np.savez(archive, **answer)  # pyright: ignore[reportArgumentType] (keywords name the arrays)
        pipe.send_bytes(archive.getbuffer())
