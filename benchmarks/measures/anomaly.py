"""Which finds changed images better: steady heads that look elsewhere, or a low probability?

    python benchmarks/measures/anomaly.py

The bundled model and images: 300 are the usual ones, 200 others are scored as they are, and 200
more after a change, or are handwritten digits. Printed is the area under the ROC curve, 0.5 for
chance, of the hint that a store keeps and of the largest probability.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from headbrush.analysis.measures.bits.parts import divide, entropy
from headbrush.analysis.measures.bits.surprise import standing_out, steady_heads, surprise
from headbrush.analysis.measures.offset_kernel import to_patches
from headbrush.analysis.measures.source_patches import source_patches
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.start.demo import bundled_folder

USUAL, SCORED, BATCH = 300, 200, 25


def digits(count: int) -> list[Image.Image]:
    """Handwritten digits, as large as the bundled images."""
    pixels = load_digits().images[:count] * 255 / 16
    small = (Image.fromarray(one.astype(np.uint8)) for one in pixels)
    return [one.resize((28, 28), Image.Resampling.BICUBIC) for one in small]


def changed(pictures: Sequence[Image.Image]) -> dict[str, list[Image.Image]]:
    """Images that are not as the model's images are."""
    grey = Image.new("L", (28, 28), 128)
    return {
        "rotated by 90°": [one.rotate(90) for one in pictures],
        "rotated by 30°": [one.rotate(30) for one in pictures],
        "upside down": [ImageOps.flip(one) for one in pictures],
        "mirrored": [ImageOps.mirror(one) for one in pictures],
        "half grey": [Image.blend(one, grey, 0.5) for one in pictures],
        "foreign (digits)": digits(len(pictures)),
    }


@torch.inference_mode()
def seen(model: VisionModel, pictures: Sequence[Image.Image]) -> tuple[np.ndarray, np.ndarray]:
    """Attention of the source patches ``(n, heads, S, P)``, and probabilities ``(n, classes)``."""
    geometry = model.geometry
    prefix, grid = geometry.num_prefix_tokens, (geometry.grid_height, geometry.grid_width)
    sources = torch.from_numpy(prefix + source_patches(grid))
    rows, probability = [], []
    for start in range(0, len(pictures), BATCH):
        batch = torch.stack([model.transform(one) for one in pictures[start : start + BATCH]])
        traced = trace(model, batch)
        layers = (one.attention(slice(None))[..., sources, :] for one in traced.layers)
        rows.append(torch.cat([to_patches(one, prefix) for one in layers], 1).numpy())
        probability.append(traced.probability.numpy())
    return np.concatenate(rows), np.concatenate(probability)


def area(usual: np.ndarray, strange: np.ndarray) -> float:
    """Area under the ROC curve of a score that should be larger for ``strange``."""
    truth = np.repeat([0, 1], [len(usual), len(strange)])
    return float(roc_auc_score(truth, np.concatenate([usual, strange])))


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    folder = bundled_folder()
    model = load_model(str(folder / "model"))
    files = sorted(Path(folder / "images").glob("*/*.png"))
    order = np.random.default_rng(0).permutation(len(files))
    pictures = [Image.open(files[place]).convert("L") for place in order]
    rows, _ = seen(model, pictures[:USUAL])
    total, spread = rows.sum(0), entropy(rows).mean(-1)
    usual, _ = surprise(rows, total, USUAL)
    division = divide(rows.shape[-1], usual, spread, np.full(rows.shape[1], np.nan))
    heads = steady_heads(division)

    def scores(some: Sequence[Image.Image]) -> tuple[np.ndarray, np.ndarray]:
        own, probability = seen(model, some)
        found, _ = surprise(own, total + own, USUAL + 1)  # compared with the usual ones alone
        return standing_out(found[:, heads], usual[:, heads]), -probability.max(1)

    hint, low = scores(pictures[USUAL : USUAL + SCORED])
    print(f"{len(heads)} of {rows.shape[1]} heads are the steadiest")
    for name, some in changed(pictures[USUAL + SCORED : USUAL + 2 * SCORED]).items():
        ours, theirs = scores(some)
        print(f"{name:17} stands out {area(hint, ours):.3f}, probability {area(low, theirs):.3f}")


if __name__ == "__main__":
    main()
