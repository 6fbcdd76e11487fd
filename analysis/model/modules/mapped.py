"""A ViT inside a module that puts out a map of the image, such as a segmenter."""

import difflib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from headbrush.analysis.model.modules.outputs import OutputKind, scores
from headbrush.analysis.store.errors import ModelError

Output = Callable[[Any], Tensor]
"""What a module returns -> a map ``(B, K, height, width)``, or logits ``(B, K)``."""


class Mapped(nn.Module):
    """A module of a user, of whose output a function makes one tensor."""

    def __init__(self, body: nn.Module, output: Output | None, name: str) -> None:
        super().__init__()
        self.body = body
        self._output, self._name = output, name

    def forward(self, images: Tensor) -> Tensor:
        """Run the body, and the function on what it returns."""
        returned = self.body(images)
        return scores(returned if self._output is None else self._output(returned), self._name)


def vit_inside(module: nn.Module, path: str, name: str) -> nn.Module:
    """The part of a module at a path such as ``backbone.vit``.

    Raises
    ------
    ModelError
        If there is none.
    """
    parts = {place: part for place, part in module.named_modules() if place}
    if path in parts:
        return parts[path]
    near = difflib.get_close_matches(path, parts, n=1) or [
        place for place, _ in module.named_children()
    ]
    raise ModelError(f"{name}: it has no part {path!r} (vit=); its parts are {', '.join(near)}, …")


def kind_of_map(kind: OutputKind, output: Tensor, last: str, wanted: str, name: str) -> OutputKind:
    """How an output ``(B, K, height, width)`` becomes probabilities; ``kind`` if it is no map.

    Parameters
    ----------
    last
        The activation that made it, if one did.
    wanted
        ``auto``, ``softmax`` or ``sigmoid``.

    Raises
    ------
    ModelError
        If it is neither a map nor one row of logits.
    """
    if output.ndim == 2:
        return kind
    if output.ndim != 4:
        shape = " × ".join(map(str, output.shape))
        raise ModelError(
            f"{name}: its output is {shape} numbers; expected images × classes × height × width, "
            "or images × classes. Give output=, a function that makes one of these of it."
        )
    width = output.shape[1]
    sums = bool(((output.sum(1) - 1).abs() < 1e-4).all() and (output >= 0).all()) and width > 1
    last = "softmax" if sums else last
    guessed = last if last != "none" else ("sigmoid" if width == 1 else "softmax")
    activation = guessed if wanted == "auto" else wanted
    if last not in ("none", activation) or (activation == "softmax" and width == 1):
        why = f"its map ends with {last}" if last != "none" else "its map has a single channel"
        raise ModelError(f"{name}: outputs={wanted!r} does not fit, because {why}.")
    return replace(OutputKind(activation, width, last != "none"), is_map=True)
