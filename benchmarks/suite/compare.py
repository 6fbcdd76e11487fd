"""Compare two files of figures; exit status 1 if something became worse beyond the noise.

    python benchmarks/suite/compare.py BEFORE AFTER

By how much peers changed, which are the same programs in both files, tells how much faster or
slower the machine was; a figure is compared after taking that away. Noise is a tenth, and what the
repetitions of both runs spread.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.suite.figures import OURS, by_name, read_figures
from benchmarks.suite.table import amount
from headbrush.analysis.store.errors import InputError

_LEAST = 0.1
"""Noise of two runs whose repetitions do not spread at all."""


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Lines on what became worse, is missing or became better, and whether anything is worse."""
    old, new = by_name(before["figures"]), by_name(after["figures"])
    both = [name for name in old if name in new and old[name]["unit"] == new[name]["unit"]]
    machine = machine_change(old, new)
    lines = [f"peers took {machine:.2f} times as long as before"] if machine != 1 else []
    worse, better = [], []
    for name in both:
        if name[2] == OURS:
            change = worsening(old[name], new[name]) / _share_of(machine, old[name])
            noise = noise_of(old[name], new[name])
            if change > 1 + noise:
                worse.append(_told("worse", name, old[name], new[name], change, noise))
            elif change < 1 / (1 + noise):
                better.append(_told("better", name, old[name], new[name], change, noise))
    missing = [f"missing: {', '.join(name)}" for name in _missing(old, new, after)]
    ours = sum(name[2] == OURS for name in both)
    lines += [*worse, *missing, *better]
    lines.append(f"{ours} figures: {len(worse)} worse, {len(better)} better, "
                 f"{ours - len(worse) - len(better)} alike; {len(missing)} missing")  # fmt: skip
    return lines, bool(worse or missing or not ours)


def worsening(old: Mapping[str, Any], new: Mapping[str, Any]) -> float:
    """How many times worse the median is; below 1 if it is better."""
    first, second = old["median"], new["median"]
    if old["is_more_better"]:
        first, second = second, first
    if first == second:
        return 1.0
    return second / first if first > 0 else float("inf")


def machine_change(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> float:
    """By what factor the times of peers changed: their median; 1 if no peer is in both."""
    changes = [
        worsening(one, new[name])
        for name, one in old.items()
        if name[2] != OURS and name in new and _is_time(one)
    ]
    return float(np.median(changes)) if changes else 1.0


def noise_of(old: Mapping[str, Any], new: Mapping[str, Any]) -> float:
    """The change that chance alone makes, as a share."""
    return _LEAST + float(np.hypot(old["spread"], new["spread"]))


def _share_of(machine: float, figure: Mapping[str, Any]) -> float:
    """What the machine's speed does to a figure: nothing to bytes."""
    return machine if _is_time(figure) else 1.0


def _is_time(figure: Mapping[str, Any]) -> bool:
    return figure["unit"] in ("ms", "s") or figure["unit"].endswith("/s")


def _missing(
    old: Mapping[Any, Any], new: Mapping[Any, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, ...]]:
    """Figures of benchmarks that ran again and did not give them."""
    for name in old:
        if name[2] == OURS and name[0] in after["benchmarks"] and name not in new:
            yield name[:2]


def _told(
    how: str, name: tuple[str, str, str], old: Mapping[str, Any], new: Mapping[str, Any],
    change: float, noise: float,
) -> str:  # fmt: skip
    factor = change if how == "worse" else 1 / change
    return (
        f"{how}: {name[0]}, {name[1]}: {amount(old)} before, {amount(new)} now, "
        f"{factor:.2f} times {'worse' if how == 'worse' else 'better'}; noise {noise:.0%}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    asked = parser.parse_args()
    try:
        lines, is_worse = compared(read_figures(asked.before), read_figures(asked.after))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return int(is_worse)


if __name__ == "__main__":
    sys.exit(main())
