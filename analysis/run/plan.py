"""The plan of an analysis: all that decides its result, as JSON values."""

import json

from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.run.request import Request
from headbrush.analysis.store.schema import SCHEMA_VERSION


def known_plan(request: Request) -> dict[str, object]:
    """The part of the plan that is known before the model and the images are read."""
    return {
        "version": request.version,
        "schema_version": SCHEMA_VERSION,
        "pretrained": request.pretrained,
        "attention": request.attention,
        "batch_size": request.batch_size,
        "best_worst": request.best_worst,
        "limit": request.limit,
        "per_class": request.per_class,
        "modes": list(request.modes),
        "predictions": request.predictions,
        "precision": request.precision,
        "seed": request.seed,
        "autoencoder": request.autoencoder,
        "shards": "even",
    }


def whole_plan(request: Request, model: VisionModel, images: ImageSet) -> dict[str, object]:
    """The whole plan; ``images`` are those to analyze, or to choose from."""
    return known_plan(request) | {
        "model": model.name,
        "checkpoint_sha256": model.checkpoint_sha256,
        "stage": model.stage,
        "input_size": list(model.input_size),
        "device": model.device.type,
        "reading": json.loads(images.reading.as_json()),
        "outputs": model.kind.name,
        "classifier": "" if model.classifier is None else model.classifier.fingerprint,
        "images": [
            [name, images.fingerprint(index), int(images.labels[index])]
            for index, name in enumerate(images.names)
        ],
    }
