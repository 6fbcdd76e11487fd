"""Load a timm vision transformer by name, or a folder with its configuration and weights."""

import difflib
from dataclasses import replace
from pathlib import Path
from typing import Any

import timm
from torch import nn

from headbrush.analysis.model.checkpoints import load_checkpoint, read_checkpoint, sizes_of
from headbrush.analysis.model.vision_model import ModelRecipe, VisionModel
from headbrush.analysis.model.wrapping import wrap_model
from headbrush.analysis.store.atomic_files import file_digest
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
        **dict(recipe.arguments),
    )


def load_model(
    name: str,
    *,
    checkpoint: Path | None = None,
    pretrained: bool = True,
    device: str = "auto",
    **arguments: Any,
) -> VisionModel:
    """Load a timm model by name, or a folder with timm's ``config.json`` and weights.

    Parameters
    ----------
    checkpoint
        Own weights, ``.safetensors`` or ``.pth``; class count and input channels follow from it.
    pretrained
        Whether to use timm's published weights where no checkpoint is given.
    arguments
        Passed to ``timm.create_model``; ``img_size`` for an input of another size, for which timm
        resamples the position embeddings.

    Raises
    ------
    ModelError
        If the name is unknown, weights are missing or do not fit, or it is not a plain ViT.
    """
    own = None if checkpoint is None else checkpoint.resolve()
    recipe = ModelRecipe(_absolute(name), own, pretrained, device, tuple(arguments.items()))
    folder = Path(name.removeprefix("local-dir:"))
    if (folder / "config.json").is_file():
        name = f"local-dir:{folder}"
        checkpoint = checkpoint or _weights_file(folder)
    elif name.startswith("local-dir:") or folder.is_dir():
        raise ModelError(
            f"{folder}: a model folder needs timm's config.json and model.safetensors."
        )
    elif not timm.is_model(name):
        raise ModelError(f"{name}: no such timm model{_closest(name)}")
    if checkpoint is None:
        module = _create(name, pretrained, arguments)
        digest = ""
    else:
        weights = read_checkpoint(checkpoint)
        sizes = {} if name.startswith("local-dir:") else sizes_of(weights)
        module = _create(name, False, sizes | arguments)
        load_checkpoint(module, weights, checkpoint)
        digest = file_digest(checkpoint)
    shown = _folder_name(folder) if name.startswith("local-dir:") else name
    model = wrap_model(module, name=shown, checkpoint_sha256=digest, device=device)
    return replace(model, recipe=recipe)


def _create(name: str, pretrained: bool, arguments: dict[str, Any]) -> nn.Module:
    try:
        return timm.create_model(name, pretrained=pretrained, **arguments)
    except (OSError, RuntimeError, ValueError) as error:
        if pretrained:
            raise ModelError(
                f"{name}: could not download its weights ({_first_line(error)}); give "
                "--checkpoint FILE, or --no-pretrained for random weights."
            ) from error
        raise ModelError(f"{name}: timm could not create it ({_first_line(error)}).") from error
    except TypeError as error:
        raise ModelError(
            f"{name}: it does not fit the sizes in this checkpoint ({_first_line(error)})."
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _folder_name(folder: Path) -> str:
    """The folder's own name, or its parent's where that is just "model"."""
    folder = folder.resolve()
    return folder.parent.name if folder.name == "model" else folder.name


def _closest(name: str) -> str:
    if "/" in name:
        return " and no folder of that name holds timm's config.json."
    close = difflib.get_close_matches(name.split(".")[0], timm.list_models(), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else "; see timm.list_models()."


def _absolute(name: str) -> str:
    folder = Path(name.removeprefix("local-dir:"))
    return str(folder.resolve()) if folder.is_dir() else name


def _weights_file(folder: Path) -> Path:
    for file in ("model.safetensors", "pytorch_model.bin"):
        if (folder / file).is_file():
            return folder / file
    raise ModelError(f"{folder}: holds config.json but no model.safetensors.")
