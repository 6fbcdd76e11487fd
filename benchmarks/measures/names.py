"""How often planted patterns get their name, and what naming costs.

    python benchmarks/measures/names.py --matrices 10000

Patterns of every name and of none are planted on grids from 7×7 to 37×37, also oblong ones, with
noise; some of one or nine targets have a halo of the patches around. The same matrices are named by
a simpler rule: of the templates that fit within 0.05 of the best, the one with fewest targets.
"""

import argparse
import time
from collections import Counter

import numpy as np
import torch

from benchmarks.common import note
from headbrush.analysis.measures.names.fits import chance_of, fits
from headbrush.analysis.measures.names.naming import FAMILIES, NO_NAME, name_patterns
from headbrush.analysis.measures.names.templates import TEMPLATES, targets
from tests.analysis import planted
from tests.analysis.planted import KINDS, rows_of

GRIDS = ((7, 7), (8, 12), (14, 14), (16, 10), (14, 14), (24, 24), (12, 30), (37, 37))
HALOED = ("self", "left", "right", "up", "down")


def quick_ideal(label: str, grid: tuple[int, int]) -> np.ndarray:
    """As ``planted.ideal``, which is slow and obvious; a test compares both."""
    number = [template.label for template in TEMPLATES].index(label)
    one = (TEMPLATES[number],)
    return targets(grid, slice(None), torch.device("cpu"), one)[..., 0].numpy().astype(float)


def plant_all(grid: tuple[int, int], count: int, rng: np.random.Generator):
    """Matrices of every kind in turn, and their names."""
    truth = [KINDS[place % len(KINDS)] for place in range(count)]
    matrices = []
    for kind in truth:
        matrix = planted.plant(kind, grid, rng)
        if kind in HALOED and rng.random() < 0.5:
            matrix = 0.7 * matrix + 0.3 * rows_of(quick_ideal("3×3", grid))
        matrices.append(matrix)
    return torch.tensor(np.array(matrices), dtype=torch.float32), truth


def simpler(patches: torch.Tensor, grid: tuple[int, int]) -> list[str]:
    """Names of templates by the simpler rule; structures are not looked for."""
    fit = fits(patches, grid)
    near = fit.excess >= fit.excess.max(1, keepdim=True).values - 0.05
    size = chance_of(grid).expand(near.shape)
    number = torch.where(near, size, torch.inf).argmin(1)
    excess = fit.excess.gather(1, number[:, None])[:, 0]
    return [FAMILIES[n] if e >= 0.25 else "" for n, e in zip(number, excess, strict=True)]


def macro_f1(pairs: Counter, kinds: tuple[str, ...]) -> float:
    """Mean over the kinds of 2·right / (named so + planted so)."""
    scores = []
    for kind in kinds:
        right = pairs[kind, kind]
        given = sum(count for (_true, name), count in pairs.items() if name == kind)
        true = sum(count for (planted_as, _name), count in pairs.items() if planted_as == kind)
        scores.append(2 * right / max(1, given + true))
    return float(np.mean(scores))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--matrices", type=int, default=10_000)
    count = parser.parse_args().matrices // len(GRIDS)
    planted.ideal = quick_ideal
    rng = np.random.default_rng(0)
    ours, theirs = Counter(), Counter()
    of_templates = tuple(dict.fromkeys(template.family for template in TEMPLATES))
    for grid in GRIDS:
        seconds = 0.0
        for start in range(0, count, 25):
            matrices, truth = plant_all(grid, min(25, count - start), rng)
            begun = time.process_time()
            named = name_patterns(matrices, grid)
            seconds += time.process_time() - begun
            names = [FAMILIES[n] if n != NO_NAME else "" for n in named.number.tolist()]
            ours.update(zip(truth, names, strict=True))
            theirs.update(zip(truth, simpler(matrices, grid), strict=True))
        note(f"a pattern of {grid[0]}×{grid[1]}, processor time", 1000 * seconds / count, "ms")
        print(f"{grid[0]}×{grid[1]}: {1000 * seconds / count:.2f} ms of CPU a pattern", flush=True)
    f1 = macro_f1(ours, of_templates), macro_f1(theirs, of_templates)
    note("macro-F1 of the templates", f1[0], "", is_more_better=True)
    note("macro-F1 of the templates", f1[1], "", "simpler rule", is_more_better=True)
    print(f"macro-F1 of {len(KINDS)} kinds: {macro_f1(ours, KINDS):.4f}")
    print(
        f"of the {len(of_templates)} templates only: {f1[0]:.4f}, by the simpler rule {f1[1]:.4f}"
    )
    wrong = [(count, *pair) for pair, count in ours.items() if pair[0] != pair[1]]
    for number, true, name in sorted(wrong, reverse=True)[:10]:
        print(f"  {number} times {true or 'no name'!r} was called {name or 'no name'!r}")


if __name__ == "__main__":
    main()
