"""Every ViT-like model of timm, small and untrained: analyzed exactly, or refused in one sentence.

Models are grouped by the kinds of their parts, and one of each kind is tried. What is analyzed is
compared with whole passes. Anything but agreement or a ``ModelError`` of one line is a fault.

    python benchmarks/models/timm_sweep.py [WORD]...

With words, only models of modules of timm whose names contain one of them.
"""

import sys
import warnings
from collections import Counter
from typing import Any

import timm
import torch
from torch import nn

from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.model.capture import self_check
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import wrap_model
from headbrush.analysis.store.errors import ModelError
from tests.analysis.families import pictures
from tests.analysis.whole_passes import metrics

MODULES = (
    "vision_transformer", "vision_transformer_hybrid", "vision_transformer_relpos",
    "vision_transformer_sam", "beit", "cait", "coat", "convit", "crossvit", "davit", "deepseek_vit",
    "deit", "edgenext", "efficientformer", "efficientformer_v2", "efficientvit_mit",
    "efficientvit_msra", "eva", "fastvit", "gcvit", "gemma4_vit", "hiera", "hieradet_sam2", "levit",
    "maxxvit", "metaformer", "mobilevit", "mvitv2", "naflexvit", "nest", "nextvit", "pit", "pvt_v2",
    "qwen3_vit", "repvit", "sequencer", "swiftformer", "swin_transformer", "swin_transformer_v2",
    "swin_transformer_v2_cr", "tiny_vit", "tnt", "twins", "visformer", "vitamin", "volo", "xcit",
)  # fmt: skip
WIDTH = {"embed_dim": 48, "depth": 3, "num_heads": 3}
SMALL = (
    WIDTH | {"img_size": 64, "patch_size": 16, "num_classes": 5},
    WIDTH | {"img_size": 64, "num_classes": 5},
    WIDTH | {"img_size": 64},
    WIDTH | {"num_classes": 5},
    {"img_size": 64, "num_classes": 5},
    {"depth": 3, "num_classes": 5},
    {"num_classes": 5},
    {},
)
"""Tried in this order until timm takes them."""
_LARGEST = 120_000_000
_SAME = 1e-4


def smallest(name: str) -> tuple[dict[str, Any], nn.Module] | None:
    """The arguments that make the model smallest, and the model without values; None if none do."""
    for arguments in SMALL:
        try:
            with torch.device("meta"):
                return arguments, timm.create_model(name, **arguments)
        except Exception:  # timm names what it does not take in many ways
            continue
    return None


def made(name: str, arguments: dict[str, Any]) -> nn.Module:
    """The model with weights that make every part matter."""
    torch.manual_seed(0)
    module = timm.create_model(name, **arguments)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return module


def kind_of(module: nn.Module) -> tuple[str, ...]:
    """The classes of the parts of a model, its pooling, and what its attention depends on."""
    parts = {type(part).__name__ for part in module.modules()}
    pool, prefix = getattr(module, "global_pool", ""), getattr(module, "num_prefix_tokens", "")
    return (f"{pool} {prefix}", *sorted(parts))


def outcome(name: str, module: nn.Module) -> str:
    """``analyzed``, ``refused: …`` or ``FAULT: …``."""
    try:
        model = wrap_model(module, name=name, device="cpu", checkpoint_sha256="")
        images = pictures(model)
        self_check(model, images)
        found = leave_one_out(model, trace(model, images), None)[:, 0]
        worst = 0.0
        for layer in {0, len(model.sites) - 1}:
            expected = metrics(model, images, layer, 1)
            difference = abs(found[:, :, layer, 1] - expected)
            if (difference != difference).tolist() != (expected != expected).tolist():
                return "FAULT: missing values differ"
            worst = max(worst, float(difference[difference == difference].max(initial=0)))
    except ModelError as error:
        words = str(error)
        return f"refused: {words}" if "\n" not in words else f"FAULT: {words}"
    except Exception as error:  # whatever it is, it is what this looks for
        return f"FAULT: {type(error).__name__}: {error}"
    if worst > _SAME:
        return f"FAULT: {worst:.0e} off"
    return f"analyzed, largest difference {worst:.0e}"


def main(words: list[str]) -> None:
    """Print one line a kind, and the counts."""
    warnings.simplefilter("ignore")
    counts: Counter[str] = Counter()
    seen: set[tuple[str, ...]] = set()
    for source in MODULES:
        if words and not any(word in source for word in words):
            continue
        for name in timm.list_models(module=source):
            found = smallest(name)
            if found is None:
                counts["not made without values"] += 1
                print(f"{name}: not made without values", flush=True)
                continue
            arguments, empty = found
            kind = kind_of(empty)
            if kind in seen:
                counts["of a kind that was tried"] += 1
                continue
            if sum(p.numel() for p in empty.parameters()) > _LARGEST:
                counts["too large"] += 1
                print(f"{name}: too large", flush=True)
                continue
            seen.add(kind)
            result = outcome(name, made(name, arguments))
            counts[result.split(":")[0].split(",")[0]] += 1
            print(f"{name}: {result.removeprefix(f'refused: {name}: ')[:250]}", flush=True)
    print(dict(counts))


if __name__ == "__main__":
    main(sys.argv[1:])
