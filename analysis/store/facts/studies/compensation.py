"""The compensation study of a store: who answers when a head is gone, as means over images.

It is ``studies/compensation-IMAGES-SEED.json``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

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

_KIND = "compensation"
_MOST = 1e12
_SHOWN = 5


@dataclass(frozen=True)
class MeanCompensation(Study):
    """Means over images of the effect of pruning each of N = L·H heads, in logits, and its parts.

    total = direct − Σ heads' response − Σ MLPs' response − norm's rescaling, on the logit of the
    true class, else of the predicted one. It tells what did change, not what would be lost.

    Attributes
    ----------
    chosen
        Images of the store.
    total
        ``(N,)``: f(unpruned) − f(pruned).
    parts
        ``(N, N + L + 2)``: for the pruned head of the row, the responses of heads and of the MLP
        of each layer, the norm's rescaling, and the head's direct contribution. A response above
        0 makes up for the head.
    error
        The largest deviation of the identity on any image, in ranges of its logits.
    """

    chosen: tuple[int, ...]
    total: tuple[float, ...]
    parts: tuple[tuple[float, ...], ...]
    error: float

    @property
    def direct(self) -> np.ndarray:
        """``(N,)``: what each head says directly."""
        return np.array(self.parts)[:, -1]

    @property
    def norm(self) -> np.ndarray:
        """``(N,)``: the norm's rescaling."""
        return np.array(self.parts)[:, -2]

    @property
    def by_heads(self) -> np.ndarray:
        """``(N, N)``: the response of the head of the column to the loss of that of the row."""
        return np.array(self.parts)[:, : self.layers * self.heads]

    @property
    def by_mlps(self) -> np.ndarray:
        """``(N, L)``: the response of each layer's MLP."""
        return np.array(self.parts)[:, self.layers * self.heads : -2]


def compensation_file(store: Path, images: int, seed: int) -> Path:
    """The file of a compensation study."""
    return study_file(store, f"{_KIND}-{images}-{seed}")


def save_compensation(store: Path, study: MeanCompensation) -> Path:
    """Write a study, at once or not at all."""
    return save_study(compensation_file(store, study.images, study.seed), _KIND, study)


def load_compensation(store: Store) -> MeanCompensation | None:
    """The compensation of a store over the most images; None without one that belongs to it."""
    return largest(compensations_of(store))


def compensations_of(store: Store) -> Iterator[tuple[Path, MeanCompensation | StoreError]]:
    """Every compensation study of a store and its file; instead of one that is no use, why."""
    return studies_of(store, _KIND, read_compensation)


def read_compensation(path: Path) -> MeanCompensation:
    """The study of a file.

    Raises
    ------
    StoreError
        If it is damaged, or no such study.
    """
    return read_study(path, _KIND, _made)


def _made(content: dict[str, Any]) -> MeanCompensation:
    study = fields_of(MeanCompensation, content)
    demand_numbers((study.images, study.seed, study.layers, study.heads), 1 << 32)
    count = study.layers * study.heads
    if len(study.chosen) != study.images or not len(study.total) == len(study.parts) == count:
        raise ValueError("it has other images or heads than it says")
    demand_numbers(study.chosen, 1 << 31)
    demand_numbers((study.error,), 1)
    for row in (study.total, *study.parts):
        demand_numbers(row, _MOST, -_MOST)
    if any(len(row) != count + study.layers + 2 for row in study.parts):
        raise ValueError("a row has other parts")
    return study


def compensation_words(study: MeanCompensation) -> list[str]:
    """The heads that say most directly: what became of that, and who answers most."""
    heads, mlps = study.by_heads, study.by_mlps
    names = [f"{head // study.heads}.{head % study.heads}" for head in range(len(study.total))]
    sentences = [
        f"{study.images} images; means, in logits of the true class, else of the predicted one. "
        "An answer above 0 makes up for the head. This tells what did change when a head was "
        "pruned, not what would be lost if what answers went too.",
        "The heads that say most for it directly:",
    ]
    for head in np.argsort(-study.direct, kind="stable")[:_SHOWN]:
        best = int(heads[head].argmax())
        most = (
            f", most of all {names[best]} ({heads[head, best]:+.3g})" if heads[head, best] else ""
        )
        sentences.append(
            f"  {names[head]}: direct {study.direct[head]:+.3g}, total {study.total[head]:+.3g}; "
            f"answers of heads {heads[head].sum():+.3g}{most}, of MLPs {mlps[head].sum():+.3g}, "
            f"of the norm {study.norm[head]:+.3g}"
        )
    return sentences
