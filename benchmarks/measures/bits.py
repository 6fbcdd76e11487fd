"""How near the bits of 16 source patches are to those of all, and what they cost.

    python benchmarks/measures/bits.py STORE

Of the stored attention of a store: the division with the 16 source patches that an analysis keeps,
with other numbers of them, and with all. Then with shuffled labels, where classes decide nothing.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from headbrush.analysis.measures.bits.measured import measure_bits
from headbrush.analysis.measures.source_patches import source_patches
from headbrush.analysis.store.schema import PARTS
from headbrush.analysis.store.store import Store


def stored(store: Store) -> np.ndarray:
    """Attention between patches of all stored images ``(n, L, H, P, P)``; rows sum to 1."""
    prefix, sizes = store.num_prefix_tokens, store.sizes
    patches = np.array(
        [
            [
                [store.attention(image, layer, head) for head in range(sizes["head"])]
                for layer in range(sizes["layer"])
            ]
            for image in store.kept_images.tolist()
        ]
    )[..., prefix:, prefix:]
    return patches / patches.sum(-1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("store", type=Path)
    store = Store(parser.parse_args().store)
    attention, labels = stored(store), store.read("label")[store.kept_images]

    def found(sources: np.ndarray, classes: np.ndarray) -> tuple[dict[str, np.ndarray], float]:
        kept = attention[..., sources, :].astype(np.float16)
        begun = time.process_time()
        bits = measure_bits(lambda layer: iter([kept[:, layer]]), kept.shape[1], classes, 0)
        return bits, time.process_time() - begun

    whole, seconds = found(np.arange(attention.shape[-1]), labels)
    print(f"{len(labels)} images, all {attention.shape[-1]} source patches: {seconds:.2f} s of CPU")
    for number in (8, 16, 32):
        some, seconds = found(source_patches(store.grid, number), labels)
        error = np.sqrt(np.square(some["bits"] - whole["bits"]).mean((1, 2)))
        parts = ", ".join(f"{name} {one:.3f}" for name, one in zip(PARTS, error, strict=True))
        moved = np.abs(some["moved"] - whole["moved"]).mean()
        print(
            f"{number}: {seconds:.2f} s; root mean square error in bits: {parts}; moved {moved:.4f}"
        )
    shuffled = np.random.default_rng(1).permutation(labels)
    sources = source_patches(store.grid)
    for name, classes in (("true", labels), ("shuffled", shuffled)):
        of_class = found(sources, classes)[0]["bits"][1]
        print(f"class bits with {name} labels: mean {of_class.mean():.3f}, "
              f"from {of_class.min():.3f} to {of_class.max():.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
