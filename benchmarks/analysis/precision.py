"""Leave-one-out pruning in bf16 against float32, in one thread.

    python benchmarks/analysis/precision.py [NAME …]

A NAME of timm is a model with random weights, on noise; without one, the bundled model and the
smaller ViTs. Three layers of each are pruned, in turn in both. Seconds are of processor time; the
machine may be busy.
"""

import sys

import timm
import torch

from benchmarks.analysis.what_if import timed
from benchmarks.common import BUNDLED, note
from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import wrap_model
from headbrush.analysis.run.request import BF16
from headbrush.analysis.run.stages.precision import at_precision, demand_precision

TURNS = 3


def seconds(model, images):
    """Processor seconds of pruning the heads of an early, a middle and a late layer."""
    last = len(model.sites) - 1
    layers = sorted({last // 5, last // 2, last - 1})

    def prune():
        return leave_one_out(model, trace(model, images.to(model.dtype)), None, layers=layers)

    return timed(prune)[2]


def main() -> None:
    """Print and note the least seconds of each model, and the factor."""
    torch.set_num_threads(1)
    for name in sys.argv[1:] or ("bundled", "vit_small_patch16_224", "vit_base_patch16_224"):
        torch.manual_seed(0)
        if name == "bundled":
            model = load_model(str(BUNDLED / "model"), pretrained=False, device="cpu")
        else:
            model = wrap_model(timm.create_model(name), name=name, device="cpu")
        demand_precision(model, BF16)
        images, exact, coarse = torch.randn(1, *model.input_size), [], []
        for _ in range(TURNS):
            exact.append(seconds(model, images))
            with at_precision(model, BF16) as quick:
                coarse.append(seconds(quick, images))
        note(f"three layers of {name} pruned in bf16, processor time", min(coarse), "s")
        note(f"three layers of {name} pruned in bf16, processor time", min(exact), "s", "float32")
        print(
            f"{name:28} float32 {min(exact):6.2f} s   bf16 {min(coarse):6.2f} s   "
            f"x{min(exact) / min(coarse):4.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
