"""Two stores, head by head: false alarms, planted orders of heads, and time.

    python benchmarks/measures/two_stores.py STORE

Of the store's own values: one model on two random halves of its images (Welch's t), and twice on
the same images with noise that favours neither (Student's t of pairs), where nothing differs;
and the same heads in another order with noise, which matching by correlation has to find. Its time
is that of random values of given sizes.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks.common import note
from headbrush.analysis.store.store import Store
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.beside import BEYOND_CHANCE
from headbrush.server.stores.trends.matching import by_correlation, correlations
from headbrush.server.stores.trends.statistics.differences import (
    Differences,
    head_differences,
    paired_differences,
)

_ORDERS = 20
_NOISE = (0.1, 0.3, 1.0, 3.0)
"""Standard deviations of the logarithm of each value."""
SIZES = {"bundled": (300, 72), "ViT-B/16": (1000, 144), "many images": (50_000, 144)}


def any_reported(found: Differences) -> bool:
    """Whether some head is said to differ."""
    return bool((found.adjusted <= BEYOND_CHANCE).any())


def false_alarms(values: np.ndarray, times: int) -> None:
    """Print in how many of many comparisons of the same with the same some head is reported."""
    random, halves, twice = np.random.default_rng(0), 0, 0
    for _ in range(times):
        order = random.permutation(len(values))
        first, second = np.array_split(values[order], 2)
        halves += any_reported(head_differences(first, second))
        pair = (noisy(values, 0.3, random) for _side in range(2))
        twice += any_reported(paired_differences(*pair))
    print(
        f"any of {values.shape[1]} heads differs: two halves of the images {halves / times:.1%}, "
        f"the same images with noise {twice / times:.1%} of {times} comparisons",
        flush=True,
    )


def planted(values: np.ndarray) -> None:
    """Print how many heads are found again in another order."""
    random = np.random.default_rng(1)
    for noise in _NOISE:
        share = []
        for _ in range(_ORDERS):
            order = random.permutation(values.shape[1])
            match = by_correlation(correlations(values, noisy(values, noise, random)[:, order]))
            share.append(np.mean(order[match] == np.arange(len(order))))
        print(f"noise {noise:g}: {np.mean(share):.1%} of the heads found again", flush=True)


def noisy(values: np.ndarray, noise: float, random: np.random.Generator) -> np.ndarray:
    """Values times a random factor that has the mean 1."""
    return values * np.exp(random.normal(-(noise**2) / 2, noise, values.shape))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--times", type=int, default=1000, help="comparisons for false alarms")
    asked = parser.parse_args()
    data = StoreData(Store(asked.store))
    values = data.importance(data.first.metric).astype(float)
    false_alarms(values, asked.times)
    planted(values)
    random = np.random.default_rng(0)
    for name, (images, heads) in SIZES.items():
        both = [random.gamma(1.0, size=(images, heads)).astype(np.float32) for _ in range(2)]
        begun = time.perf_counter()
        by_correlation(correlations(*both))
        matched = time.perf_counter()
        paired_differences(*both)
        took = matched - begun, time.perf_counter() - matched
        note(f"matching heads, {name}", took[0], "s")
        note(f"comparing heads, {name}", took[1], "s")
        print(f"{name}, {images} images × {heads} heads: matched in {took[0]:.2g} s, compared in "
              f"{took[1]:.2g} s", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
