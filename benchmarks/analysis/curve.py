"""Points of a curve over pruned heads, against plain full passes with hooks.

    python benchmarks/analysis/curve.py STORE [IMAGES]

Both predict the same images at some points of one random order, interleaved, in one thread. Then
two rounds of the greedy order: the divergence that each head causes which is still there, against
one full pass a head. Seconds are of processor time; the machine may be busy.
"""

import sys

import numpy as np
import torch

from benchmarks.analysis.what_if import hooked, timed
from benchmarks.common import note
from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.prune.curve.lines import Predictions, set_of
from headbrush.analysis.prune.orders import random_order
from headbrush.analysis.prune.stored_model import demand_source, load_stored, stored_source
from headbrush.analysis.prune.summary import divergence
from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.analysis.store.store import Store

POINTS = 6
_DIVERGENCE = PRUNING_METRICS.index("jsd")


def probabilities(stored, inputs, pruned):
    """Of full passes."""
    output = torch.from_numpy(hooked(stored.model, inputs, pruned))
    return stored.model.kind.probability(output).numpy()


def greedy_round(stored, inputs, gone, per_layer):
    """Mean divergence of each head given those that are gone, and the same by full passes."""

    def ours():
        found = 0.0
        for part in inputs.split(16):
            with torch.inference_mode():
                traced = trace(stored.model, part, set_of(gone, per_layer))
            found = found + leave_one_out(stored.model, traced, None)[_DIVERGENCE, 0].sum(0).ravel()
        return found / len(inputs)

    def plain():
        before = probabilities(stored, inputs, set_of(gone, per_layer))
        found = np.zeros(per_layer * len(stored.model.sites))
        for head in set(range(len(found))) - set(gone):
            after = probabilities(stored, inputs, set_of([*gone, head], per_layer))
            found[head] = divergence(before, after).mean()
        return found

    return timed(ours), timed(plain)


def main() -> None:
    """Print a table."""
    torch.set_num_threads(1)
    store = Store(sys.argv[1])
    demand_source(stored_source(store))
    stored = load_stored(store)
    images = range(int(sys.argv[2]) if len(sys.argv) > 2 else 50)
    inputs = stored.batch(images)
    per_layer = stored.model.geometry.num_heads
    heads = random_order(per_layer * len(stored.model.sites), 0, 0)
    predictions = Predictions(stored, images)
    before = probabilities(stored, inputs, set_of([], per_layer))
    sums = np.zeros(2)
    for count in np.linspace(0, len(heads), POINTS + 1)[1:].round().astype(int):
        pruned = set_of(heads[:count], per_layer)
        effect, _, cpu = timed(lambda p=pruned: predictions.effect(p))
        after, _, plain = timed(lambda p=pruned: probabilities(stored, inputs, p))
        apart = abs(divergence(before, after).mean() - effect.jsd)
        sums += cpu, plain
        note("a point of a curve, processor time", cpu, "s")
        note("a point of a curve, processor time", plain, "s", "hooked full passes")
        print(
            f"{count:>3} heads pruned   {cpu:5.2f} s   hooked {plain:5.2f} s   "
            f"x{plain / cpu:4.2f}   divergence differs {apart:.1e}",
            flush=True,
        )
    print(
        f"together           {sums[0]:5.2f} s   hooked {sums[1]:5.2f} s   x{sums[1] / sums[0]:4.2f}"
    )
    for count in (0, len(heads) // 2):
        (ours, _, cpu), (theirs, _, plain) = greedy_round(stored, inputs, heads[:count], per_layer)
        note("a greedy round, processor time", cpu, "s")
        note("a greedy round, processor time", plain, "s", "full passes")
        print(
            f"greedy round, {count:>2} gone   {cpu:6.2f} s   full passes {plain:6.2f} s   "
            f"x{plain / cpu:4.2f}   differ {np.abs(ours - theirs).max():.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
