"""Load a timm vision transformer, or wrap a module, with the facts that an analysis needs."""

import difflib
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import timm
import torch
from PIL import Image
from torch import Tensor, nn

from headbrush.analysis.model.attention_sites import Site, find_sites, use_fused_attention
from headbrush.analysis.model.checkpoints import load_checkpoint, read_checkpoint, sizes_of
from headbrush.analysis.model.geometry import Geometry, geometry_of
from headbrush.analysis.model.model_config import input_config, input_transform, known_classes
from headbrush.analysis.store.atomic_files import file_digest
from headbrush.analysis.store.errors import ModelError


@dataclass(frozen=True)
class ModelRecipe:
    """Arguments of :func:`load_model` with which another process loads the same model."""

    name: str
    checkpoint: Path | None
    pretrained: bool
    device: str
    arguments: tuple[tuple[str, Any], ...] = ()

    def load(self) -> "VisionModel":
        """The model, in this process.

        Raises
        ------
        ModelError
            As :func:`load_model`.
        """
        return load_model(
            self.name,
            checkpoint=self.checkpoint,
            pretrained=self.pretrained,
            device=self.device,
            **dict(self.arguments),
        )

    def as_json(self) -> str:
        """For a store's attributes, from which the server loads the model again."""
        given = asdict(self) | {"checkpoint": self.checkpoint and str(self.checkpoint)}
        return json.dumps(given | {"arguments": dict(self.arguments)})


@dataclass(frozen=True)
class VisionModel:
    """A vision transformer ready for analysis.

    Attributes
    ----------
    module
        In evaluation mode, on ``device``, without gradients.
    sites
        Its attention layers in order.
    transform
        PIL image -> float32 ``(C, H, W)`` as the model expects it.
    input_size
        Channels, height and width of an input.
    mean, std
        What ``transform`` normalises by, one value a channel.
    checkpoint_sha256
        Hash of the weights' file; empty where there was none.
    num_classes
        Outputs of the classifier; 0 for a headless backbone.
    class_ids, class_names
        Identifiers (for example ImageNet synsets) and readable names, if known.
    recipe
        How to load it elsewhere; None of a module that exists only in this process.
    """

    module: nn.Module
    geometry: Geometry
    sites: tuple[Site, ...]
    transform: Callable[[Image.Image], Tensor]
    input_size: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    device: torch.device
    name: str
    checkpoint_sha256: str = ""
    num_classes: int = 0
    class_ids: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    recipe: ModelRecipe | None = None


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


def wrap_model(
    module: nn.Module,
    *,
    name: str = "",
    class_names: tuple[str, ...] | None = None,
    transform: Callable[[Image.Image], Tensor] | None = None,
    checkpoint_sha256: str = "",
    device: str = "auto",
) -> VisionModel:
    """Describe a module that exists in this process.

    Parameters
    ----------
    class_names
        Readable names of the outputs, if the module does not know them.
    transform
        PIL image -> float32 ``(C, H, W)``, instead of that of timm's data configuration.

    Raises
    ------
    ModelError
        If it is not a plain ViT.
    """
    name = name or type(module).__name__
    place = _device(device)
    module = module.eval().requires_grad_(False).to(place)
    use_fused_attention(module)
    config = input_config(module)
    sites, tokens = find_sites(module, torch.zeros(2, *config["input_size"], device=place), name)
    num_classes = int(getattr(module, "num_classes", 0))
    ids, names = known_classes(module, num_classes)
    return VisionModel(
        module=module,
        geometry=geometry_of(module, sites, tokens, config["input_size"][1:], name),
        sites=tuple(sites),
        transform=transform or input_transform(config),
        input_size=tuple(config["input_size"]),
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        device=place,
        name=name,
        checkpoint_sha256=checkpoint_sha256,
        num_classes=num_classes,
        class_ids=ids,
        class_names=class_names or names,
    )


def module_digest(module: nn.Module) -> str:
    """SHA-256 of a module's weights and their names, hexadecimal."""
    digest = hashlib.sha256()
    for key, value in sorted(module.state_dict().items()):
        digest.update(f"{key} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


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
