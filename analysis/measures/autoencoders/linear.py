"""A linear autoencoder of patch patterns: their principal components.

No linear autoencoder restores its sample better (Baldi & Hornik 1989), and it is found in seconds,
because patterns are sparse. An entry of the pattern that is rarely 1 weighs more, as rare words do
(the logarithm of its inverse document frequency).

The components have LATENT · P² values, which for many patches is too much to hold. They are
combinations of the patterns of the sample, so the sample and the combinations are kept, and the
components are made for a few entries at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import scipy.sparse as sp
from sklearn.decomposition import KernelPCA

from headbrush.analysis.measures.memory_budget import BUDGET_BYTES, at_once, pieces

LATENT = 64
_FLOAT = 4
_LOOKED_AT = 64
"""Patterns that tell how many bits are 1."""
_ONE_BYTES, _KEPT_BYTES = 64, 24
"""Memory of a 1 of a pattern while it is looked for, and in a sample: index and value, thrice."""
_COMPONENT_FLOATS = 2 * LATENT
"""Values for each entry of a pattern while its components are made."""
_STEP_BUDGET = BUDGET_BYTES // 8
"""Memory for what is made of the sample at once, which stands beside it."""
_SOLVED_DENSE = 512
"""Patterns of a sample whose components are found without a random start."""
_SMALLEST = 1e-5
"""Variance of the last component, as a share of the first's, that is more than rounding."""


@dataclass(frozen=True)
class LinearAutoencoder:
    """Principal components of a sample of n patterns.

    Attributes
    ----------
    sample
        ``(n, 8 · bytes)`` float32 of 0 and 1, the bits of the packed patterns.
    combinations
        ``(n, LATENT)`` float32: component k is the sum of all patterns, each times its value.
        Columns sum to 0; those beyond the rank of the sample are 0.
    center
        ``(LATENT,)`` float32, what the mean pattern would be encoded as without it.
    """

    sample: sp.csr_array
    combinations: np.ndarray
    center: np.ndarray

    def encode(self, packed: np.ndarray) -> np.ndarray:
        """The latent of every packed pattern ``(n, bytes)``: ``(n, LATENT)`` float32."""
        return _projections(self.sample, self.combinations, packed) - self.center

    def restore(self, packed: np.ndarray, entries: np.ndarray) -> np.ndarray:
        """How much the reconstruction of each pattern is 1 at some entries: ``(n, E)`` float32."""
        some = self.sample.tocsc()[:, entries]
        components = some.T @ self.combinations  # (E, n) x (n, LATENT) -> (E, LATENT)
        mean = _counts(self.sample)[entries] / _shape(self.sample)[0]
        return mean + self.encode(packed) @ components.T

    def weights(self) -> dict[str, np.ndarray]:
        """Arrays from which :func:`linear_of` rebuilds it."""
        return {
            "places": self.sample.indices,
            "starts": self.sample.indptr,
            "combinations": self.combinations,
            "center": self.center,
        }


