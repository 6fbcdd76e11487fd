"""Make a module of this process ready for analysis."""

import hashlib
from collections.abc import Callable

import torch
from PIL import Image
from torch import Tensor, nn

from headbrush.analysis.model.attention_sites import find_sites, use_fused_attention
from headbrush.analysis.model.geometry import geometry_of
from headbrush.analysis.model.model_config import input_config, input_transform, known_classes
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.store.errors import ModelError


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
