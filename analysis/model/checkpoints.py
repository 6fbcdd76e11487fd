"""Read a checkpoint without running code from it, and load it into a model."""

import pickle
import sys
from pathlib import Path

from safetensors import SafetensorError
from timm.models import load_state_dict
from torch import Tensor, nn

from headbrush.analysis.store.errors import ModelError

Weights = dict[str, Tensor]


def read_checkpoint(path: Path) -> Weights:
    """The weights in a ``.safetensors`` or ``.pth`` file, out of common wrappings.

    An average (EMA) is preferred to the raw weights; a ``module.`` prefix is dropped.

    Raises
    ------
    ModelError
        If the file is missing, damaged, holds anything but tensors, or holds no weights.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such checkpoint.")
    try:
        weights = load_state_dict(str(path), weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path}: not a plain file of weights; headbrush runs no code from checkpoints, so "
            "save only the state_dict, best as .safetensors."
        ) from error
    except (OSError, RuntimeError, ValueError, EOFError, SafetensorError) as error:
        raise ModelError(f"{path}: not a readable checkpoint ({error}).") from error
    if not isinstance(weights, dict):
        raise ModelError(f"{path}: holds a {type(weights).__name__}, expected a state_dict.")
    weights = {key: value for key, value in weights.items() if isinstance(value, Tensor)}
    if not weights:
        raise ModelError(f"{path}: holds no weights.")
    return weights


def sizes_of(weights: Weights) -> dict[str, int]:
    """Class count and input channels that the weights were made for, as timm's arguments."""
    sizes = {}
    if "head.weight" in weights:
        sizes["num_classes"] = weights["head.weight"].shape[0]
    embed = weights.get("patch_embed.proj.weight")
    if embed is not None and embed.ndim == 4:
        sizes["in_chans"] = embed.shape[1]
    return sizes


def load_checkpoint(module: nn.Module, weights: Weights, path: Path) -> None:
    """Put ``weights`` into ``module``; position embeddings are resampled by timm where needed.

    Raises
    ------
    ModelError
        If they do not fit, naming the first key that differs.
    """
    convert = getattr(sys.modules[type(module).__module__], "checkpoint_filter_fn", None)
    try:
        if convert is not None:
            weights = convert(weights, module)
    except (RuntimeError, KeyError, ValueError, AssertionError) as error:
        raise ModelError(f"{path}: not weights of this model ({error}).") from error
    misfits = _misfits(module.state_dict(), weights)
    if misfits:
        more = f" and {len(misfits) - 3} more" if len(misfits) > 3 else ""
        raise ModelError(f"{path}: does not fit the model: {'; '.join(misfits[:3])}{more}.")
    module.load_state_dict(weights)


def _misfits(expected: Weights, found: Weights) -> list[str]:
    other_shape = [
        f"{key} is {tuple(found[key].shape)}, expected {tuple(value.shape)}"
        for key, value in expected.items()
        if key in found and found[key].shape != value.shape
    ]
    missing = [f"{key} is missing" for key in expected if key not in found]
    unknown = [f"{key} is unknown" for key in found if key not in expected]
    return other_shape + missing + unknown
