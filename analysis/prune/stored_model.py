"""The model of a store and its images, as its analysis saw them, or why they are not available.

torch is imported when it is needed: what can be refused without it is refused at once.
"""

import json
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from headbrush.analysis.prune.errors import LiveError
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store

if TYPE_CHECKING:
    from torch import Tensor

    from headbrush.analysis.images.reading.rules import Reading
    from headbrush.analysis.model.modules.classifiers.given import GivenClassifier
    from headbrush.analysis.model.vision_model import VisionModel

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


class StoredModel:
    """The model of a store, and the images that it was analyzed on.

    Attributes
    ----------
    labels
        ``(m,)`` the true classes, -1 unknown.
    """

    def __init__(self, store: Store, model: "VisionModel") -> None:
        self.store, self.model = store, model
        self.labels = store.read("label")
        self._names = store.read("name").tolist()

    def inputs(self, image: int) -> "Tensor":
        """The model's input for one image, ``(1, C, H, W)``.

        Raises
        ------
        LiveError
            If the image is not where it was, or is another.
        """
        picture = self._file(image)
        from headbrush.analysis.images.decoding import load_image

        try:
            read = load_image(picture, self._reading())
            inputs = self.model.transform(read)[None].to(self.model.device)
        except InputError as error:
            raise LiveError(f"The image is not available: {error}") from error
        self._demand_same_picture(image, inputs.cpu().numpy())
        return inputs

    def batch(self, images: Sequence[int]) -> "Tensor":
        """The model's input for some images, ``(B, C, H, W)``."""
        import torch

        return torch.cat([self.inputs(image) for image in images])

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

        model, stored = self.model, self.store.read("thumbnail")[image]
        (seen,) = thumbnails(inputs, model.mean, model.std)
        same = seen.shape == stored.shape and np.abs(seen.astype(int) - stored).max() <= _SAME_PIXEL
        if not same:
            raise LiveError(f"The image no longer matches the stored one: {self._names[image]}.")

    def demand_same_prediction(self, image: int, probability: np.ndarray) -> None:
        """Refuse if the model predicts ``(classes,)``, and the store holds something else."""
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


def stored_source(store: Store) -> dict[str, Any]:
    """How the model of a store is loaded."""
    return json.loads(store.attrs.get("model_source", "{}"))


def load_stored(store: Store) -> StoredModel:
    """Load the model of a store, which :func:`demand_source` did not refuse.

    Raises
    ------
    LiveError
        If it is not available, or not the one of the analysis.
    """
    model = _load(stored_source(store), _stored_classifier(store))
    if model.checkpoint_sha256 != store.attrs["checkpoint_sha256"]:
        raise LiveError("The weights have changed since the analysis, so the model is not run.")
    return StoredModel(store, model)


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


def _stored_classifier(store: Store) -> "GivenClassifier | None":
    """The classifier that was given to the model; None where it has its own, or none."""
    kind = store.attrs.get("classifier")
    if kind is None:
        return None
    if not (store.has("classifier_weight") and store.has("classifier_bias")):
        raise LiveError(f"The store lacks the weights of its {kind}, so the model is not run.")
    from headbrush.analysis.model.modules.classifiers.given import GivenClassifier

    return GivenClassifier(
        kind,
        store.read("classifier_weight"),
        store.read("classifier_bias"),
        str(store.attrs.get("outputs", "softmax")),
        tuple(store.read("class_name").tolist()),
        str(store.attrs.get("classifier_words", kind)),
    )


def _load(source: dict[str, Any], classifier: "GivenClassifier | None") -> "VisionModel":
    name, checkpoint = source["name"], source["checkpoint"]
    try:
        from headbrush.analysis.model.loading import load_model

        return load_model(
            name,
            checkpoint=None if checkpoint is None else Path(checkpoint),
            pretrained=source["pretrained"],
            outputs=source.get("outputs", "auto"),
            classifier=classifier,
            stage=source.get("stage"),
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