def linear_of(weights: dict[str, np.ndarray], num_patches: int) -> LinearAutoencoder:
    """The inverse of :meth:`LinearAutoencoder.weights`."""
    starts = weights["starts"]
    shape = (len(starts) - 1, 8 * -(-(num_patches**2) // 8))
    ones = np.ones(len(weights["places"]), np.float32)
    sample = sp.csr_array((ones, weights["places"], starts), shape=shape)
    return LinearAutoencoder(sample, weights["combinations"], weights["center"])


def fit_linear(packed: np.ndarray, seed: int) -> LinearAutoencoder:
    """Fit to ``(n, bytes)`` packed patterns, or a sample of them where memory is short."""
    most = at_once(_KEPT_BYTES * _ones_each(packed), len(packed))
    chosen = packed[np.sort(np.random.default_rng(seed).permutation(len(packed))[:most])]
    sample = sp.csr_array(sp.vstack([_sparse(chosen[part]) for part in _parts(chosen)]))
    combinations = _combinations(sample, seed)
    center = _projections(sample, combinations, chosen).mean(0)
    return LinearAutoencoder(sample, combinations, center)


def _combinations(sample: sp.csr_array, seed: int) -> np.ndarray:
    """Principal components as combinations of the sample, ``(n, LATENT)``.

    They are eigenvectors of the products of all pairs of centred, weighted patterns, divided by
    the square root of the eigenvalue.
    """
    count = _shape(sample)[0]
    weights = _entry_weights(sample)[sample.indices]
    weighted = sp.csr_array((weights, sample.indices, sample.indptr), shape=_shape(sample))
    products = (weighted @ sample.T).toarray()  # (n, n)
    solver = "dense" if count <= _SOLVED_DENSE else "randomized"
    fitted = KernelPCA(
        min(LATENT, count), kernel="precomputed", eigen_solver=solver, random_state=seed
    ).fit(products)
    values, vectors = np.asarray(fitted.eigenvalues_), np.asarray(fitted.eigenvectors_)
    real = values > max(_SMALLEST * values[0], np.finfo(np.float32).tiny)
    found = np.zeros((count, LATENT), np.float32)
    found[:, : real.sum()] = vectors[:, real] / np.sqrt(values[real])
    return found


def _projections(sample: sp.csr_array, combinations: np.ndarray, packed: np.ndarray) -> np.ndarray:
    """Products of packed patterns with the components, ``(n, LATENT)`` float32."""
    latent = np.zeros((len(packed), LATENT), np.float32)
    weights, by_entry = _entry_weights(sample), sample.tocsc()
    for some in pieces(packed.shape[1], 8 * _FLOAT * _COMPONENT_FLOATS, budget=_STEP_BUDGET):
        entries = slice(8 * some.start, 8 * some.stop)
        components = by_entry[:, entries].T @ combinations  # (E, n) x (n, LATENT)
        components *= weights[entries, None]
        for part in _parts(packed[:, some]):
            latent[part] += _sparse(packed[part, some]) @ components
    return latent


def _entry_weights(sample: sp.csr_array) -> np.ndarray:
    """Square of the weight of every entry: 1 if it is always 1, larger the rarer it is."""
    count = _shape(sample)[0]
    return (np.log((1 + count) / (1 + _counts(sample))) + 1).astype(np.float32) ** 2


def _counts(sample: sp.csr_array) -> np.ndarray:
    """In how many patterns of the sample each entry is 1, ``(8 · bytes,)``."""
    return np.bincount(sample.indices, minlength=_shape(sample)[1])


def _shape(sample: sp.csr_array) -> tuple[int, int]:
    """Rows and columns; scipy has no annotation that they are known."""
    return cast(tuple[int, int], sample.shape)


def _parts(packed: np.ndarray) -> Iterator[slice]:
    """Runs of packed patterns that can be made sparse at once."""
    each = packed.shape[1] + _ONE_BYTES * _ones_each(packed)
    return pieces(len(packed), each, budget=_STEP_BUDGET)


def _ones_each(packed: np.ndarray) -> int:
    """How many bits of a pattern are 1; the same in all of them, if they are whole."""
    return int(np.bitwise_count(packed[:_LOOKED_AT]).sum(1, dtype=int).max(initial=1))


def _sparse(packed: np.ndarray) -> sp.csr_array:
    """Packed patterns ``(n, bytes)`` as their bits, ``(n, 8 · bytes)`` float32."""
    row, byte = np.nonzero(packed)
    which, bit = np.nonzero(np.unpackbits(packed[row, byte][:, None], axis=1))
    starts = np.concatenate([[0], np.cumsum(np.bincount(row[which], minlength=len(packed)))])
    places = (8 * byte[which] + bit).astype(np.int32)
    return sp.csr_array(
        (np.ones(len(places), np.float32), places, starts.astype(np.int32)),
        shape=(len(packed), 8 * packed.shape[1]),
    )
