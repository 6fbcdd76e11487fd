"""Two-dimensional layouts by t-SNE (openTSNE), in a time that grows no faster than the points.

Up to a limit all points are laid out together. Beyond it a sample is, in which every group is
represented; every other point is placed amid its nearest fitted points; and then all points move
for a few iterations, each drawn by its own nearest neighbours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from openTSNE import TSNEEmbedding, initialization
from openTSNE.affinity import PerplexityBasedNN, Uniform
from sklearn.decomposition import PCA

from headbrush.analysis.measures.layouts.fidelity import Fidelity, fidelity

FIT_LIMIT = 50_000
_COMPONENTS = 50
_PERPLEXITY = 30.0
_FFT_FROM = 3_000
_PLACED_AT_ONCE = 20_000
_PLACED_BY = 5
"""A point that was not fitted begins at the median of so many of its nearest fitted points."""
_REFINED_BY = 15
"""Nearest neighbours that draw a point when all move."""


class _Phase(NamedTuple):
    """Iterations of one kind; coarseness is how wide the cells are in which forces are summed."""

    iterations: int
    exaggeration: float | None
    momentum: float
    coarseness: float


_PHASES_OF_FEW = (_Phase(250, 12, 0.8, 1), _Phase(500, None, 0.8, 1))
"""openTSNE's defaults."""
_PHASES = (_Phase(80, 12, 0.9, 1), _Phase(120, None, 0.95, 2), _Phase(40, None, 0.8, 1))
"""Nearly as faithful as openTSNE's defaults, in a quarter of their time (design_notes/0002)."""
_REFINEMENT = (_Phase(120, None, 0.95, 2), _Phase(40, None, 0.8, 1))
"""When all points move."""


@dataclass(frozen=True)
class Layout:
    """Coordinates ``xy``, ``(n, 2)`` float32, and how faithful they are to the features."""

    xy: np.ndarray
    fidelity: Fidelity

    def reshaped(self, shape: tuple[int, ...]) -> "Layout":
        """The same with ``xy`` in ``shape``."""
        return replace(self, xy=self.xy.reshape(shape))


def layout(
    features: np.ndarray,
    *,
    seed: int,
    groups: np.ndarray | None = None,
    jobs: int = 1,
    on_progress: Callable[[float], None] = lambda _share: None,
    fit_limit: int = FIT_LIMIT,
) -> Layout:
    """Lay out the rows of ``features``, ``(n, d)`` float32.

    Parameters
    ----------
    groups
        ``(n,)`` int; every group has members in the fitted sample. None: one group.
    jobs
        How many threads; another number gives another layout.
    on_progress
        Called with the finished share.

    Returns
    -------
    Rows that hold NaN get NaN coordinates. Fewer than four distinct rows lie on a line by their
    first principal component, and rows of one value by that value.
    """
    xy = np.full((len(features), 2), np.nan, np.float32)
    valid = np.flatnonzero(np.isfinite(features).all(1))
    rows = _reduced(np.asarray(features[valid], np.float32), seed)
    if rows.shape[1] == 1 or len(np.unique(rows[:100_000], axis=0)) < 4:
        xy[valid] = np.pad(rows[:, :1], ((0, 0), (0, 1)))
        return Layout(xy, Fidelity())
    members = np.zeros(len(rows), int) if groups is None else np.asarray(groups)[valid]
    fitted = stratified(members, fit_limit, np.random.default_rng(seed))
    whole = len(fitted) == len(rows)
    embedding = _fit(
        rows[fitted], seed, jobs, whole, lambda share: on_progress(share * (0.95 if whole else 0.3))
    )
    placed = np.empty((len(rows), 2))
    placed[fitted] = np.asarray(embedding)
    if not whole:
        _place(embedding, rows, np.setdiff1d(np.arange(len(rows)), fitted), placed)
        placed = _refine(rows, placed, seed, jobs, lambda share: on_progress(0.6 + share * 0.35))
    xy[valid] = placed
    own = None if groups is None else members
    return Layout(xy, fidelity(rows, placed, own, seed=seed))


