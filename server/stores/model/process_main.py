"""The child process that runs models, started by ``process.py``.

The only file of the server that imports torch, and only in that process, never in the server's. A
question and its answer are one message each on the socket that is the process's standard input:
JSON, and an archive of arrays without pickled objects.
"""

import json
import os
import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from io import BytesIO
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from headbrush.analysis.extra import MODEL, demand_extra
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store
from headbrush.server.stores.model.errors import LiveError
from headbrush.server.tools.byte_lru import ByteLRU
from headbrush.server.tools.child_requests import listen

if TYPE_CHECKING:
    from headbrush.analysis.images.reading.rules import Reading
    from headbrush.analysis.model.tracing import Trace
    from headbrush.analysis.model.vision_model import VisionModel

Arrays = Mapping[str, np.ndarray]

_LESS_URGENT = 10
"""Added to the niceness, so that pages are served first."""
_TENSORS_A_LAYER = 7
"""Of a trace: block and attention input, query, key, value, head output, output."""
_TRACES_BYTES = 512 * 2**20
_MOST_LOADED = 2
_SAME_PREDICTION = 0.01
"""Largest difference of a probability that another device or library version may cause."""
_SAME_PIXEL = 16
"""Largest difference of a thumbnail's value, of 255, that another decoder may cause."""
_MOST_PIXELS = 1_000_000_000
"""Of a picture, whatever a store allows: decoded, it takes three to four times as many bytes."""
_ARGUMENTS = {"img_size"}
"""The arguments that an analysis passes to timm; others could name files and addresses."""
_NOT_FOUND = (
    "{what} was not found: it was at {place} when the analysis ran. Stored values are still shown."
)


class StoreModel:
    """The model of a store, loaded when it is first needed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._names = store.read("name").tolist()
        self._labels = store.read("label")
        self._model: VisionModel | None = None
        self._traces: ByteLRU[Trace] = ByteLRU(_TRACES_BYTES)

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

    def unload(self) -> None:
        """Free the model's memory; the next question loads it again."""
        self._model = None
        self._traces = ByteLRU(_TRACES_BYTES)

    def _trace(self, image: int) -> "Trace":
        model = self._loaded()
        traced = self._traces.get(image)
        if traced is None:
            picture = self._file(image)
            from headbrush.analysis.images.decoding import load_image
            from headbrush.analysis.model.tracing import trace

            try:
                read = load_image(picture, self._reading())
                inputs = model.transform(read)[None].to(model.device)
            except InputError as error:
                raise LiveError(f"The image is not available: {error}") from error
            self._demand_same_picture(image, inputs.cpu().numpy())
            traced = trace(model, inputs)
            self._demand_same_prediction(image, traced.probability[0].cpu().numpy())
            size = _TENSORS_A_LAYER * len(traced.layers) * traced.layers[0].block_input.nbytes
            self._traces.put(image, traced, size)
        return traced

    def _reading(self) -> "Reading":
        """How the analysis read the images; a store of headbrush 0.1 does not say."""
        from headbrush.analysis.images.reading.rules import Reading, reading_from

        recorded = self.store.attrs.get("reading")
        if recorded is None:
            return Reading()
        try:
            return reading_from(recorded, _MOST_PIXELS)
        except ValueError as error:
            raise LiveError(f"The image is not available: {error}.") from error

    def _demand_same_picture(self, image: int, inputs: np.ndarray) -> None:
        from headbrush.analysis.images.thumbnails import thumbnails

        model, stored = self._loaded(), self.store.read("thumbnail")[image]
        (seen,) = thumbnails(inputs, model.mean, model.std)
        same = seen.shape == stored.shape and np.abs(seen.astype(int) - stored).max() <= _SAME_PIXEL
        if not same:
            raise LiveError(f"The image no longer matches the stored one: {self._names[image]}.")

    def _demand_same_prediction(self, image: int, probability: np.ndarray) -> None:
        stored = self.store.read("probability")[image]
        if not len(probability):  # headless
            return
        if len(stored) != len(probability) or np.any(abs(stored - probability) > _SAME_PREDICTION):
            raise LiveError(
                f"The model's prediction for {self._names[image]} no longer matches the stored "
                "one: its weights have changed, or were random."
            )

    def _file(self, image: int) -> Path:
        recorded = self.store.attrs["images"]
        if not Path(recorded).is_absolute():
            raise LiveError(
                f"The images were not files ({recorded}), so the model cannot read them again. "
                "Stored values are still shown."
            )
        folder, name = Path(recorded), PurePath(self._names[image])
        if name.is_absolute() or ".." in name.parts:  # links in the folder are followed
            raise LiveError(f"{self._names[image]!r} is outside the image folder.")
        path = folder / name
        for path_there, what in ((folder, "The image folder"), (path, "The image")):
            if not path_there.exists():
                raise LiveError(_NOT_FOUND.format(what=what, place=path_there))
        return path

    def _loaded(self) -> "VisionModel":
        if self._model is None:
            source = json.loads(self.store.attrs.get("model_source", "{}"))
            demand_source(source)
            model = _load(source)
            if model.checkpoint_sha256 != self.store.attrs["checkpoint_sha256"]:
                raise LiveError(
                    "The weights have changed since the analysis, so the model is not run."
                )
            self._model = model
        _spare_threads(self._model)
        return self._model


def demand_source(source: dict[str, Any]) -> None:
    """Refuse at once, without loading torch, if the model cannot be loaded."""
    if not {"name", "checkpoint", "pretrained"} <= source.keys():
        raise LiveError("This store does not record how to load its model.")
    arguments = source.get("arguments", {})
    if not isinstance(arguments, dict) or not arguments.keys() <= _ARGUMENTS:
        raise LiveError("The store's model has options that no analysis sets, so it is not loaded.")
    paths = [_folder(source["name"]), *([source["checkpoint"]] if source["checkpoint"] else [])]
    for path in map(Path, paths):
        if path.is_absolute() and not path.exists():
            raise LiveError(_NOT_FOUND.format(what="The model", place=path))
    if not (source["checkpoint"] or source["pretrained"] or paths[0].is_dir()):
        raise LiveError("The model had random weights, which were not stored.")


def _folder(name: str) -> Path:
    return Path(name.removeprefix("local-dir:"))


def _load(source: dict[str, Any]) -> "VisionModel":
    name, checkpoint = source["name"], source["checkpoint"]
    demand_extra("Running the model", MODEL)
    try:
        from headbrush.analysis.model.loading import load_model

        return load_model(
            name,
            checkpoint=None if checkpoint is None else Path(checkpoint),
            pretrained=source["pretrained"],
            outputs=source.get("outputs", "auto"),
            **source.get("arguments", {}),
        )
    except InputError as error:
        if checkpoint is None and not _folder(name).is_dir():
            raise LiveError(
                f"The model is not available: timm could not download the weights of {name}. "
                "Go online once to download them, then select it again."
            ) from error
        raise LiveError(f"The model is not available: {error}") from error
    except ImportError as error:
        raise LiveError(f"The model cannot be run here: {error}") from error


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
        """The answer of :class:`StoreModel`, or why there is none, as ``fault`` or ``failed``."""
        try:
            model = self._model(question["store"], tuple(question["stamp"]))
            ask = {"load": model.load, "attention": model.attention,
                   "partial_pruning": model.partial_pruning}[question["ask"]]  # fmt: skip
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
