"""timm's configuration of a model: its input and the names of its outputs."""

from collections.abc import Callable
from typing import Any, cast

from PIL import Image
from timm.data.config import resolve_model_data_config
from timm.data.imagenet_info import ImageNetInfo
from timm.data.transforms_factory import create_transform
from torch import Tensor, nn


def input_config(module: nn.Module) -> dict[str, Any]:
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


def input_transform(config: dict[str, Any]) -> Callable[[Image.Image], Tensor]:
    """PIL image -> float32 ``(C, H, W)``, as the configuration says."""
    mode = "L" if config["input_size"][0] == 1 else "RGB"
    apply = cast(Callable[[Image.Image], Tensor], create_transform(**config, is_training=False))
    return lambda image: apply(image.convert(mode))


def known_classes(module: nn.Module, count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Identifiers and readable names of the ``count`` outputs; empty where timm knows none."""
    config = getattr(module, "pretrained_cfg", {}) or {}
    ids = tuple(map(str, config.get("label_names") or ()))
    if len(ids) == count and count:
        described: dict[str, str] = config.get("label_descriptions") or {}
        return ids, tuple(described.get(label, label) for label in ids)
    if count == 1000:
        info = ImageNetInfo()
        ids = tuple(info.label_names())
        return ids, tuple(info.label_name_to_description(label) or label for label in ids)
    return (), ()
