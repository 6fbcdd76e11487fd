"""Studies of the small store: interactions of its heads, and a curve."""

import numpy as np

from headbrush.analysis.store.facts.studies.curve import Curve, Line, points_of
from headbrush.analysis.store.facts.studies.interactions import MeanInteractions

HEADS, STEP = 6, 2
POINTS = points_of(HEADS, STEP)
FIRST, SECOND = np.triu_indices(HEADS, 1)
NAMES = tuple(f"L{n // 2}·H{n % 2}" for n in range(HEADS))


def interactions(attrs, groups="heads", names=NAMES, members=None):
    """Random ones, of which those of L0·H1 with L2·H0 and L1·H0 are beyond chance."""
    rng = np.random.default_rng(0)
    count = len(names)
    pairs = []
    for first, second in zip(*np.triu_indices(count, 1), strict=True):
        iota, q, noise = rng.uniform(-0.1, 0.1), 0.5, 1e-6
        if (first, second) == (1, 4):
            iota, q = 0.6, 0.001
        if (first, second) == (1, 2):
            iota, q = -0.3, 0.01
        if (first, second) == (0, 1):
            noise = 1.0
        pairs.append((iota, iota - 0.1, iota + 0.1, q, abs(iota), noise))
    return MeanInteractions(
        images=24, seed=0, layers=3, heads=2, groups=groups, chosen=tuple(range(24)),
        names=tuple(names), members=members or tuple((n,) for n in range(count)),
        effect=tuple(rng.uniform(0, 1, count).tolist()), pairs=tuple(pairs),
        store_created=str(attrs["created"]), checkpoint_sha256=str(attrs["checkpoint_sha256"]),
    )  # fmt: skip


def line(order, draw, seed):
    """A line that falls from 12 of 12 right; its order of heads is its own."""
    rng = np.random.default_rng(seed)
    return Line(
        order, draw, tuple(rng.permutation(HEADS).tolist()),
        (12, *sorted(rng.integers(0, 12, len(POINTS) - 1).tolist(), reverse=True)),
        (0.0, *sorted(rng.uniform(0, 1, len(POINTS) - 1).tolist())),
        tuple(rng.integers(0, 12, len(POINTS)).tolist()),
    )  # fmt: skip


LINES = tuple(line("random", draw, draw) for draw in range(4))
LINES += line("jsd", 0, 8), line("greedy", 0, 9)


def curve_study(attrs):
    """Six lines over the points."""
    return Curve(
        images=24, seed=0, step=STEP, layers=3, heads=2, labelled=12,
        chosen=tuple(range(12)), drawn=tuple(range(12, 24)), pruned=tuple(POINTS),
        parameters=(), flops=(), inexact="tests", store_created=str(attrs["created"]),
        checkpoint_sha256=str(attrs["checkpoint_sha256"]), lines=LINES,
    )  # fmt: skip
