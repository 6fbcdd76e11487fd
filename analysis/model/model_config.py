"""timm's configuration of a model: its input and the names of its outputs."""

from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image
from timm.data.config import resolve_model_data_config
from timm.data.imagenet_info import ImageNetInfo
from timm.data.transforms_factory import create_transform
from torch import Tensor, nn

from headbrush.analysis.images.decoding import ImageError
from headbrush.analysis.images.reading.extreme_shapes import bounded

_MARKS = ({"pretrained_cfg"}, {"patch_embed"}, {"embeds"}, {"conv_proj", "encoder"})
"""Members by which a ViT is known: of timm, of others who name them so, of torchvision."""


def find_vit(module: nn.Module) -> nn.Module:
    """The ViT inside a module: the outermost part that looks like one; else the module."""
    for part in module.modules():
        if any(all(hasattr(part, name) for name in mark) for mark in _MARKS):
            return part
    return module


def input_config(module: nn.Module) -> dict[str, Any]:
    """timm's data configuration, with the size and channels that this very ViT was made for."""
    config = resolve_model_data_config(module)
    embed = getattr(module, "patch_embed", None)
    sizes = (
        getattr(module, "_model_args", {}).get("img_size"),
        getattr(embed, "img_size", None),
        getattr(module, "image_size", None),
        *(getattr(getattr(part, "config", None), "image_size", None) for part in module.modules()),
    )
    size = next((size for size in sizes if size is not None), config["input_size"][1:])
    size = (size, size) if isinstance(size, int) else tuple(size)
    channels = _channels(module) or config["input_size"][0]
    for key in ("mean", "std"):
        if len(config[key]) != channels:
            config[key] = (sum(config[key]) / len(config[key]),) * channels
    return config | {"input_size": (channels, *size)}


def _channels(module: nn.Module) -> int:
    """Channels that the first convolution takes; 0 where there is none."""
    parts = dict(module.named_modules())
    first = (getattr(module, "pretrained_cfg", None) or {}).get("first_conv")
    named = [parts.get(name) for name in ([first] if isinstance(first, str) else first or ())]
    found = (part for part in (*named, *parts.values()) if isinstance(part, nn.Conv2d))
    return next((part.in_channels for part in found), 0)


def input_transform(config: dict[str, Any]) -> Callable[[Image.Image], Tensor]:
    """PIL image -> float32 ``(C, H, W)``, as the configuration says."""
    channels = config["input_size"][0]
    apply = bounded(create_transform(**config, is_training=False))
    mode = {1: "L", 3: "RGB"}.get(channels)
    if mode is not None:
        return lambda image: apply(image.convert(mode))

    def transform(image: Image.Image) -> Tensor:
        bands = len(image.getbands())
        if bands != channels:
            raise ImageError(
                f"the model takes {channels} channels, and the picture has {bands} ({image.mode}); "
                f"give a dataset of float tensors ({channels}, H, W), or transform="
            )
        return apply(image)

    return transform


def known_classes(module: nn.Module, count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Identifiers and readable names of the ``count`` outputs; empty where none are known."""
    described = getattr(getattr(module, "config", None), "id2label", None)
    if isinstance(described, Mapping) and len(described) == count:  # a model of transformers
        names = tuple(str(name) for name in described.values())
        return (), () if names[0].startswith("LABEL_") else names
    config = getattr(module, "pretrained_cfg", {}) or {}
    ids = tuple(map(str, config.get("label_names") or ()))
    if len(ids) == count and count:
        words: dict[str, str] = config.get("label_descriptions") or {}
        return ids, tuple(words.get(label, label) for label in ids)
    if count == 1000:
        info = ImageNetInfo()
        ids = tuple(info.label_names())
        return ids, tuple(info.label_name_to_description(label) or label for label in ids)
    return (), ()
