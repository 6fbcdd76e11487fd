"""Writes a store's summary, also before the analysis is finished."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from headbrush.analysis.images.class_selection import class_accuracy, predicted_classes
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.measures.autoencoders.kinds import NONE
from headbrush.analysis.measures.layouts.embedding import layout
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.run.fits import (
    AUTOENCODER,
    features_of_images,
    fitted_autoencoder,
    layout_of,
)
from headbrush.analysis.run.request import Request
from headbrush.analysis.run.shards import Shard, is_pruned
from headbrush.analysis.run.stages.comparing import precision_error
from headbrush.analysis.run.stages.non_finite import without_infinities
from headbrush.analysis.run.store_summary import (
    attributes,
    bits_values,
    classifier_values,
    direct_values,
    fidelity_attributes,
    summary,
)
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.store.store import write_summary

LAYOUTS = ("image_embedding", "offset_embedding", "patch_embedding", "cls_embedding")
_MOST_PROVISIONAL = 2_000
"""Images that are laid out by the gradient until heads are pruned; more would take long."""


@dataclass(frozen=True)
class Summaries:
    """What the summary of an analysis is made from.

    Attributes
    ----------
    candidates
        The images from which ``images`` were chosen.
    accuracy
        Of each class, if it was measured to choose the images.
    warning
        A sentence about the classes, or no text.
    """

    request: Request
    model: VisionModel
    images: ImageSet
    candidates: ImageSet
    shards: Sequence[Shard]
    parts: PartFiles
    accuracy: np.ndarray | None
    warning: str
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def pending(self) -> list[str]:
        """Variables whose parts are not finished."""
        found = [name for name in LAYOUTS if not self.parts.has(self._part_of(name))]
        if not is_pruned(self.shards, self.parts):
            found += ["importance", "importance_by_mode"][: min(2, len(self.request.modes))]
        latents = all(self.parts.has(f"latent-{shard.name}") for shard in self.shards)
        return found + ([] if latents or self.request.autoencoder == NONE else ["patch_latent"])

    def _part_of(self, layout: str) -> str:
        """Without an autoencoder, patch patterns are laid out by their offsets."""
        is_by_offset = layout == "patch_embedding" and self.request.autoencoder == NONE
        return "offset_embedding" if is_by_offset else layout

    def write_unfinished(self) -> None:
        """Write what is known so far, unless all is; readers of the store take it over."""
        with self._one_at_a_time:
            if pending := self.pending():
                self._write({"pending": " ".join(pending)})

    def write(self) -> str:
        """Write the whole summary; a sentence about undefined numbers, or no text."""
        return self._write({})

    def _write(self, described: dict[str, str | int | float]) -> str:
        request, model, images, parts = self.request, self.model, self.images, self.parts
        values = summary(images, self.shards, parts, request, model)
        values |= self._bits | direct_values(model, self.shards, parts) | classifier_values(model)
        for name in LAYOUTS:
            values[name], shares = self._layout(name, values["importance"].shape[1:])
            described |= shares
        values, undefined = without_infinities(values)
        error = precision_error(parts, request.precision)
        described |= {} if error is None else error.attributes
        remarks = "; ".join(filter(None, (error and error.words, undefined)))
        described |= attributes(request, model, images, self.candidates, remarks)
        described |= {"warning": self.warning} if self.warning else {}
        if parts.has(AUTOENCODER):
            precision = fitted_autoencoder(model, parts, request.autoencoder).average_precision
            described |= {} if np.isnan(precision) else {"autoencoder_average_precision": precision}
        accuracy = self.accuracy
        values["class_accuracy"] = _accuracy(images, values) if accuracy is None else accuracy
        write_summary(parts.store, values, described)
        return undefined

    def _layout(
        self, name: str, heads: tuple[int, ...]
    ) -> tuple[np.ndarray, dict[str, str | int | float]]:
        """Coordinates, and how well they preserve neighbours; provisional or NaN if not made."""
        shape = (heads[0], 2) if name == "image_embedding" else (*heads, 2)
        if self.parts.has(part := self._part_of(name)):
            found = layout_of(self.parts, part)
            return found.xy.reshape(shape), {**fidelity_attributes(name, found.fidelity)}
        if name == "image_embedding" and len(self.images) <= _MOST_PROVISIONAL:
            return self._provisional, {}
        return np.full(shape, np.nan, np.float32), {}

    @cached_property
    def _bits(self) -> dict[str, np.ndarray]:
        """Measured once: all attention that the shards have kept is read for it."""
        geometry, seed = self.model.geometry, self.request.seed
        return bits_values(self.images, self.shards, self.parts, geometry, seed)

    @cached_property
    def _provisional(self) -> np.ndarray:
        """The images by what is known of them first, ``(m, 2)``."""
        features = features_of_images(self.images, self.shards, self.parts)
        return layout(features, seed=self.request.seed).xy


def _accuracy(images: ImageSet, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Of each class; of a probe with each image left out of its fit."""
    count, probability = len(images.class_names), values["probability"]
    if np.isnan(probability).all():  # no classifier
        return np.full(count, np.nan, np.float32)
    predicted = values.get("probe_left_out")
    predicted = predicted_classes(probability) if predicted is None else predicted
    return class_accuracy(images.labels, predicted, count)
