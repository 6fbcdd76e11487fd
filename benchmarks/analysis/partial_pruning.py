"""One image and one head in all seven pruning modes, as B2 asks for it, against full passes.

    python benchmarks/analysis/partial_pruning.py [--model NAME_OR_FOLDER]... [--repeats N]

The baseline masks the head in timm's own attention, a full forward pass a mode; both must give P'
equal to 1e-5.
Timed are the trace of the image, which the server keeps for the next head, and the pruning, in the
first, a middle and the last layer. A model that timm only names gets random weights.
"""

import argparse
import statistics
import time

import numpy as np
import torch

from benchmarks.common import BUNDLED, note
from headbrush.analysis.measures.importance import partial_pruning
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.model.pruning.modes import PRUNING_MODES
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.vision_model import VisionModel
from tests.analysis.oracles import naive_pass, softmax


def full_passes(model: VisionModel, image: torch.Tensor, layer: int, head: int) -> np.ndarray:
    """P', ``(mode, classes)``, by one full pass a mode."""
    outputs = [naive_pass(model, image, layer, head, mode)[0] for mode in PRUNING_MODES]
    return softmax(np.concatenate(outputs))


def measure(name: str, repeats: int) -> None:
    """Print medians of one model."""
    model = load_model(name, pretrained=False, device="cpu")
    image = torch.randn(1, *model.input_size, generator=torch.Generator().manual_seed(0))
    tracing = statistics.median(_seconds(lambda: trace(model, image))[0] for _ in range(repeats))
    traced, last = trace(model, image), model.geometry.num_layers - 1
    print(f"{model.name}: trace {1e3 * tracing:.0f} ms, {torch.get_num_threads()} threads")
    for layer in (0, last // 2, last):
        ours, plain = [], []
        for _ in range(repeats):
            seconds, found = _seconds(lambda at=layer: partial_pruning(model, traced, at, 0, -1))
            ours.append(seconds)
            seconds, expected = _seconds(lambda at=layer: full_passes(model, image, at, 0))
            plain.append(seconds)
            np.testing.assert_allclose(found.probability[1:], expected, atol=1e-5)
        what = f"seven modes, {model.name}, layer {layer}"
        note(what, [1e3 * one for one in ours], "ms")
        note(what, [1e3 * one for one in plain], "ms", "full passes")
        print(f"  layer {layer:2}: seven modes {1e3 * statistics.median(ours):5.0f} ms, "
              f"full passes {1e3 * statistics.median(plain):5.0f} ms")  # fmt: skip


def _seconds(act):
    start = time.perf_counter()
    result = act()
    return time.perf_counter() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", action="append",
        help="several are allowed; the demo model and ViT-B/16 unless told",
    )  # fmt: skip
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    for name in asked.model or [str(BUNDLED / "model"), "vit_base_patch16_224"]:
        measure(name, asked.repeats)


if __name__ == "__main__":
    main()
