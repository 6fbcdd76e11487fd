"""Fit the weights of a file to an architecture: prefix, class count, channels, pooling."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from headbrush.analysis.model.weights.choosing_weights import Choice, choices
from headbrush.analysis.model.weights.contents import Contents
from headbrush.analysis.model.weights.skeletons import Skeletons, convert
from headbrush.analysis.store.errors import ModelError

_EXTRA = re.compile(
    r"(?:mask_token|masked_embed|decoder|decoder_\w+|predictor|projector|projections?|lm_head|"
    r"dino_head|ibot_head|dino_loss|ibot_patch_loss|queue|queue_ptr|prototypes)(?:\.|$)"
    r"|(?:.*\.)?(?:relative_position_index|attn_mask|num_batches_tracked)$"
)
"""Parts beside the network that only the training uses, and constants."""
_HEAD = re.compile(r"(?:head|heads|head_dist|fc|linear|classifier)(?:\.|$)")
_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


@dataclass(frozen=True)
class Fit:
    """Weights beside an architecture.

    Attributes
    ----------
    choice
        The weights, as they are called in the file.
    arguments
        What timm needs to make a model of their sizes.
    dropped
        Names that are no part of the network.
    misfits
        What differs, one short text each; empty if they fit.
    headless
        Whether the architecture has a classifier and the weights have none.
    foreign
        Whether the weights share no name with the architecture.
    """

    choice: Choice
    arguments: dict[str, Any]
    dropped: tuple[str, ...]
    misfits: tuple[str, ...]
    headless: bool = False
    foreign: bool = False

    @property
    def needed(self) -> list[str]:
        """Names of the weights to read."""
        dropped = set(self.dropped)
        return [key for key in self.choice.tensors if key not in dropped]


def fit(contents: Contents, skeletons: Skeletons, own_sizes: bool) -> Fit:
    """The first way in which the weights fit; if none does, the first that was tried.

    Parameters
    ----------
    own_sizes
        Whether class count and channels follow from the weights, not from a configuration.

    Raises
    ------
    ModelError
        If the file holds no tensors, or timm cannot create the model.
    """
    names = set(skeletons.of({}).state_dict())
    try:
        body = set(skeletons.of({"num_classes": 0}).state_dict()) & names
    except ModelError:  # it takes no class count
        body = names
    tried = []
    for choice in choices(contents, body, (names - body) or {"head.weight", "head.bias"}):
        for arguments, headless in _variants(choice, skeletons, own_sizes, names - body):
            found = _compare(choice, skeletons, arguments, headless)
            if not found.misfits:
                return found
            tried.append(found)
    if not tried:
        raise ModelError("it holds no tensors")
    return tried[0]


def _variants(
    choice: Choice, skeletons: Skeletons, own_sizes: bool, head: set[str]
) -> Iterator[tuple[dict[str, Any], bool]]:
    """Arguments to try, and whether they leave the classifier out."""
    base = skeletons.of({})
    found = _outlines(choice, base) or {}
    sizes = _sizes(found) if own_sizes else {}
    headless = bool(head) and not head & found.keys() and "num_classes" not in skeletons.arguments
    if headless:
        sizes["num_classes"] = 0
    yield sizes, headless
    expected = base.state_dict()
    for here, there, pool in (("fc_norm", "norm", "avg"), ("norm", "fc_norm", "token")):
        moved = f"{here}.weight" in found and f"{there}.weight" not in found
        if moved and f"{there}.weight" in expected and f"{here}.weight" not in expected:
            yield sizes | {"global_pool": pool}, headless


def _outlines(choice: Choice, module: nn.Module) -> dict[str, Tensor] | None:
    """What timm makes of the weights, by their shapes only; None if it cannot."""
    outlines = {key: value.outline() for key, value in choice.tensors.items()}
    try:
        return convert(outlines, module)
    except ModelError:
        return None


def _sizes(found: dict[str, Tensor]) -> dict[str, Any]:
    """Class count and input channels that weights were made for, as timm's arguments."""
    sizes: dict[str, Any] = {}
    head = found.get("head.weight")
    if head is not None and head.ndim == 2:
        sizes["num_classes"] = head.shape[0]
    embed = found.get("patch_embed.proj.weight")
    if embed is not None and embed.ndim == 4:
        sizes["in_chans"] = embed.shape[1]
    return sizes


def _compare(
    choice: Choice, skeletons: Skeletons, arguments: dict[str, Any], headless: bool
) -> Fit:
    try:
        module = skeletons.of(arguments)
    except ModelError as error:
        return Fit(choice, arguments, (), (str(error).rstrip("."),), headless)
    found = _outlines(choice, module)
    if found is None:
        foreign = not choice.tensors.keys() & module.state_dict().keys()
        return Fit(choice, arguments, (), (_why_not(choice, module),), headless, foreign)
    expected = module.state_dict()
    has_head = any(_HEAD.match(key) for key in expected if key in found)
    unknown = [key for key in found if key not in expected]
    dropped = [key for key in unknown if _EXTRA.match(key) or (_HEAD.match(key) and not has_head)]
    misfits = [
        f"{key} is {tuple(found[key].shape)}, expected {tuple(value.shape)}"
        for key, value in expected.items()
        if key in found and found[key].shape != value.shape
    ]
    misfits += [f"{key} is missing" for key in expected if key not in found]
    misfits += [f"{key} is unknown" for key in unknown if key not in set(dropped)]
    misfits = _unusable(choice, set(dropped)) or misfits or _other_numbers(expected, found)
    foreign = not expected.keys() & found.keys()
    return Fit(choice, arguments, tuple(dropped), tuple(misfits), headless, foreign)


def _why_not(choice: Choice, module: nn.Module) -> str:
    outlines = {key: value.outline() for key, value in choice.tensors.items()}
    try:
        convert(outlines, module)
    except ModelError as error:
        return str(error)
    return ""


def _unusable(choice: Choice, dropped: set[str]) -> list[str]:
    return [
        f"{key} is {value.problem}"
        for key, value in choice.tensors.items()
        if value.problem and key not in dropped
    ]


def _other_numbers(expected: dict[str, Any], found: dict[str, Tensor]) -> list[str]:
    """Whole, complex or 8-bit numbers where the network has real ones."""
    return [
        f"{key} holds {str(found[key].dtype).removeprefix('torch.')} numbers"
        for key, value in expected.items()
        if key in found and value.dtype.is_floating_point and found[key].dtype not in _FLOATS
    ]
