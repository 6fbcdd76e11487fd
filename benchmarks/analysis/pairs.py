"""Interactions of all pairs of heads, against plain full passes with hooks.

    python benchmarks/analysis/pairs.py STORE [IMAGES] [PAIRS]
    python benchmarks/analysis/pairs.py NAME [IMAGES] [PAIRS]

The full passes take a sample of the pairs, 8 at a time, and are scaled to all of them; both run in
one thread, a few images each in turn. Effects of heads alone are counted for both. A NAME of timm
is a model with random weights, on noise, of which whole layers are pruned. Seconds are of processor
time; the machine may be busy.
"""

import sys
from pathlib import Path

import numpy as np
import timm
import torch

from benchmarks.analysis.what_if import timed
from benchmarks.common import note
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import wrap_model
from headbrush.analysis.prune.interactions.groups import group_pairs
from headbrush.analysis.prune.interactions.pairs import all_pairs, centred, head_pairs
from headbrush.analysis.prune.stored_model import demand_source, load_stored, stored_source
from headbrush.analysis.store.store import Store

AT_ONCE = 8
"""Variants of an image in one full pass, which then is as fast as it gets here."""


def full_passes(model, image, sets):
    """Centred logits ``(N, classes)`` of one image without each set of heads."""
    found = []
    for start in range(0, len(sets), AT_ONCE):
        some = sets[start : start + AT_ONCE]
        hooks = [
            site.attention.proj.register_forward_pre_hook(zeroing(model, layer, some))
            for layer, site in enumerate(model.sites)
        ]
        with torch.inference_mode():
            output = model.outputs(image.expand(len(some), -1, -1, -1))
        found.append(centred(model.kind, output))
        for hook in hooks:
            hook.remove()
    return torch.cat(found)


def zeroing(model, layer, sets):
    """A hook that takes heads of a layer away, others for each row."""
    heads = model.geometry.num_heads
    gone = [(row, h % heads) for row, one in enumerate(sets) for h in one if h // heads == layer]

    def zero(_module, given):
        if not gone:
            return given
        mixed = given[0].unflatten(-1, (heads, -1)).clone()
        rows, places = zip(*gone, strict=True)
        mixed[list(rows), :, list(places)] = 0
        return (mixed.flatten(-2),)

    return zero


def of_store(place):
    """Model, images one by one, and what measures all pairs of heads, which are the units."""
    store = Store(place)
    demand_source(stored_source(store))
    stored = load_stored(store)
    heads = len(stored.model.sites) * stored.model.geometry.num_heads
    return stored.model, stored.inputs, head_pairs, [(head,) for head in range(heads)]


def of_layers(name):
    """The same of a model with random weights, noise, and whole layers."""
    torch.manual_seed(0)
    model = wrap_model(timm.create_model(name), name=name, device="cpu")
    heads = model.geometry.num_heads
    units = [tuple(range(at, at + heads)) for at in range(0, len(model.sites) * heads, heads)]

    def measure(model, traced, classes):
        return group_pairs(model, traced, classes, units)

    return model, lambda _number: torch.randn(1, *model.input_size), measure, units


def main() -> None:
    """Print a line an image, and the factor."""
    torch.set_num_threads(1)
    place, images, wanted = (*sys.argv[1:], *("4", "400")[len(sys.argv) - 2 :])
    case = of_store if Path(place).is_dir() else of_layers
    model, load, measure, units = case(place)
    pairs = list(all_pairs(len(units)))
    taken = np.random.default_rng(0).permutation(len(pairs))[: int(wanted)]
    first, second = np.array(pairs)[taken].T
    sets = [units[a] + units[b] for a, b in zip(first, second, strict=True)]
    sums = np.zeros(2)
    for number in range(int(images)):
        image = load(number)

        def ours(image=image):
            with torch.inference_mode():
                traced = trace(model, image)
            return measure(model, traced, traced.output.argmax(-1))

        found, wall, cpu = timed(ours)
        both, _, part = timed(lambda image=image: full_passes(model, image, sets))
        plain = part * (len(pairs) + len(units)) / len(sets)
        sums += cpu, plain
        note(f"all {len(pairs)} pairs, an image, processor time", cpu, "s")
        note(f"all {len(pairs)} pairs, an image, processor time", plain, "s", "full passes")
        alone = full_passes(model, image, [(), *units])
        cut = alone[0] - alone[1:]
        iota = alone[0] - both - cut[first] - cut[second]
        apart = (iota[:, int(alone[0].argmax())] - found.iota[0, first, second]).abs().max()
        print(
            f"all {len(pairs)} pairs {cpu:6.2f} s (wall {wall:6.2f} s)   full passes "
            f"{plain:6.2f} s   x{plain / cpu:4.2f}   differ {apart:.1e}",
            flush=True,
        )
    print(f"together x{sums[1] / sums[0]:4.2f}")


if __name__ == "__main__":
    main()
