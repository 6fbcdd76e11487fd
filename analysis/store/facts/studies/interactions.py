"""The interactions of a store: which pairs of heads stand in for each other, which overlap.

It is ``studies/interactions-GROUPS-IMAGES-SEED.json``.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headbrush.analysis.store.atomic_files import replacing
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.facts.studies.files import (
    Study,
    demand_numbers,
    fields_of,
    largest,
    read_study,
    save_study,
    studies_of,
    study_file,
)
from headbrush.analysis.store.store import Store

GROUPS = {
    "heads": "heads",
    "layers": "layers, each with all its heads",
    "names": "pattern names, each with all heads that have it",
}
"""What is pruned as one, in words."""
LEVEL = 0.05
"""Of pairs whose q is at most this, about this share interact by chance only."""
_KIND = "interactions"
_COLUMNS = ("iota", "low", "high", "q", "size", "noise")
_TIMES_NOISE = 3
_MOST = 1e12
_LONGEST = 200
_SHOWN = 10


@dataclass(frozen=True)
class MeanInteractions(Study):
    """Interactions of all pairs of G heads, or groups of heads, over images, in logits.

    ι(a, b) = e(ab) − e(a) − e(b), with e(S) = f(unpruned) − f(without S), is taken on the centred
    logit of the true class, else of the predicted one. Above 0, more is lost together than
    separately: the two stand in for each other. Below 0, their effects overlap.

    Attributes
    ----------
    groups
        Of ``GROUPS``.
    chosen
        Images of the store.
    names, members
        ``(G,)`` each: its name, and its heads as numbers ``layer · H + head``.
    effect
        ``(G,)``: mean e(a).
    pairs
        ``(G·(G − 1)/2, 6)``, by the first of a pair, then by the second: mean ι; the ends of its
        95 % interval by Student's t over images; p of the t test after Benjamini and Hochberg's
        correction over all pairs; mean non-additivity ν; noise, the spread of ι when it is computed
        again in batches of another size, at least the step between numbers as large as the logits.
    """

    groups: str
    chosen: tuple[int, ...]
    names: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    effect: tuple[float, ...]
    pairs: tuple[tuple[float, ...], ...]

    @property
    def iota(self) -> np.ndarray:
        """``(G, G)``: mean ι; symmetric, 0 on the diagonal."""
        return self._matrix("iota", 0)

    @property
    def low(self) -> np.ndarray:
        """``(G, G)``: lower end of the 95 % interval of ι, 0 on the diagonal."""
        return self._matrix("low", 0)

    @property
    def high(self) -> np.ndarray:
        """``(G, G)``: upper end of the 95 % interval of ι, 0 on the diagonal."""
        return self._matrix("high", 0)

    @property
    def q(self) -> np.ndarray:
        """``(G, G)``: p that ι is 0, corrected over all pairs; 1 on the diagonal."""
        return self._matrix("q", 1)

    @property
    def size(self) -> np.ndarray:
        """``(G, G)``: mean ν = ‖ι‖ / (‖e(a)‖ + ‖e(b)‖) over all classes, 0 on the diagonal."""
        return self._matrix("size", 0)

    @property
    def within_noise(self) -> np.ndarray:
        """``(G, G)`` bool: whether |ι| is at most 3 times its noise; so the diagonal."""
        return abs(self.iota) <= _TIMES_NOISE * self._matrix("noise", 0)

    @property
    def significant(self) -> np.ndarray:
        """``(G, G)`` bool: whether q is at most ``LEVEL``, and ι not within noise."""
        return (self.q <= LEVEL) & ~self.within_noise

    def strongest(self, count: int, significant: bool = True) -> list[tuple[int, int]]:
        """Pairs that are significant, or those that are not but above noise, of the largest |ι|."""
        kept = self.significant if significant else ~(self.significant | self.within_noise)
        first, second = np.nonzero(np.triu(kept, 1))
        order = np.argsort(-abs(self.iota[first, second]), kind="stable")[:count]
        return [(int(first[one]), int(second[one])) for one in order]

    def _matrix(self, column: str, diagonal: float) -> np.ndarray:
        count = len(self.names)
        found = np.full((count, count), float(diagonal))
        above = np.triu_indices(count, 1)
        found[above] = np.array(self.pairs)[:, _COLUMNS.index(column)]
        found.T[above] = found[above]
        return found


def interactions_file(store: Path, groups: str, images: int, seed: int) -> Path:
    """The file of a study of interactions."""
    return study_file(store, f"{_KIND}-{groups}-{images}-{seed}")


def save_interactions(store: Path, study: MeanInteractions) -> Path:
    """Write a study, at once or not at all."""
    file = interactions_file(store, study.groups, study.images, study.seed)
    return save_study(file, _KIND, study)


def load_interactions(store: Store, groups: str = "heads") -> MeanInteractions | None:
    """The interactions of a store over the most images; None without any that belong to it.

    Parameters
    ----------
    groups
        Of ``GROUPS``.
    """
    found = interactions_of(store)
    return largest((p, s) for p, s in found if isinstance(s, StoreError) or s.groups == groups)


def interactions_of(store: Store) -> Iterator[tuple[Path, MeanInteractions | StoreError]]:
    """Every study of interactions of a store and its file; instead of one that is no use, why."""
    return studies_of(store, _KIND, read_interactions)


def read_interactions(path: Path) -> MeanInteractions:
    """The study of a file.

    Raises
    ------
    StoreError
        If it is damaged, or no such study.
    """
    return read_study(path, _KIND, _made)


def _made(content: dict[str, Any]) -> MeanInteractions:
    study = fields_of(MeanInteractions, content)
    demand_numbers((study.images, study.seed, study.layers, study.heads), 1 << 32)
    demand_numbers(study.chosen, 1 << 31)
    count = len(study.names)
    if study.groups not in GROUPS or len(study.chosen) != study.images or count < 2:
        raise ValueError("it has other images or groups than it says")
    if not len(study.members) == len(study.effect) == count:
        raise ValueError("it has other groups than it says")
    if not all(isinstance(name, str) and len(name) <= _LONGEST for name in study.names):
        raise ValueError("a name is no name")
    heads = range(study.layers * study.heads)
    if not all(type(head) is int and head in heads for group in study.members for head in group):
        raise ValueError("a group has heads that are not there")
    demand_numbers(study.effect, _MOST, -_MOST)
    if len(study.pairs) != count * (count - 1) // 2:
        raise ValueError("it has other pairs than it says")
    if any(len(pair) != len(_COLUMNS) for pair in study.pairs):
        raise ValueError("a pair has other values")
    for iota, low, high, q, size, noise in study.pairs:
        demand_numbers((iota, low, high), _MOST, -_MOST)
        demand_numbers((size, noise), _MOST)
        demand_numbers((q,), 1)
    return study


def save_pairs(path: Path, study: MeanInteractions) -> None:
    """Write a table of all pairs as CSV, the largest |ι| first, at once or not at all."""
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        csv.writer(file, lineterminator="\n").writerows(_rows(study))


def _rows(study: MeanInteractions) -> Iterator[tuple[object, ...]]:
    yield ("first", "second", *_COLUMNS, "within_noise", "significant")
    first, second = np.triu_indices(len(study.names), 1)
    noise, significant = study.within_noise, study.significant
    for one in np.argsort(-abs(study.iota[first, second]), kind="stable"):
        pair = first[one], second[one]
        names = (study.names[place] for place in pair)
        values = (f"{value:.7g}" for value in study.pairs[one])
        yield (*names, *values, int(noise[pair]), int(significant[pair]))


def interaction_words(study: MeanInteractions) -> list[str]:
    """How many pairs interact, and the strongest in words; then others, if these are few."""
    significant, iota = np.triu(study.significant, 1), study.iota
    told = study.strongest(_SHOWN)
    other = study.strongest(_SHOWN - len(told), significant=False)
    return [
        f"{study.images} images, {len(study.pairs)} pairs of {len(study.names)} "
        f"{GROUPS[study.groups]}. Pairs that interact (q up to {LEVEL:g}): "
        f"{int(significant.sum())}; stand in for each other, more is lost together than "
        f"separately: {int((significant & (iota > 0)).sum())}; overlap, less is lost: "
        f"{int((significant & (iota < 0)).sum())}; within the noise of rounding: "
        f"{int(np.triu(study.within_noise, 1).sum())}. In logits of the true class, else of the "
        "predicted one, with 95 % intervals over images:",
        *(_pair_words(study, *pair) for pair in told),
        *([f"Largest of what {study.images} images do not tell from chance:"] if other else []),
        *(_pair_words(study, *pair) for pair in other),
    ]


def _pair_words(study: MeanInteractions, first: int, second: int) -> str:
    pair, iota = (first, second), study.iota[first, second]
    how = ""
    if study.significant[pair]:
        how = " stand in for each other" if iota > 0 else " overlap"
    quote = '"' if study.groups == "names" else ""  # such as "row around and own row"
    names = " and ".join(f"{quote}{study.names[one]}{quote}" for one in pair)
    return (
        f"  {names}{how}: {iota:+.2g} logits "
        f"[{study.low[pair]:.2g}, {study.high[pair]:.2g}], q = {study.q[pair]:.2g}"
    )
