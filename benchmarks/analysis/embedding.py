"""A layout fitted on a sample and filled up, against one fitted on every pattern.

    python benchmarks/analysis/embedding.py [--patterns 144000 1000000] [--full-up-to 144000]

The patterns are the demo model's CLS patterns of the bundled images and of these images flipped and
shifted by a few pixels. Quality is neighbour preservation: the share of a pattern's 15 nearest
neighbours that are among its 15 nearest in the layout, on the same 2 000 patterns for both.
"""

import argparse
import itertools
import os
import time
from collections.abc import Iterator

import numpy as np
import torch
from sklearn.decomposition import PCA

from benchmarks.common import BUNDLED
from headbrush.analysis.images.decoding import load_image
from headbrush.analysis.images.labelling import find_images
from headbrush.analysis.images.labels.class_list import ClassList
from headbrush.analysis.measures.layouts.embedding import FIT_LIMIT, layout
from headbrush.analysis.measures.patterns import cls_pattern
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.model.tracing import trace

_BATCH = 50


def variants(pictures: torch.Tensor) -> Iterator[torch.Tensor]:
    """The pictures ``(m, C, H, W)``, then shifted and flipped ones, each time all of them."""
    shifts = sorted(itertools.product(range(-3, 4), repeat=2), key=lambda s: abs(s[0]) + abs(s[1]))
    for shift, flip in itertools.product(shifts, (False, True)):
        shifted = torch.roll(pictures, shift, (2, 3))
        yield shifted.flip(3) if flip else shifted


@torch.inference_mode()
def patterns(count: int) -> np.ndarray:
    """``(count, 50)`` float32: principal components of CLS patterns."""
    model = load_model(str(BUNDLED / "model"), device="cpu")
    images = find_images(BUNDLED / "images", ClassList())
    pictures = torch.stack([model.transform(load_image(images.folder / n)) for n in images.names])
    prefix = model.geometry.num_prefix_tokens
    reducer, rows, found = None, [], 0
    for batch in itertools.chain.from_iterable(v.split(_BATCH) for v in variants(pictures)):
        layers = [cls_pattern(record.attention(), prefix) for record in trace(model, batch).layers]
        # L of (B, H, 2P + 1) -> (B·L·H, 2P + 1)
        values = torch.stack(layers, 1).flatten(0, 2).numpy()
        reducer = reducer or PCA(50, random_state=0).fit(values)
        rows.append(reducer.transform(values).astype("f4"))
        found += len(values)
        if found >= count:
            break
    return np.concatenate(rows)[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patterns", type=int, nargs="+", default=[144_000, 1_000_000])
    parser.add_argument("--full-up-to", type=int, default=144_000)
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores; preservation of 15 neighbours", flush=True)
    every = patterns(max(args.patterns))
    for count in args.patterns:
        limits = {f"fit on {FIT_LIMIT:,}, rest placed": FIT_LIMIT}
        if count <= args.full_up_to:
            limits["fit on all"] = count
        # the variants of an image lie far apart in `every`; heads take turns
        rows, groups = every[:count], np.arange(count) % 72
        for name, limit in limits.items():
            start = time.perf_counter()
            found = layout(rows, seed=0, groups=groups, jobs=os.cpu_count() or 1,
                           fit_limit=limit)  # fmt: skip
            seconds = time.perf_counter() - start
            print(f"{count:>9,} patterns, {name:28} {seconds:7.0f} s, "
                  f"preservation {found.fidelity.kept:.3f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
