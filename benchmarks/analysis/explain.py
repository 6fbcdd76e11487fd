"""How faithful the maps are over many images, and how long each step of an explanation takes.

    python benchmarks/analysis/explain.py STORE [IMAGES]

Images are drawn at random, each explained for its predicted class; a map is compared with the mean
of five random orders of the same image. Intervals are bootstrap intervals over images, 95 %.
"""

import sys
import time
from collections import defaultdict

import numpy as np
import torch

from benchmarks.common import note
from headbrush.analysis.explain.ablation import patch_ablation
from headbrush.analysis.explain.explaining import map_of_model, sources_of_heads, total_effects
from headbrush.analysis.explain.faithfulness import faithfulness
from headbrush.analysis.explain.words import MAPS, OF_HEADS
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.prune.stored_model import demand_source, load_stored, stored_source
from headbrush.analysis.store.store import Store

DRAWS = 10_000


class Times(defaultdict[str, list[float]]):
    """Milliseconds of processor time of each step."""

    def of(self, step, work):
        """What ``work()`` returns; its time is noted."""
        begin = time.process_time()
        result = work()
        self[step].append(1000 * (time.process_time() - begin))
        return result


def explained(stored, image, times):
    """Deletion and insertion of all maps, ``(2, maps)``, and of random orders ``(2, orders)``."""
    model = stored.model
    traced = times.of("trace", lambda: trace(model, stored.inputs(image)))
    which = int(traced.probability[0].argmax())
    sources = times.of("heads and sinks", lambda: sources_of_heads(model, traced, which))
    maps = {kind: sources.of(kind) for kind in OF_HEADS}
    for kind in ("rollout", "generic", "lens"):
        maps[kind] = times.of(kind, lambda kind=kind: map_of_model(model, traced, which, kind))
    finer = patch_ablation(model, traced.images, which)
    first = times.of("ablation, first map", lambda: next(finer))
    *_, last = [first, *times.of("ablation, further maps", lambda: list(finer))]
    maps["ablation"] = last.effect.ravel()
    times.of("total effects of all heads", lambda: total_effects(model, traced, which))
    found = times.of(
        "figures of all maps and of random orders",
        lambda: faithfulness(model, traced.images, which, [maps[kind] for kind in MAPS]),
    )
    times.of(
        "figures of one map beside random orders",
        lambda: faithfulness(model, traced.images, which, [maps["speaks"]]),
    )
    of_maps = np.array([found.deletion, found.insertion])
    return of_maps, np.array([found.random_deletion, found.random_insertion])


def interval(values, draw):
    """Mean and bootstrap interval."""
    means = values[draw.integers(0, len(values), (DRAWS, len(values)))].mean(1)
    return values.mean(), *np.quantile(means, [0.025, 0.975])


def main() -> None:
    """Print two tables."""
    torch.set_num_threads(1)
    store, count = Store(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 50
    demand_source(stored_source(store))
    stored, draw, times = load_stored(store), np.random.default_rng(0), Times(list)
    images = draw.permutation(store.sizes["image"])[:count].tolist()
    results = [explained(stored, image, times) for image in images]
    of_maps = np.array([maps for maps, _ in results])  # (images, 2, maps)
    random = np.array([orders for _, orders in results])  # (images, 2, orders)
    print(f"{count} images; random orders: deletion {random[:, 0].mean():.3f}, "
          f"insertion {random[:, 1].mean():.3f}")  # fmt: skip
    print(f"{'map':<10} {'deletion − random':<28} {'insertion − random':<28} both ways, images")
    for place, kind in enumerate(MAPS):
        told = []
        for way in (0, 1):
            mean, low, high = interval(of_maps[:, way, place] - random[:, way].mean(-1), draw)
            told.append(f"{mean:+.3f} ({low:+.3f} to {high:+.3f})")
        better = (of_maps[:, 0, place] < random[:, 0].min(-1)) & (
            of_maps[:, 1, place] > random[:, 1].max(-1)
        )
        print(f"{kind:<10} {told[0]:<28} {told[1]:<28} {int(better.sum())} of {count}")
    print("\nstep, median ms of processor time, one thread")
    for step, taken in times.items():
        note(f"{step}, processor time", taken, "ms")
        print(f"{step:<42} {np.median(taken):8.1f}")


if __name__ == "__main__":
    main()
