"""Leave-one-out importance against plain full forward passes with a hook.

    python benchmarks/analysis/importance.py [--model NAME_OR_FOLDER] [--images N]

The baseline runs the whole model once a head, with a hook that zeroes the head before the output
projection; same batch, same threads. Both give P'[predicted class]; they must agree to 1e-5.
"""

import argparse
import statistics
import time

import numpy as np
import torch

from benchmarks.common import BUNDLED, note
from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.vision_model import VisionModel

DEMO = str(BUNDLED / "model")


@torch.inference_mode()
def full_passes(model: VisionModel, inputs: torch.Tensor) -> np.ndarray:
    """P[c] - P'[c] of the predicted class c, ``(B, L, H)``, by one full pass a head."""
    before = model.module(inputs).softmax(-1)
    chosen = before.argmax(-1, keepdim=True)
    shape = (len(inputs), model.geometry.num_layers, model.geometry.num_heads)
    lost = np.empty(shape, np.float32)
    for layer, site in enumerate(model.sites):
        width = site.attention.proj.in_features // model.geometry.num_heads
        for head in range(model.geometry.num_heads):

            def zero(_module, args, head=head, width=width):
                mixed = args[0].clone()
                mixed[..., head * width : (head + 1) * width] = 0
                return (mixed,)

            hook = site.attention.proj.register_forward_pre_hook(zero)
            after = model.module(inputs).softmax(-1)
            hook.remove()
            lost[:, layer, head] = (before - after).gather(1, chosen)[:, 0].numpy()
    return lost


def headbrush(model: VisionModel, inputs: torch.Tensor) -> np.ndarray:
    """All four metrics of every head; ``probability`` is returned."""
    return leave_one_out(model, trace(model, inputs), None)[0, 0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=DEMO)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    model = load_model(args.model, pretrained=False, device="cpu")
    torch.manual_seed(0)
    inputs = torch.randn(args.images, *model.input_size)
    times: dict[str, list[float]] = {"full passes": [], "headbrush": []}
    for _ in range(args.repeats):
        results = []
        for name, run in (("full passes", full_passes), ("headbrush", headbrush)):
            start = time.perf_counter()
            results.append(run(model, inputs))
            times[name].append(time.perf_counter() - start)
    np.testing.assert_allclose(*results, atol=1e-5)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, seconds in medians.items():
        note(f"an image, {model.name}", [one / args.images for one in times[name]], "s", name)
        print(f"{name:12} {seconds:7.2f} s, {seconds / args.images:6.3f} s an image")
    ratio = medians["full passes"] / medians["headbrush"]
    print(f"{model.name}: {ratio:.2f} times as fast, results equal to 1e-5 "
          f"({args.images} images, {torch.get_num_threads()} threads)")  # fmt: skip


if __name__ == "__main__":
    main()
