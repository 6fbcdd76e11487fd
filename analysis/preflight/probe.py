"""Fit a probe: the classifier of a model without one, from the images that are analyzed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.labels.class_list import ClassError
from headbrush.analysis.measures.memory_budget import images_at_once
from headbrush.analysis.model.batches import load_batch
from headbrush.analysis.model.modules.classifiers.given import PROBE, GivenClassifier
from headbrush.analysis.model.modules.classifiers.ridge import Ridge, fit_ridge
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.model.wrapping import feature_width, with_classifier
from headbrush.analysis.store.errors import ModelError
from headbrush.analysis.store.facts.percent import exact_percent


def with_probe(
    model: VisionModel, images: ImageSet, batch_size: int, advance: Callable[[float], None]
) -> VisionModel:
    """The model with a ridge probe on its features, fitted to the labelled images.

    Parameters
    ----------
    advance
        Is told the share of the images whose features are known.

    Raises
    ------
    ModelError
        If the model has a classifier, or puts out no features.
    ClassError
        If the labels are fewer than two classes, or each has only one image.
    """
    if model.num_classes:
        raise ModelError(
            f"{model.name}: it has a classifier of {model.num_classes} classes, and --probe fits "
            "one to its features; give the module without it (timm: reset_classifier(0))."
        )
    feature_width(model)
    labelled = np.flatnonzero(images.labels >= 0)
    _demand_classes(images, labelled)
    features = _features(model, images.take(labelled.tolist()), batch_size, advance)
    found = fit_ridge(features, images.labels[labelled], len(images.class_names))
    right = float((found.left_out.argmax(1) == images.labels[labelled]).mean())
    fitted = (features @ found.weight.T + found.bias).argmax(1) == images.labels[labelled]
    note = (
        "its classifier is a probe that was fitted to these images: it predicts "
        f"{exact_percent(fitted.mean())} of them correctly, and {exact_percent(right)} where each "
        "is left out of the fit"
    )
    made = with_classifier(model, _classifier(found, images, labelled, right))
    return replace(made, notes=(*made.notes, note))


def _classifier(
    found: Ridge, images: ImageSet, labelled: np.ndarray, right: float
) -> GivenClassifier:
    """The probe; ``right`` is its accuracy where each image is left out of the fit."""
    left_out = np.full(len(images), -1, np.int32)
    left_out[labelled] = found.left_out.argmax(1)
    return GivenClassifier(
        PROBE,
        found.weight.astype(np.float32),
        found.bias.astype(np.float32),
        "softmax",
        images.class_names,
        f"ridge probe on {len(labelled)} images, leave-one-out accuracy {exact_percent(right)}",
        left_out,
    )


def _demand_classes(images: ImageSet, labelled: np.ndarray) -> None:
    counts = np.bincount(images.labels[labelled], minlength=1)
    if (counts > 0).sum() < 2 or counts.max() < 2:
        raise ClassError(
            f"{images.source}: --probe needs images of at least two classes, and two of one of "
            f"them; found {len(labelled)} labelled images of {(counts > 0).sum()} classes. Put "
            "them into a folder for each class."
        )


@torch.inference_mode()
def _features(
    model: VisionModel, images: ImageSet, batch_size: int, advance: Callable[[float], None]
) -> np.ndarray:
    """What the model puts out for each image, ``(n, d)`` float32."""
    found, size = [], images_at_once(model, batch_size)
    for start in range(0, len(images), size):
        indices = range(start, min(start + size, len(images)))
        output = model.outputs(load_batch(model, images, indices))
        found.append(output.float().cpu().numpy())
        advance(indices.stop / len(images))
    return np.concatenate(found)
