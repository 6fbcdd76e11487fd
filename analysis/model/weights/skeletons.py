"""A timm model without memory, to compare weights with before anything is allocated."""

import sys
from collections.abc import Mapping
from typing import Any

import timm
import torch
from torch import Tensor, nn

from headbrush.analysis.model.weights.files.stored_tensor import shown
from headbrush.analysis.store.errors import ModelError


def create(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """A timm model with random weights.

    Raises
    ------
    ModelError
        If timm cannot create it.
    """
    try:
        return timm.create_model(name, pretrained=False, **arguments)
    except Exception as error:  # what timm and its layers raise for odd arguments has no bounds
        given = ", ".join(f"{key}={shown(value)}" for key, value in arguments.items())
        raise ModelError(
            f"{name}: timm could not create it{f' with {given}' if given else ''} "
            f"({first_line(error)})."
        ) from error


class Skeletons:
    """One timm model on the meta device for each set of arguments; they have shapes only."""

    def __init__(self, name: str, arguments: Mapping[str, Any]) -> None:
        self.name = name
        self.arguments = dict(arguments)
        self._made: dict[str, nn.Module] = {}

    def of(self, changed: Mapping[str, Any]) -> nn.Module:
        """The model with arguments of its own; those given by the user prevail.

        Raises
        ------
        ModelError
            If timm cannot create it.
        """
        key = repr(sorted(changed.items()))
        if key not in self._made:
            with torch.device("meta"):
                self._made[key] = create(self.name, {**changed, **self.arguments})
        return self._made[key]


def convert(tensors: dict[str, Tensor], module: nn.Module) -> dict[str, Tensor]:
    """What timm makes of weights: names of other programs changed, positions resampled.

    Raises
    ------
    ModelError
        If they are not such weights.
    """
    change = getattr(sys.modules[type(module).__module__], "checkpoint_filter_fn", None)
    if change is None:
        return tensors
    try:
        return dict(change(dict(tensors), module))
    except Exception as error:  # it was written for weights that fit
        raise ModelError(f"timm cannot convert them ({first_line(error)})") from error


def first_line(error: BaseException) -> str:
    """What an error of another library says, for a sentence."""
    lines = str(error).strip().splitlines()
    return shown(lines[0]).rstrip(".") if lines else type(error).__name__
