"""What do the stages of a Swin Transformer cost when windows are written as attention over all?

``swin_tiny_patch4_window7_224`` with random weights, two images. Baseline: timm's own windows, by a
whole forward pass. Then a trace of each stage, all heads of one image pruned, and the largest error
of a few heads against whole passes of timm's own model in which the head is zero.

    PYTHONPATH=. .venv/bin/python benchmarks/models/swin.py
"""

import copy
import resource
import time
from collections.abc import Callable

import timm
import torch
from torch import Tensor, nn

from headbrush.analysis.measures.importance import pruned_outputs, resumed
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import wrap_model

NAME, HEADS = "swin_tiny_patch4_window7_224", ((0, 0), (1, 2))


def seconds(run: Callable[[], object], times: int = 3) -> float:
    """The least of some runs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return min(taken)


def without(module: nn.Module, stage: int, layer: int, head: int, images: Tensor) -> Tensor:
    """What timm's own model puts out if a head's attention is zero."""

    def zeroed(_module: nn.Module, _given: object, attention: Tensor) -> Tensor:
        attention = attention.clone()
        attention[:, head] = 0
        return attention

    drop = module.get_submodule(f"layers.{stage - 1}.blocks.{layer}.attn.attn_drop")
    hook = drop.register_forward_hook(zeroed)
    try:
        return module(images)
    finally:
        hook.remove()


@torch.inference_mode()
def main() -> None:
    """Print one line a stage."""
    torch.manual_seed(0)
    own = timm.create_model(NAME).eval()
    images = torch.randn(2, 3, 224, 224)
    print(f"timm's own: {seconds(lambda: own(images)) / 2:.3f} s an image")
    for stage in (4, 3, 2, 1):
        model = wrap_model(copy.deepcopy(own), name=NAME, device="cpu", stage=stage)
        whole = seconds(lambda model=model: model.outputs(images)) / 2
        traced = trace(model, images)
        error = 0.0
        for layer, head in HEADS:
            z = pruned_outputs(model, traced, layer, 1, slice(head, head + 1))
            found = resumed(model, traced, layer, z)[0]
            expected = without(own, stage, layer, head, images)
            error = max(error, float((found - expected).abs().max() / expected.abs().max()))
        one = trace(model, images[:1])
        start = time.perf_counter()
        for layer in range(len(one.layers)):
            resumed(model, one, layer, pruned_outputs(model, one, layer, 1))
        pruned = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"stage {stage}: {model.geometry.num_patches} patches, {whole:.3f} s an image, all "
            f"{model.geometry.num_layers * model.geometry.num_heads} heads of one pruned in "
            f"{pruned:.1f} s, error {error:.1e} of the largest logit, peak {peak:.1f} GB"
        )


if __name__ == "__main__":
    main()