def _reduced(rows: np.ndarray, seed: int) -> np.ndarray:
    if rows.shape[1] <= _COMPONENTS or all_alike(rows):
        return rows
    reducer = PCA(min(_COMPONENTS, len(rows)), random_state=seed)
    return reducer.fit_transform(rows).astype(np.float32)


def all_alike(rows: np.ndarray) -> bool:
    """Whether no row differs from another, so that there are no principal components."""
    return len(rows) <= 1 or not np.ptp(rows, axis=0).any()


def stratified(groups: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    """Sorted indices of at most ``limit`` rows; groups give in turn, so each is represented."""
    if len(groups) <= limit:
        return np.arange(len(groups))
    shuffled = rng.permutation(len(groups))
    by_group = shuffled[np.argsort(groups[shuffled], kind="stable")]
    _, first, counts = np.unique(groups[by_group], return_index=True, return_counts=True)
    rank = np.arange(len(groups)) - np.repeat(first, counts)
    return np.sort(by_group[np.argsort(rank, kind="stable")[:limit]])


def _fit(
    rows: np.ndarray, seed: int, jobs: int, whole: bool, on_progress: Callable[[float], None]
) -> TSNEEmbedding:
    """t-SNE of ``rows``; ``whole`` if no others will be placed by their neighbours among these."""
    few = len(rows) < _FFT_FROM
    phases = _PHASES_OF_FEW if few else _PHASES
    embedding = TSNEEmbedding(
        initialization.pca(rows, random_state=seed),
        _affinities(rows, seed, jobs, "exact" if few or whole else "annoy"),
        negative_gradient_method="bh" if few else "fft",
        n_jobs=1 if few else jobs,
        random_state=seed,
    )
    return _moved(embedding, phases, on_progress)


def _moved(
    embedding: TSNEEmbedding, phases: Sequence[_Phase], on_progress: Callable[[float], None]
) -> TSNEEmbedding:
    """``embedding`` after all ``phases``."""
    total, done = sum(phase.iterations for phase in phases), 0

    def report(iteration: int, _error: float, _embedding: np.ndarray) -> None:
        on_progress(min(1.0, (done + iteration) / total))

    for phase in phases:
        embedding = embedding.optimize(
            n_iter=phase.iterations,
            exaggeration=phase.exaggeration,
            ints_in_interval=phase.coarseness,
            momentum=phase.momentum,
            learning_rate="auto",
            callbacks=report,
            callbacks_every_iters=10,
        )
        done += phase.iterations
    return embedding


def _affinities(rows: np.ndarray, seed: int, jobs: int, neighbours: str) -> PerplexityBasedNN:
    return PerplexityBasedNN(
        rows,
        perplexity=min(_PERPLEXITY, max(1.0, (len(rows) - 1) / 3)),  # pyright: ignore[reportArgumentType] (its default is whole)
        method=neighbours,
        n_jobs=jobs,
        random_state=seed,
    )


def _place(
    embedding: TSNEEmbedding, rows: np.ndarray, others: np.ndarray, placed: np.ndarray
) -> None:
    """Fill ``placed`` for the rows that were not fitted."""
    fitted = np.asarray(embedding)
    for start in range(0, len(others), _PLACED_AT_ONCE):
        chosen = others[start : start + _PLACED_AT_ONCE]
        nearest, _ = embedding.affinities.knn_index.query(rows[chosen], _PLACED_BY)
        placed[chosen] = np.median(fitted[nearest], axis=1)  # (n, 5, 2) -> (n, 2)


def _refine(
    rows: np.ndarray,
    placed: np.ndarray,
    seed: int,
    jobs: int,
    on_progress: Callable[[float], None],
) -> np.ndarray:
    """Let all points move, each drawn by its nearest neighbours among all."""
    near = Uniform(rows, k_neighbors=_REFINED_BY, method="annoy", n_jobs=jobs, random_state=seed)
    embedding = TSNEEmbedding(
        placed, near, negative_gradient_method="fft", n_jobs=jobs, random_state=seed
    )
    return np.asarray(_moved(embedding, _REFINEMENT, on_progress))
