"""Attention on disk: bytes a value and time to read a head, against raw float32.

    python benchmarks/stores/store.py [--model NAME_OR_FOLDER]... [--images N]

The attention is that of the models on bundled images (a model that timm only names gets random
weights). Raw is one memory-mapped ``.npy`` a run, which has no compression to undo. Every file was
just written, so both are read from the operating system's cache.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.common import BUNDLED, note
from headbrush.analysis.images.labelling import find_images
from headbrush.analysis.images.labels.class_list import ClassList
from headbrush.analysis.model.batches import load_batch
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.store.attention_file import (
    MAX_RELATIVE_ERROR,
    AttentionWriter,
    read_attention,
)

_READS = 400


@torch.inference_mode()
def attention_of(name: str, count: int) -> np.ndarray:
    """``(images, L, H, T, T)`` float32."""
    torch.manual_seed(0)
    model = load_model(name, pretrained=False, device="cpu")
    images = find_images(BUNDLED / "images", ClassList())
    batch = load_batch(model, images, np.linspace(0, len(images) - 1, count).astype(int))
    return torch.stack([record.attention() for record in trace(model, batch).layers], 1).numpy()


def percentiles(
    read: Callable[[int, int, int], np.ndarray], shape: tuple[int, ...], model: str, who: str
) -> str:
    """Median and 95th percentile of reading one head, in ms."""
    rng = np.random.default_rng(0)
    taken = []
    for _ in range(_READS):
        image, layer, head = (int(rng.integers(size)) for size in shape[:3])
        start = time.perf_counter()
        read(image, layer, head)
        taken.append(1e3 * (time.perf_counter() - start))
    note(f"reading a head, {model}", taken, "ms", who)
    return "p50 {:.2f} ms, p95 {:.2f} ms".format(*np.percentile(taken, (50, 95)))


def measure(name: str, attention: np.ndarray, folder: Path) -> None:
    """Write and read both ways, and print a line for each."""
    images, layers, heads, tokens, _ = attention.shape
    for codec in ("zlib", "blosc_zstd"):
        path = folder / f"{codec}.nc"
        start = time.perf_counter()
        with AttentionWriter(path, list(range(images)), (layers, heads, tokens), codec) as writer:
            for image in range(images):
                for layer in range(layers):
                    writer.write(image, layer, attention[image, layer])
        speed = attention.nbytes / 1e6 / (time.perf_counter() - start)
        stored = read_attention(path, lambda file: file["attention"][:])
        error = np.max(np.abs(stored - attention) / np.maximum(attention, 1e-30))
        assert error <= MAX_RELATIVE_ERROR
        size = path.stat().st_size / attention.size
        times = percentiles(
            lambda i, j, k, path=path: read_attention(path, lambda f: f["attention"][i, j, k]),
            attention.shape, name, "headbrush" if codec == "zlib" else codec,
        )  # fmt: skip
        print(f"{name:24} {codec:10} {size:.2f} bytes a value, {times}, written {speed:.0f} MB/s, "
              f"relative error {error:.1e}")  # fmt: skip
    raw = folder / "raw.npy"
    np.save(raw, attention)
    times = percentiles(lambda i, j, k: np.array(np.load(raw, mmap_mode="r")[i, j, k]),
                        attention.shape, name, "raw float32")  # fmt: skip
    print(f"{name:24} raw float32 {raw.stat().st_size / attention.size:.2f} bytes a value, {times}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", nargs="+",
                        default=[str(BUNDLED / "model"), "vit_base_patch16_224"])  # fmt: skip
    parser.add_argument("--images", type=int, default=8)
    args = parser.parse_args()
    for name in args.model:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(name).name, attention_of(name, args.images), Path(folder))


if __name__ == "__main__":
    main()
