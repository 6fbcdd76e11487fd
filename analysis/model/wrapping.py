"""Make a module of this process ready for analysis."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from headbrush.analysis.model.attention_sites import find_sites, sites_of_stage, use_fused_attention
from headbrush.analysis.model.capture import close, measured
from headbrush.analysis.model.geometry import geometry_of, geometry_of_stage
from headbrush.analysis.model.model_config import (
    find_vit,
    input_config,
    input_transform,
    known_classes,
)
from headbrush.analysis.model.modules.classifiers.given import Classified, GivenClassifier
from headbrush.analysis.model.modules.mapped import Mapped, Output, kind_of_map, vit_inside
from headbrush.analysis.model.modules.notes import (
    notes_on_assumptions,
    notes_on_layers,
    notes_on_outputs,
)
from headbrush.analysis.model.modules.outputs import output_kind, scores
from headbrush.analysis.model.modules.refusals import demand_known_kind
from headbrush.analysis.model.modules.trial import Trial
from headbrush.analysis.model.modules.unwrapping import (
    float32_note,
    unwrapped,
    without_checkpointing,
)
from headbrush.analysis.model.modules.windowed import notes_on_stage, staged
from headbrush.analysis.model.tracing import forwards, inputs_of
from headbrush.analysis.model.vision_model import VisionModel, spare_threads
from headbrush.analysis.store.errors import ModelError


def wrap_model(
    given: object,
    *,
    name: str = "",
    class_names: tuple[str, ...] | None = None,
    transform: Callable[[Image.Image], Tensor] | None = None,
    checkpoint_sha256: str | None = None,
    device: str = "auto",
    outputs: str = "auto",
    stage: int | None = None,
    vit: str | None = None,
    output: Output | None = None,
) -> VisionModel:
    """Describe a module that exists in this process.

    The module is changed: evaluation mode, float32, device, no gradients. ``borrowed`` gives it
    back as it was.

    Parameters
    ----------
    given
        A module with a ViT inside, also in wrappers such as ``DataParallel``.
    class_names
        Readable names of the outputs, if the module does not know them.
    transform
        PIL image -> float32 ``(C, H, W)``, instead of that of timm's data configuration.
    checkpoint_sha256
        Hash of the weights' file; None: of the module's own weights.
    outputs
        ``softmax`` or ``sigmoid``: how its outputs become probabilities; ``auto``: a single output
        by sigmoid, several by softmax, unless its forward pass ends with one of them.
    stage
        Of a Swin Transformer, from 1; None: the one with the most layers.
    vit
        Path of the ViT inside a module that does more, such as a segmenter.
    output
        Makes of what such a module returns a map ``(B, K, height, width)``, or logits ``(B, K)``.

    Raises
    ------
    ModelError
        If it is neither a plain ViT nor a Swin Transformer.
    """
    module = unwrapped(given)
    name = name or type(module).__name__
    digest = module_digest(module) if checkpoint_sha256 is None else checkpoint_sha256
    place = _device(device)
    notes = [note for note in (float32_note(module),) if note]
    inside = None if vit is None else vit_inside(module, vit, name)
    demand_known_kind(inside or module, name)
    module = _prepared(module, place)
    if inside is not None or output is not None:
        module = Mapped(module, output, name).eval()
    with spare_threads(module, place):
        seen = inside or find_vit(module)
        config = input_config(seen)
        first = seen if inside is None else getattr(inside, "patch_embed", inside)
        trial = Trial(module, first, tuple(config["input_size"]), place, name)
        if transform is None:
            config |= trial.own_normalisation()
            notes += trial.notes
        module, found = staged(module, stage, name)
        if found is None:
            sites = find_sites(module, trial.images, name, inside)
            geometry = geometry_of(
                inside or sites.parent,
                sites,
                trial.images,
                lambda images: _entering(module, sites.layers[0].block, images),
                name,
            )
        else:
            sites, geometry = sites_of_stage(module, found), geometry_of_stage(found)
            _demand_same_outputs(module, trial, name)
            notes += notes_on_stage(found)
        kind = output_kind(
            module, sites.parent, trial.output, trial.last, outputs, name, trial.features
        )
        if isinstance(module, Mapped):
            kind = kind_of_map(kind, trial.output, trial.last, outputs, name)
        ids, names = known_classes(seen, kind.num_classes)
        given_names = _fitting(class_names, kind.num_classes)
        notes += notes_on_outputs(kind)
        notes += notes_on_layers(module, [site.attention for site in sites.layers])
        if transform is None:
            notes += notes_on_assumptions(seen, config, 0 if given_names else kind.num_classes)
        model = VisionModel(
            module=module,
            geometry=geometry,
            sites=sites.layers,
            transform=transform or input_transform(config),
            input_size=tuple(config["input_size"]),
            mean=tuple(config["mean"]),
            std=tuple(config["std"]),
            device=place,
            name=name,
            checkpoint_sha256=digest,
            kind=kind,
            class_ids=ids,
            class_names=given_names or names,
            stage=None if found is None else found.number,
            notes=tuple(notes),
        )
        return measured(model, trial.images)


def with_classifier(model: VisionModel, given: GivenClassifier) -> VisionModel:
    """The model, without a classifier or with outputs that are features, with a given one.

    Raises
    ------
    ModelError
        If its outputs are no features of the size that the classifier takes.
    """
    width, found = given.weight.shape[1], feature_width(model)
    if width != found:
        raise ModelError(
            f"{model.name}: it puts out {found} numbers an image, and the {given.kind} are for "
            f"{width}; give embeddings of the texts by the model that this one was trained with."
        )
    made = wrap_model(
        Classified(model.module, given),
        name=model.name,
        class_names=given.names,
        transform=model.transform,
        checkpoint_sha256=model.checkpoint_sha256,
        device=model.device.type,
        outputs=given.activation,
    )
    recipe = None if model.recipe is None else replace(model.recipe, classifier=given)
    return replace(
        made, input_size=model.input_size, mean=model.mean, std=model.std, classifier=given,
        class_ids=(), recipe=recipe, notes=(*model.notes, *notes_on_outputs(made.kind)),
    )  # fmt: skip


def feature_width(model: VisionModel) -> int:
    """How many numbers the model puts out for one image.

    Raises
    ------
    ModelError
        If that is not one row of numbers.
    """
    with torch.inference_mode():
        output = model.outputs(torch.zeros(1, *model.input_size, device=model.device))
    if output.ndim != 2:
        size = " × ".join(map(str, output.shape[1:]))
        raise ModelError(
            f"{model.name}: it puts out {size} numbers an image, expected one row of features; "
            "give a model that pools its tokens."
        )
    return output.shape[1]


def module_digest(module: nn.Module) -> str:
    """SHA-256 of a module's weights and their names, hexadecimal."""
    digest = hashlib.sha256()
    for key, value in sorted(module.state_dict().items()):
        if not isinstance(value, Tensor):
            digest.update(f"{key} {value!r}".encode())
            continue
        if value.is_quantized:
            value = value.dequantize()
        digest.update(f"{key} {tuple(value.shape)} {value.dtype}".encode())
        data = value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy()
        digest.update(memoryview(data))  # pyright: ignore[reportArgumentType] (it is a buffer)
    return digest.hexdigest()


