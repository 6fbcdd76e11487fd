"""Make a timm model with the weights of a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from headbrush.analysis.model.weights.contents import Contents, contents_of
from headbrush.analysis.model.weights.files.checkpoint_file import open_checkpoint
from headbrush.analysis.model.weights.files.inert_pickle import Inert
from headbrush.analysis.model.weights.files.stored_tensor import StoredTensor, Unreadable, shown
from headbrush.analysis.model.weights.fitting import Fit, fit
from headbrush.analysis.model.weights.misfit_words import why_it_does_not_fit
from headbrush.analysis.model.weights.notes import notes_of
from headbrush.analysis.model.weights.skeletons import Skeletons, convert, create
from headbrush.analysis.store.errors import ModelError

_SPARE = 1 << 30
"""Bytes that a model may have beyond four times its weights in the file, where it has more
positions or wider numbers."""
_MOST_PATCHES = 1 << 14
"""One attention matrix of so many takes 1 GB."""


def load_weights(
    name: str, path: Path, arguments: Mapping[str, Any], own_sizes: bool
) -> tuple[nn.Module, tuple[str, ...]]:
    """A timm model with the weights of a file, and notes for the user.

    Parameters
    ----------
    name
        As ``timm.create_model`` takes it.
    arguments
        For ``timm.create_model``; they prevail over what the weights suggest.
    own_sizes
        Whether class count and channels follow from the weights, not from a configuration.

    Raises
    ------
    ModelError
        If the file cannot be read, or its weights do not fit or are not finite.
    """
    data = open_checkpoint(path)
    contents = _contents(data, path)
    if not contents.groups:
        raise ModelError(
            f"{path}: holds no weights, only {_kind(data)}; save the state_dict of the model, best "
            "as .safetensors."
        )
    skeletons = Skeletons(name, arguments)
    found = fit(contents, skeletons, own_sizes)
    if found.misfits:
        raise ModelError(f"{path}: {why_it_does_not_fit(found, name)}")
    _demand_size(found, skeletons.of(found.arguments), path)
    if not own_sizes:
        _demand_patches(found, skeletons.of(found.arguments), path)
    tensors = _read(found, path)
    module = create(name, {**found.arguments, **skeletons.arguments})
    _fill(module, tensors, path)
    return module, notes_of(found, module, contents, path)


def _contents(data: object, path: Path) -> Contents:
    try:
        return contents_of(data)
    except Unreadable as error:
        raise ModelError(f"{path}: not a readable file of weights: {error}.") from error


def _kind(data: object) -> str:
    """What a file holds, for a sentence."""
    if isinstance(data, StoredTensor):
        return data.problem or "a single tensor"
    if isinstance(data, Inert):
        return f"an object made by {shown(data.made_by)}, which is not run"
    words = {dict: "a dictionary without tensors", list: "a list", tuple: "a list", str: "a text"}
    return words.get(type(data), "None" if data is None else "a single value")


def _demand_size(found: Fit, skeleton: nn.Module, path: Path) -> None:
    """Refuse what takes much more memory than there are weights in the file.

    Parameters and positions of a configuration that nobody checked may have any size.
    """
    stored = sum(found.choice.tensors[key].size for key in found.needed)
    parts = [*skeleton.parameters(), *skeleton.buffers()]
    needed = sum(part.numel() * part.element_size() for part in parts)
    patches = getattr(getattr(skeleton, "patch_embed", None), "num_patches", 0) or 0
    if patches > _MOST_PATCHES:
        raise ModelError(
            f"{path}: the input would have {patches} patches, at most {_MOST_PATCHES} can be "
            "analyzed; give a smaller --image-size or correct config.json."
        )
    if needed > 4 * stored + _SPARE:
        raise ModelError(
            f"{path}: the model would take {needed / 1e9:.0f} GB with weights of "
            f"{stored / 1e9:.1f} GB; check its configuration."
        )
    shards = path.parent.glob("*") if path.suffix == ".json" else (path,)
    held = sum(file.stat().st_size for file in shards if file.is_file())
    if stored > 4 * held:
        raise ModelError(
            f"{path}: not a readable file of weights: its tensors are larger than the file."
        )


def _demand_patches(found: Fit, skeleton: nn.Module, path: Path) -> None:
    """Refuse a configuration with another patch size than its weights; timm would resample them."""
    kernel = found.choice.tensors.get("patch_embed.proj.weight")
    own = skeleton.state_dict().get("patch_embed.proj.weight")
    if kernel is not None and own is not None and kernel.shape[2:] != tuple(own.shape[2:]):
        raise ModelError(
            f"{path}: its patches have {kernel.shape[2:]} pixels, in config.json "
            f"{tuple(own.shape[2:])}; correct patch_size there."
        )


def _read(found: Fit, path: Path) -> dict[str, Tensor]:
    """The values, real numbers as float32."""
    tensors = {}
    try:
        for key in found.needed:
            value = found.choice.tensors[key].read()
            tensors[key] = value.float() if value.is_floating_point() else value
    except (Unreadable, MemoryError) as error:
        raise ModelError(f"{path}: not a readable file of weights: {shown(error)}.") from error
    return tensors


def _fill(module: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    expected = module.state_dict()
    try:
        weights = convert(tensors, module)
        weights = {key: value for key, value in weights.items() if key in expected}
        module.load_state_dict(weights)
    except (ModelError, RuntimeError) as error:
        raise ModelError(f"{path}: does not fit the model ({shown(error)}).") from error
    for key, value in module.state_dict().items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ModelError(
                f"{path}: {key} holds NaN or infinite values, so the model computes nothing, as "
                "after a training that diverged; give an earlier checkpoint."
            )
