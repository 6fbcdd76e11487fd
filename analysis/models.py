"""Load a timm vision transformer, or wrap one, with what an analysis needs to know of it."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from PIL import Image
from timm.data import ImageNetInfo, create_transform, resolve_model_data_config
from timm.layers import to_2tuple
from torch import Tensor, nn

from analysis.checkpoints import load_checkpoint, read_checkpoint, sizes_of
from analysis.parts import file_digest
from analysis.sites import ModelError, Site, find_sites, use_fused_attention


@dataclass(frozen=True)
class Geometry:
    """Layers, heads and tokens of a model; tokens are prefix tokens, then patches row by row."""

    num_layers: int
    num_heads: int
    num_prefix_tokens: int
    grid_height: int
    grid_width: int
    has_class_token: bool

    @property
    def num_patches(self) -> int:
        """P = grid height × grid width."""
        return self.grid_height * self.grid_width

    @property
    def num_tokens(self) -> int:
        """T = prefix tokens + P."""
        return self.num_prefix_tokens + self.num_patches


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
        Passed to ``timm.create_model``, for example ``img_size``.

    Raises
    ------
    ModelError
        If the name is unknown, weights are missing or do not fit, or it is no plain ViT.
    """
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
    return wrap_model(module, name=shown, checkpoint_sha256=digest, device=device)


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

    Raises
    ------
    ModelError
        If it is no plain ViT.
    """
    name = name or type(module).__name__
    place = _device(device)
    module = module.eval().requires_grad_(False).to(place)
    use_fused_attention(module)
    config = _input_config(module)
    sites, tokens = find_sites(module, torch.zeros(2, *config["input_size"], device=place), name)
    num_classes = int(getattr(module, "num_classes", 0))
    ids, names = _classes(module, num_classes)
    return VisionModel(
        module=module,
        geometry=_geometry(module, sites, tokens, config["input_size"][1:], name),
        sites=tuple(sites),
        transform=transform or _transform(config),
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


def _create(name: str, pretrained: bool, arguments: dict[str, Any]) -> nn.Module:
    try:
        return timm.create_model(name, pretrained=pretrained, **arguments)
    except (OSError, RuntimeError, ValueError) as error:
        if pretrained:
            raise ModelError(
                f"{name}: its published weights cannot be had ({_first_line(error)}); give "
                "--checkpoint FILE, or --no-pretrained for random weights."
            ) from error
        raise ModelError(f"{name}: timm cannot make it ({_first_line(error)}).") from error
    except TypeError as error:
        raise ModelError(
            f"{name}: it does not take the sizes of this checkpoint ({_first_line(error)})."
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
        return " and no such folder with timm's config.json."
    close = difflib.get_close_matches(name.split(".")[0], timm.list_models(), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else "; see timm.list_models()."


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
        raise ModelError("no CUDA device is at hand; give --device cpu or auto.")
    return place


def _geometry(
    module: nn.Module, sites: list[Site], tokens: int, size: tuple[int, int], name: str
) -> Geometry:
    prefix = int(getattr(module, "num_prefix_tokens", 1))
    embed = module.patch_embed
    grid = getattr(embed, "grid_size", None)
    if grid is None or grid[0] * grid[1] != tokens - prefix:
        patch = to_2tuple(embed.patch_size)
        grid = (size[0] // patch[0], size[1] // patch[1])
    if grid[0] * grid[1] != tokens - prefix:
        raise ModelError(
            f"{name}: {tokens} tokens are not {prefix} prefix tokens and a {grid[0]}×{grid[1]} "
            "grid of patches, so its patches cannot be placed on the image."
        )
    has_class_token = getattr(module, "cls_token", None) is not None
    heads = sites[0].attention.num_heads
    return Geometry(len(sites), heads, prefix, grid[0], grid[1], has_class_token)


def _input_config(module: nn.Module) -> dict[str, Any]:
    """timm's data configuration, with the size and channels that this very module was made for."""
    config = resolve_model_data_config(module)
    embed = getattr(module, "patch_embed", None)
    size = getattr(module, "_model_args", {}).get("img_size") or getattr(embed, "img_size", None)
    size = config["input_size"][1:] if size is None else size
    size = (size, size) if isinstance(size, int) else tuple(size)
    channels = getattr(getattr(embed, "proj", None), "in_channels", config["input_size"][0])
    for key in ("mean", "std"):
        if len(config[key]) != channels:
            config[key] = (sum(config[key]) / len(config[key]),) * channels
    return config | {"input_size": (channels, *size)}


def _transform(config: dict[str, Any]) -> Callable[[Image.Image], Tensor]:
    mode = "L" if config["input_size"][0] == 1 else "RGB"
    apply = create_transform(**config, is_training=False)
    return lambda image: apply(image.convert(mode))


def _classes(module: nn.Module, count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    config = getattr(module, "pretrained_cfg", {}) or {}
    ids = tuple(config.get("label_names") or ())
    if len(ids) == count and count:
        described = config.get("label_descriptions") or {}
        return ids, tuple(described.get(label, label) for label in ids)
    if count == 1000:
        info = ImageNetInfo()
        ids = tuple(info.label_names())
        return ids, tuple(info.label_name_to_description(label) for label in ids)
    return (), ()