def _prepared(module: nn.Module, place: torch.device) -> nn.Module:
    try:
        module = module.eval().requires_grad_(False).to(place, torch.float32)
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        raise ModelError(
            f"{type(module).__name__}: cannot be made a float32 module on {place.type} "
            f"({str(error).splitlines()[0]}); give it before quantising or sharding."
        ) from error
    without_checkpointing(module)
    use_fused_attention(module)
    return module


def _demand_same_outputs(module: nn.Module, trial: Trial, name: str) -> None:
    """Refuse a Swin Transformer that computes otherwise than timm's, such as a subclass."""
    with torch.no_grad():
        found = scores(module(trial.images), name)
    if not close(found, trial.output):
        raise ModelError(
            f"{name}: its windows attend otherwise than those of timm's Swin Transformer, so its "
            "attention would be wrong."
        )


def _entering(module: nn.Module, block: nn.Module, images: Tensor) -> Tensor:
    """What enters a block, ``(B, T, C)``."""
    found: list[Tensor] = []
    forward = block.forward

    def recorded(*args: Any, **kwargs: Any) -> object:
        found.append(inputs_of(forward, args, kwargs).tokens)
        return forward(*args, **kwargs)

    with torch.no_grad(), forwards({block: recorded}):
        module(images)
    return found[0]


def _fitting(class_names: tuple[str, ...] | None, count: int) -> tuple[str, ...]:
    if class_names and len(class_names) != count:
        has = f"{count} classes" if count else "no classifier"
        raise ModelError(
            f"class_names has {len(class_names)} names, and the model has {has}; give one name a "
            "class, or none."
        )
    return class_names or ()


def _device(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        place = torch.device(device)
    except RuntimeError as error:
        raise ModelError(f"{device}: no such device; give auto, cpu or cuda.") from error
    if place.type == "cuda" and not torch.cuda.is_available():
        raise ModelError("no CUDA device was found; give --device cpu or auto.")
    return place
