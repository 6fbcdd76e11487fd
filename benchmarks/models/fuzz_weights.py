"""Damaged files of weights and configurations: each ends in a model or in one line.

    python benchmarks/models/fuzz_weights.py [--count N] [--seed N]

For each format: how many loaded with the same weights, loaded with other weights, ended in one
line, and in anything else, which is a fault and is printed. Time and memory are the largest of one
file. The formats without checksums (.safetensors, the .pth files before PyTorch 1.6) cannot tell a
flipped bit in the values from another value.
"""

import argparse
import collections
import resource
import tempfile
import time
from pathlib import Path

from headbrush.analysis.model.loading import load_model
from tests.analysis.damaged_weights import (
    FORMATS,
    NAME,
    SIZES,
    damaged_copies,
    outcome,
    save_sound,
)

_EXPECTED = ("same", "different", "one line")


def measure(kind: str, count: int, seed: int) -> None:
    """Print the counts of one format."""
    with tempfile.TemporaryDirectory() as folder:
        path = save_sound(Path(folder) / "sound", kind)
        if kind == "config":
            sound = load_model(str(path.parent), device="cpu").module.state_dict()
        else:
            model = load_model(NAME, checkpoint=path, device="cpu", **SIZES)
            sound = model.module.state_dict()
        counts: collections.Counter[str] = collections.Counter()
        slowest, before = 0.0, _peak()
        for damaged in damaged_copies(path, kind, count, seed):
            start = time.perf_counter()
            found = outcome(damaged, kind, sound)
            slowest = max(slowest, time.perf_counter() - start)
            counts[found if found in _EXPECTED else "anything else"] += 1
            if found not in _EXPECTED:
                print(f"  {found}", flush=True)
    shown = ", ".join(f"{counts[name]} {name}" for name in (*_EXPECTED, "anything else"))
    print(f"{kind}: {shown}; slowest {slowest:.2f} s, peak +{_peak() - before:.0f} MB", flush=True)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", choices=FORMATS, action="append")
    args = parser.parse_args()
    for kind in args.format or FORMATS:
        measure(kind, args.count, args.seed)


if __name__ == "__main__":
    main()
