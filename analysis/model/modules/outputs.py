"""What a model puts out, whatever its ``num_classes`` says: logits, probabilities or features."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from headbrush.analysis.store.errors import ModelError

_FEATURES = ("image_embeds", "pooler_output")
"""What models of transformers without a classifier call their outputs."""
OUTPUTS = ("auto", "softmax", "sigmoid")
"""What a user may ask for."""


@dataclass(frozen=True)
class OutputKind:
    """How a model's outputs become probabilities.

    Attributes
    ----------
    activation
        ``softmax`` over classes that exclude each other, ``sigmoid`` of each label by itself, or
        ``none`` of a model without a classifier.
    width
        Outputs; one output with ``sigmoid`` means two classes, ``[1 - p, p]``.
    applied
        Whether the model's outputs are probabilities already.
    is_map
        Whether there are outputs for each place of the image, ``(…, width, height, columns)``, and
        none for the image.
    """

    activation: str = "none"
    width: int = 0
    applied: bool = False
    is_map: bool = False

    @property
    def name(self) -> str:
        """``softmax``, ``sigmoid`` or ``none``: how probabilities come about; says if of a map."""
        return f"{self.activation} map" if self.is_map else self.activation

    @property
    def num_classes(self) -> int:
        """Classes of the probabilities; 0 without a classifier."""
        if self.activation == "none" or self.is_map:
            return 0
        return 2 if self.width == 1 else self.width

    @property
    def is_multilabel(self) -> bool:
        """Whether several classes can be true of one image."""
        return self.activation == "sigmoid" and self.width > 1

    def probability(self, output: Tensor) -> Tensor:
        """``(…, width)`` outputs -> ``(…, num_classes)`` probabilities."""
        if self.activation == "none" or self.is_map:
            return output.new_zeros((len(output), 0))
        if self.activation == "softmax":
            return output if self.applied else output.softmax(-1)
        chance = output if self.applied else output.sigmoid()
        return torch.cat([1 - chance, chance], -1) if self.width == 1 else chance

    @property
    def at_a_place(self) -> "OutputKind":
        """Of a map, the kind of its outputs at one place."""
        return replace(self, is_map=False)

    def log_probability(self, output: Tensor) -> Tensor:
        """Natural logarithm of :meth:`probability`, exact also where it is close to 0."""
        if self.applied:
            tiny = torch.finfo(output.dtype).tiny
            return self.probability(output).clamp(min=tiny).log()
        if self.activation == "softmax":
            return output.log_softmax(-1)
        if self.width == 1:
            return torch.cat([F.logsigmoid(-output), F.logsigmoid(output)], -1)
        return F.logsigmoid(output)


HEADLESS = OutputKind()
"""Of a model without a classifier."""


def scores(output: Any, name: str) -> Tensor:
    """The tensor in what a forward pass returns; a flat one becomes a column.

    Raises
    ------
    ModelError
        If it is not one tensor, and has neither logits nor features by a usual name.
    """
    found = _members(output).get(_named(output))
    if isinstance(output, (tuple, list)) and len(output) == 1:
        found = output[0]
    found = output if found is None else found
    if not isinstance(found, Tensor):
        raise ModelError(
            f"{name}: its forward pass returns {_described(output)}; expected one tensor, a row of "
            "scores an image. Give a module that returns only that."
        )
    return found[:, None] if found.ndim == 1 else found


def are_features(output: Any) -> bool:
    """Whether what a forward pass returns holds features by name, and no logits."""
    return _named(output) in _FEATURES


def _named(output: Any) -> str:
    """By which name the scores are in it; empty if by none."""
    given = _members(output)
    return next((key for key in ("logits", "out", *_FEATURES) if given.get(key) is not None), "")


def _members(output: Any) -> Mapping[str, Any]:
    return output if isinstance(output, Mapping) else getattr(output, "__dict__", {})


def _described(output: Any) -> str:
    kind = type(output).__name__
    if isinstance(output, Mapping):
        return f"a {kind} with {', '.join(map(str, list(output)[:5]))}"
    if isinstance(output, (tuple, list)):
        return f"a {kind} of {len(output)}"
    return "nothing" if output is None else f"a {kind}"


class LastStep(TorchFunctionMode):
    """While active, remember what made each probability: softmax or sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        self._made: list[tuple[Tensor, str]] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name in ("softmax", "sigmoid") and isinstance(result, Tensor):
            self._made.append((result, name))
        return result

    def of(self, output: Tensor) -> str:
        """What made this very tensor; ``none`` if something else did."""
        return next((name for made, name in self._made if made is output), "none")


def output_kind(
    module: nn.Module,
    vit: nn.Module,
    output: Tensor,
    last: str,
    wanted: str,
    name: str,
    features: bool = False,
) -> OutputKind:
    """How the outputs ``(B, …)`` of a module that holds a ViT become probabilities.

    Parameters
    ----------
    last
        The activation that made the outputs, if one did.
    wanted
        ``auto``, ``softmax`` or ``sigmoid``.
    features
        Whether the model itself names them features.

    Raises
    ------
    ModelError
        If the outputs cannot be what is wanted.
    """
    if wanted not in OUTPUTS:
        raise ModelError(f"outputs is {wanted!r}; expected {', '.join(OUTPUTS)}.")
    if features or output.ndim != 2 or (last == "none" and _is_headless(module, vit)):
        return HEADLESS
    width = output.shape[1]
    sums_to_one = bool(((output.sum(1) - 1).abs() < 1e-4).all() and (output >= 0).all())
    if last == "softmax" or (width > 1 and sums_to_one):
        last = "softmax"
    if last != "none" and wanted not in ("auto", last):
        raise ModelError(
            f"{name}: --outputs {wanted} does not fit, because its forward pass ends with {last}."
        )
    if wanted == "softmax" and width == 1:
        raise ModelError(
            f"{name}: --outputs softmax does not fit its single output, which would always be 1; "
            "give auto or sigmoid."
        )
    guessed = last if last != "none" else ("sigmoid" if width == 1 else "softmax")
    activation = guessed if wanted == "auto" else wanted
    return OutputKind("sigmoid" if activation == "sigmoid" else "softmax", width, last != "none")


def _is_headless(module: nn.Module, vit: nn.Module) -> bool:
    """Whether no weights stand between the pooled features and the output."""
    own = sum(parameter.numel() for parameter in vit.parameters())
    if own != sum(parameter.numel() for parameter in module.parameters()):
        return False  # what wraps the ViT has weights of its own
    heads = [
        getattr(vit, name, None) for name in ("head", "head_dist", "heads", "fc", "classifier")
    ]
    found = [head for head in heads if isinstance(head, nn.Module)]
    if callable(get := getattr(vit, "get_classifier", None)):
        classifier = get()
        given = classifier if isinstance(classifier, (tuple, list)) else [classifier]
        found = [head for head in given if isinstance(head, nn.Module)]
    if found:
        return not any(True for head in found for _ in _weights(head))
    return not getattr(vit, "num_classes", 0)


def _weights(head: nn.Module) -> list[Any]:
    """Weights of a head, also of one that keeps them packed, as quantised layers do."""
    kept = [getattr(part, "weight", None) for part in head.modules()]
    return [*head.parameters(), *(weight() for weight in kept if callable(weight))]
