"""timm's ``config.json`` of a model, and what its forward passes cost with fewer heads."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from timm.models import load_model_config_from_hf
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.model.weights.files.safetensors_files import read_json
from headbrush.analysis.prune.export.shrinking import (
    InexactExport,
    heads_kept,
    smaller_weights,
)

_LOCAL = "local-dir:"
_HUB = "hf-hub:"
_INPUT = ("interpolation", "crop_pct", "crop_mode", "first_conv", "classifier", "label_names",
          "label_descriptions")  # fmt: skip
"""What is kept of timm's description of the input and the classes."""
_OF_HEADS = ("qkv", "q_proj", "k_proj", "v_proj", "q_bias", "v_bias")
"""Parameters of an attention module that belong to its heads, beside the projection's."""
_REPEATS = 5


def config_of(model: VisionModel) -> dict[str, Any]:
    """timm's configuration of a model that timm made, as JSON values.

    Raises
    ------
    InexactExport
        If timm did not make it, or its classifier is none of the checkpoint.
    """
    if model.classifier is not None:
        raise InexactExport(
            f"{model.name}: its classes come from {model.classifier.words}, which no checkpoint of "
            "timm holds; export from a store of the model alone."
        )
    _demand_no_windows(model)
    described = getattr(model.module, "pretrained_cfg", None)
    if not isinstance(described, Mapping) or "architecture" not in described:
        raise InexactExport(
            f"{model.name}: not a model of timm, whose configuration a smaller checkpoint needs."
        )
    data = {key: described[key] for key in _INPUT if described.get(key) is not None}
    data |= {
        "input_size": model.input_size,
        "mean": model.mean,
        "std": model.std,
        "num_classes": model.num_classes,
    }
    config = {
        "architecture": described["architecture"],
        "num_classes": model.num_classes,
        "model_args": _arguments(model),
        "pretrained_cfg": data,
    }
    return json.loads(json.dumps(config))


def _arguments(model: VisionModel) -> dict[str, Any]:
    """What ``timm.create_model`` takes to make the network again."""
    recipe = model.recipe
    name = "" if recipe is None else recipe.name
    found: dict[str, Any] = dict(getattr(model.module, "_model_args", {}))
    if name.startswith(_HUB):
        found |= load_model_config_from_hf(name.removeprefix(_HUB))[2]
    elif name and (folder := Path(name.removeprefix(_LOCAL))).is_dir():
        found |= cast(dict[str, Any], read_json(folder / "config.json")).get("model_args", {})
    found |= {} if recipe is None else dict(recipe.arguments)
    pooling = getattr(model.module, "global_pool", None)
    found |= {"global_pool": pooling} if isinstance(pooling, str) else {}
    return found | {"num_classes": model.num_classes, "in_chans": model.input_size[0]}


def parameters(module: nn.Module) -> int:
    """Numbers that a module has learned."""
    return sum(parameter.numel() for parameter in module.parameters())


def flops(module: nn.Module, images: Tensor) -> int:
    """Floating-point operations of products, for each image of ``(B, C, H, W)``."""
    # the fused kernel hides its two products from the counter
    with (
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as counter,
        torch.no_grad(),
    ):
        module(images)
    return counter.get_total_flops() // len(images)


def _demand_no_windows(model: VisionModel) -> None:
    if model.stage is not None:
        raise InexactExport(
            f"{model.name}: it attends within windows, which the loader of smaller models does "
            "not know, so it is not exported."
        )


def costs(model: VisionModel, pruned: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Parameters, and FLOPs for one image, of a model of which so many heads were left out.

    Raises
    ------
    InexactExport
        If no smaller model would give the same outputs.
    """
    _demand_no_windows(model)
    every = PruneSet.of_heads((layer, 0) for layer in range(len(model.sites)))
    smaller_weights(model, heads_kept(model, every))
    images = torch.zeros(1, *model.input_size, device=model.device)
    tokens, heads = model.geometry.num_tokens, model.geometry.num_heads
    projection = model.shortcuts.projections[0]
    assert projection is not None
    weights = projection.weight.numel() + sum(
        parameter.numel()
        for name, parameter in model.sites[0].attention.named_parameters()
        if name.partition(".")[0] in _OF_HEADS
    )
    each, width = weights // heads, projection.in_features // heads
    # three maps to queries, keys and values, one back, and two products of the attention
    maps = 4 * projection.out_features * width
    products = 2 * tokens * maps + 4 * tokens**2 * width
    all_parameters, all_flops = parameters(model.module), flops(model.module, images)
    return (
        tuple(all_parameters - each * count for count in pruned),
        tuple(all_flops - products * count for count in pruned),
    )


def seconds(passes: Sequence[Callable[[], object]]) -> list[float]:
    """The median time of each of some forward passes, made in turn."""
    taken: list[list[float]] = [[] for _ in passes]
    for number in range(_REPEATS + 1):
        for times, run in zip(taken, passes, strict=True):
            start = time.perf_counter()
            run()
            if number:  # the first of each warms up
                times.append(time.perf_counter() - start)
    return [sorted(times)[_REPEATS // 2] for times in taken]
