"""What the user should know of a model before the analysis, in sentences of one line."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from headbrush.analysis.model.modules.outputs import OutputKind


def notes_on_outputs(kind: OutputKind) -> list[str]:
    """How outputs are read that are no logits of several classes."""
    notes = []
    if kind.is_map:
        notes.append(
            f"it puts out a map ({kind.activation}): importance is how far pruning changes it, the "
            "mean divergence over its places"
        )
    elif kind.width == 1:
        notes.append(
            "it has a single output: p = sigmoid of it, and its two classes are 1 - p and p"
        )
    elif kind.is_multilabel:
        notes.append("its outputs are independent labels: the probability of each is a sigmoid")
    if kind.applied:
        notes.append(f"its outputs are probabilities already: no second {kind.activation} is taken")
    return notes


def notes_on_layers(module: nn.Module, attentions: Sequence[nn.Module]) -> list[str]:
    """Which module a layer is, where its number is not that of its block."""
    places = {part: name for name, part in module.named_modules()}
    names = [places[attention] for attention in attentions]
    numbers = [[int(number) for number in re.findall(r"\d+", name)] for name in names]
    if any(list(column) == list(range(len(names))) for column in zip(*numbers, strict=False)):
        return []
    layer = next((i for i, found in enumerate(numbers) if i not in found), len(names) - 1)
    return [
        "its layers are numbered by their attention modules, which are not the numbers of its "
        f"blocks: layer {layer} is {names[layer] or 'the model itself'}"
    ]


def notes_on_assumptions(vit: nn.Module, config: Mapping[str, Any], classes: int) -> list[str]:
    """What is assumed of a ViT that does not describe its input and classes, as timm's do."""
    if getattr(vit, "pretrained_cfg", None):
        return []
    _, height, width = config["input_size"]
    scaled = any(config["mean"]) or any(one != 1 for one in config["std"])
    then = "normalized by ImageNet's mean and deviation" if scaled else "left from 0 to 1"
    notes = [
        "it does not say how it takes pictures: they are resized and cropped to "
        f"{height} × {width}, and {then}; give transform= if it was trained otherwise"
    ]
    if classes == 1000:
        notes.append("its 1000 outputs are taken for ImageNet's classes; give class_names= if not")
    return notes
