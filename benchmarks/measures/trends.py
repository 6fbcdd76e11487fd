"""Time and memory of trends over classes, beside scipy's permutation test of the same cells.

    python benchmarks/measures/trends.py [--permutations N]
    python benchmarks/measures/trends.py --power
    python benchmarks/measures/trends.py --alarms

Random values of given sizes: the bundled store, a thousand images of ViT-B/16, and ImageNet's
validation set through ViT-L. scipy compares one class with the rest in all heads at once, for a
tenth of the permutations; its time is that of all classes and permutations.

With ``--power``: how often effects of known size are found, and how often any is found where there
is none, in stores of the bundled one's size, of normal and of skewed values. With ``--alarms``: in
how many of 1 000 stores of shuffled labels anything is reported.
"""

import argparse
import resource
import time
from collections import Counter

import numpy as np
from scipy import stats

from benchmarks.common import note
from headbrush.server.stores.trends.classes import LEVEL, class_trends
from headbrush.server.stores.trends.consistency import class_consistency
from headbrush.server.stores.trends.questions import MOST_SIMILAR, PERMUTATIONS
from headbrush.server.stores.trends.statistics.normal_scores import normal_scores
from headbrush.server.stores.trends.unlike import nearest, unlike_their_class
from headbrush.server.stores.trends.within_class import within_class_trends

SIZES = {"bundled": (300, 72, 10), "ViT-B/16": (1000, 144, 10), "ViT-L/16": (50_000, 384, 1000)}
_MOST_FOR_SCIPY = 1000
_STORES = 200
_SHUFFLED, _IMAGES, _CLASSES, _HEADS = 1000, 60, 6, 24


def seconds(act, *given) -> float:
    """How long it takes."""
    begun = time.perf_counter()
    act(*given)
    return time.perf_counter() - begun


def with_scipy(values: np.ndarray, label: np.ndarray, classes: int, permutations: int) -> float:
    """Seconds that scipy's permutation test would take for all classes."""
    few = max(1, permutations // 10)
    inside, outside = values[label == 0], values[label != 0]

    def difference(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
        return np.abs(a.mean(axis) - b.mean(axis))

    def run() -> None:
        stats.permutation_test(
            (inside, outside), difference, n_resamples=few, batch=10, alternative="greater"
        )

    return seconds(run) * classes * permutations / few


def power() -> None:
    """Print false alarms, and found effects by their size."""
    images, heads, classes = SIZES["bundled"]
    label = np.repeat(np.arange(classes), images // classes)
    for skew, draw in (("normal", np.random.Generator.normal), ("skewed", _skewed)):
        for size in (0.0, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0):
            random, found, others = np.random.default_rng(1), 0, 0
            for seed in range(_STORES):
                values = draw(random, size=(images, heads))
                values[label == 0, 0] += size * values[:, 0].std()
                is_found = class_trends(values, label, classes, 199, seed).family_p <= LEVEL
                found += bool(is_found[0, 0])
                others += bool(is_found[1:, 1:].any())
            print(
                f"{skew}, shift of {size:.2f} standard deviations in {images // classes} of "
                f"{images} images, {heads} heads: found in {found} of {_STORES} stores; any "
                f"other pair, without an effect, in {others}",
                flush=True,
            )


def alarms() -> None:
    """Print in how many stores without a trend any class or pair of class and head stands out."""
    random = np.random.default_rng(2)
    label, found = np.repeat(np.arange(_CLASSES), _IMAGES // _CLASSES), Counter()
    for seed in range(_SHUFFLED):
        values = _skewed(random, (_IMAGES, _HEADS))
        is_wrong = random.random(_IMAGES) < 0.4
        between = class_trends(values, label, _CLASSES, 199, seed)
        found["class"] += bool((between.family_p <= LEVEL).any())
        within = within_class_trends(values, label, is_wrong, _CLASSES, 199, seed)
        found["wrong"] += bool((within.family_p <= LEVEL).any())
        alike = class_consistency(values, label, _CLASSES, PERMUTATIONS, seed)
        found["consistency"] += bool(alike.differs.any())
    print(
        f"{_SHUFFLED} stores without a trend, {_IMAGES} images in {_CLASSES} classes, {_HEADS} "
        f"heads: a class with the rest in {found['class']}, wrong with right in {found['wrong']}, "
        f"a class by its distances in {found['consistency']}"
    )


def _skewed(random: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    return random.gamma(0.5, size=size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--permutations", type=int, default=1000)
    parser.add_argument("--power", action="store_true")
    parser.add_argument("--alarms", action="store_true")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    args = parser.parse_args()
    if args.power:
        power()
        return
    if args.alarms:
        alarms()
        return
    permutations = args.permutations
    random = np.random.default_rng(0)
    for name in args.sizes:
        images, heads, classes = SIZES[name]
        values = random.gamma(1.0, size=(images, heads)).astype(np.float32)
        label = random.integers(0, classes, images)
        took = {
            "heads × classes": seconds(class_trends, values, label, classes, permutations),
            "consistency": seconds(class_consistency, values, label, classes, permutations),
            "unlike": seconds(unlike_their_class, values, label),
            "scores": seconds(normal_scores, values),
            "nearest": seconds(nearest, normal_scores(values), 0, MOST_SIMILAR),
        }
        if images <= _MOST_FOR_SCIPY:
            took["scipy (scaled)"] = with_scipy(values, label, classes, permutations)
        for what in ("consistency", "unlike", "scores", "nearest"):
            note(f"{what}, {name}", took[what], "s")
        note(f"heads × classes, {name}", took["heads × classes"], "s")
        if images <= _MOST_FOR_SCIPY:
            note(f"heads × classes, {name}", took["scipy (scaled)"], "s", "scipy (scaled)")
        told = ", ".join(f"{what} {one:.3g} s" for what, one in took.items())
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{name}: {images} images × {heads} heads, {classes} classes: {told}; "
              f"peak {peak:.2f} GiB", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
