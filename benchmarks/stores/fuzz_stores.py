"""Damaged stores: each reads as the same values or ends in one line.

    python benchmarks/stores/fuzz_stores.py [--count N] [--seed N]

Bytes are flipped, cut, inserted and zeroed, files come from another store. Prints how many read the
same, ended in one line, and anything else, which is a fault.
"""

import argparse
import collections
import tempfile
import time
from pathlib import Path

from tests.analysis.damaged_stores import content_of, damaged_copies, outcome
from tests.stores import make_store

KEPT = (0, 4, 8, 12, 16, 20)


def main() -> None:
    parser = argparse.ArgumentParser(description="Read damaged stores.")
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    counts: collections.Counter[str] = collections.Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        sound = make_store(Path(folder) / "sound.headbrush")
        other = make_store(Path(folder) / "other.headbrush", seed=2)
        work = Path(folder) / "work.headbrush"
        content = content_of(sound, KEPT)
        for done in damaged_copies(sound, other, work, args.count, args.seed):
            start = time.perf_counter()
            found = outcome(work, content, KEPT)
            slowest = max(slowest, time.perf_counter() - start)
            counts[found if found in ("same", "one line") else "anything else"] += 1
            if found not in ("same", "one line"):
                print(f"  {done}: {found}", flush=True)
    print(dict(counts), f"slowest {slowest:.2f} s")


if __name__ == "__main__":
    main()
