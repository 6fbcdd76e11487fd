"""Load a timm vision transformer by name, or a folder with its configuration and weights."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import timm
from torch import nn

from headbrush.analysis.model.modules.classifiers.given import PROBE, GivenClassifier
from headbrush.analysis.model.modules.classifiers.own import without_classifier
from headbrush.analysis.model.vision_model import ModelRecipe, VisionModel
from headbrush.analysis.model.weights.files.checkpoint_file import checkpoint_digest
from headbrush.analysis.model.weights.load_weights import load_weights
from headbrush.analysis.model.weights.model_names import ModelSource, model_source
from headbrush.analysis.model.weights.skeletons import create, first_line
from headbrush.analysis.model.wrapping import with_classifier, wrap_model
from headbrush.analysis.store.errors import ModelError


def load_recipe(recipe: ModelRecipe) -> VisionModel:
    """The model of a recipe, in this process.

    Raises
    ------
    ModelError
        As :func:`load_model`.
    """
    return load_model(
        recipe.name,
        checkpoint=recipe.checkpoint,
        pretrained=recipe.pretrained,
        device=recipe.device,
        outputs=recipe.outputs,
        classifier=recipe.classifier,
        stage=recipe.stage,
        **dict(recipe.arguments),
    )


def load_model(
    name: str,
    *,
    checkpoint: Path | None = None,
    pretrained: bool = True,
    device: str = "auto",
    outputs: str = "auto",
    headless: bool = False,
    classifier: GivenClassifier | None = None,
    stage: int | None = None,
    **arguments: Any,
) -> VisionModel:
    """Load a timm model by name, or a folder with timm's ``config.json`` and weights.

    Parameters
    ----------
    name
        A model of timm, with or without the tag of its weights; ``hf-hub:OWNER/MODEL``; or a
        folder.
    checkpoint
        Own weights: ``.safetensors``, a file of ``torch.save``, or the index of several files.
        Class count, input channels and whether there is a classifier follow from it; wrappings
        are taken off. What was assumed is in ``notes``.
    pretrained
        Whether to use timm's published weights where no checkpoint is given.
    outputs
        ``auto``, ``softmax`` or ``sigmoid``: how its outputs become probabilities.
    headless
        Whether a classifier of its own is taken off.
    classifier
        One that is given to it; a probe takes the place of its own.
    stage
        Of a model that has stages, from 1; None: the one with the most layers.
    arguments
        Passed to ``timm.create_model``; ``img_size`` for an input of another size, for which timm
        resamples the position embeddings.

    Raises
    ------
    ModelError
        If the name is unknown, weights are missing or do not fit, or it is not a plain ViT.
    """
    own = None if checkpoint is None else _resolved(checkpoint)
    source = model_source(name, own)
    recipe = ModelRecipe(source.lasting, own, pretrained, device, tuple(arguments.items()), outputs)
    weights = own or source.weights
    notes: tuple[str, ...] = ()
    digest = ""
    if weights is None:
        module = _published(source, arguments) if pretrained else create(source.name, arguments)
    else:
        module, notes = load_weights(
            source.name, weights, arguments, own_sizes=not source.is_folder
        )
        digest = checkpoint_digest(weights)
    if headless or (classifier is not None and classifier.kind == PROBE):
        notes += without_classifier(module, source.shown)
    model = wrap_model(
        module,
        name=source.shown,
        checkpoint_sha256=digest,
        device=device,
        outputs=outputs,
        stage=stage,
    )
    recipe = replace(recipe, stage=model.stage)
    model = replace(model, recipe=recipe, notes=(*notes, *model.notes))
    return model if classifier is None else with_classifier(model, classifier)


def _resolved(checkpoint: Path) -> Path:
    try:
        return checkpoint.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"{checkpoint}: cannot be read ({first_line(error)}).") from error


def _published(source: ModelSource, arguments: Mapping[str, Any]) -> nn.Module:
    try:
        return timm.create_model(source.name, pretrained=True, **arguments)
    except Exception as error:  # the network, the Hub, its files and timm: no common class
        raise ModelError(
            f"{source.shown}: could not be loaded with its published weights "
            f"({first_line(error)}); give --checkpoint FILE, or --no-pretrained for random weights."
        ) from error
