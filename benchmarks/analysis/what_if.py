"""Predictions of a store's images under prune sets, against plain full passes with hooks.

    python benchmarks/analysis/what_if.py STORE

Both predict the same images one set after the other, interleaved; headbrush with a copy of the
model on each core, full passes in one thread, so processor time is what compares them. The first
number is the time to the first batch, when images and model have been read.
"""

import sys
import time

import numpy as np
import torch

from benchmarks.common import note
from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.prune.side_by_side import SideBySide
from headbrush.analysis.prune.stored_model import demand_source, load_stored, stored_source
from headbrush.analysis.store.store import Store

SETS = ("0.0,5.1", "3.2,7.4", "6.0,6.1,9.3", "11.2")


def hooked(model, inputs, pruned):
    """Full passes in batches of 16 with a hook on each projection's input that zeroes heads."""
    hooks = []
    for layer in pruned.layers:
        projection = model.sites[layer].attention.proj
        width = projection.in_features // model.geometry.num_heads
        gone = tuple(pruned.of_layer(layer))

        def zero(_module, given, heads=gone, width=width):
            mixed = given[0].clone()
            for head in heads:
                mixed[..., head * width : (head + 1) * width] = 0
            return (mixed,)

        hooks.append(projection.register_forward_pre_hook(zero))
    with torch.inference_mode():
        found = torch.cat([model.outputs(part) for part in inputs.split(16)])
    for hook in hooks:
        hook.remove()
    return found.numpy()


def timed(work):
    """Result, seconds, and seconds of processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Print a table."""
    torch.set_num_threads(1)
    store = Store(sys.argv[1])
    demand_source(stored_source(store))
    stored = load_stored(store)
    images = range(store.sizes["image"])
    inputs = stored.batch(images)
    predictor = SideBySide(stored.model, lambda places: inputs[list(places)])
    for text in ("0.0", *SETS, *SETS):
        pruned, first = PruneSet.parse(text), []

        def stream(pruned=pruned, first=first):
            begin, found = time.perf_counter(), []
            for batch in predictor.stream(images, pruned):
                first.append(time.perf_counter() - begin)
                found.append(batch.output)
            return np.concatenate(found)

        ours, wall, cpu = timed(stream)
        plain, plain_wall, plain_cpu = timed(lambda p=pruned: hooked(stored.model, inputs, p))
        note("predictions under prune sets, processor time", cpu, "s")
        note("predictions under prune sets, processor time", plain_cpu, "s", "hooked full passes")
        note("first number of a prune set", 1000 * first[0], "ms")
        print(
            f"{text:<14} first {first[0] * 1000:5.0f} ms  all {wall:5.2f} s (cpu {cpu:5.2f} s)   "
            f"hooked {plain_wall:5.2f} s (cpu {plain_cpu:5.2f} s)   x{plain_cpu / cpu:4.2f}   "
            f"differ {np.abs(ours - plain).max():.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
