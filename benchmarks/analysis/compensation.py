"""Taking the effects of pruned heads apart, against the leave-one-out runs alone.

    python benchmarks/analysis/compensation.py STORE [IMAGES] [ROUNDS]

Both prune every head of the same traced images, one after the other in turn, in one thread; the
factor is that of the sums. Seconds are of processor time; the machine may be busy.
"""

import sys

import torch

from benchmarks.analysis.what_if import timed
from benchmarks.common import note
from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.prune.interactions.compensation import compensation
from headbrush.analysis.prune.stored_model import demand_source, load_stored, stored_source
from headbrush.analysis.store.store import Store


def main() -> None:
    """Print a line a round, and the factor."""
    torch.set_num_threads(1)
    store = Store(sys.argv[1])
    demand_source(stored_source(store))
    stored = load_stored(store)
    images = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    traced = trace(stored.model, stored.batch(range(images)))
    labels = torch.tensor(stored.labels[:images].tolist())
    sums = [0.0, 0.0]
    for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 3):
        _, _, alone = timed(lambda: leave_one_out(stored.model, traced, labels))
        found, _, apart = timed(lambda: compensation(stored.model, traced, labels))
        note("effects taken apart, an image", apart / images, "s")
        note("effects taken apart, an image", alone / images, "s", "leaving one out alone")
        sums = [sums[0] + alone, sums[1] + apart]
        print(
            f"leave one out {alone / images:6.3f} s an image   taken apart {apart / images:6.3f} s "
            f"  x{apart / alone:4.2f}   off by {found.error.max():.1e} of the logits' range",
            flush=True,
        )
    print(f"together x{sums[1] / sums[0]:4.2f}")


if __name__ == "__main__":
    main()
