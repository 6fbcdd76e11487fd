"""Interactions of all pairs of heads, against plain full passes with hooks.

    python benchmarks/analysis/pairs.py STORE [IMAGES] [PAIRS]
    python benchmarks/analysis/pairs.py NAME [IMAGES] [PAIRS] [--heads]

The full passes take a sample of the pairs, 8 at a time, and are scaled to all of them; both run in
one thread, a few images each in turn. Effects of heads alone are counted for both. A NAME of timm
is a model with random weights, on noise, of which whole layers are pruned, or all heads. Seconds
are of processor time; the machine may be busy.
"""

import argparse
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
    return stored.model, stored.inputs, head_pairs, heads_of(stored.model)


def of_name(name, of_heads):
    """The same of a model with random weights and noise; of whole layers unless ``of_heads``."""
    torch.manual_seed(0)
    model = wrap_model(timm.create_model(name), name=name, device="cpu")

    def load(_number):
        return torch.randn(1, *model.input_size)

    if of_heads:
        return model, load, head_pairs, heads_of(model)
    heads = model.geometry.num_heads
    units = [tuple(range(at, at + heads)) for at in range(0, len(model.sites) * heads, heads)]

    def measure(model, traced, classes):
        return group_pairs(model, traced, classes, units)

    return model, load, measure, units


def heads_of(model):
    """Every head alone."""
    return [(head,) for head in range(len(model.sites) * model.geometry.num_heads)]


def main() -> None:
    """Print a line an image, and the factor."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("place", metavar="STORE or NAME")
    parser.add_argument("images", type=int, nargs="?", default=4)
    parser.add_argument("pairs", type=int, nargs="?", default=400)
    parser.add_argument("--heads", action="store_true", help="of a NAME, prune heads, not layers")
    asked = parser.parse_args()
    is_store = Path(asked.place).is_dir()
    model, load, measure, units = (
        of_store(asked.place) if is_store else of_name(asked.place, asked.heads)
    )
    pairs = list(all_pairs(len(units)))
    taken = np.random.default_rng(0).permutation(len(pairs))[: asked.pairs]
    first, second = np.array(pairs)[taken].T
    sets = [units[a] + units[b] for a, b in zip(first, second, strict=True)]
    sums = np.zeros(2)
    for number in range(asked.images):
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
