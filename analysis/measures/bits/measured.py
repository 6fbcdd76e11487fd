"""Bits of all heads over all images, from what the shards have kept of each image."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch

from headbrush.analysis.measures.bits.groups import Groups, groups_of
from headbrush.analysis.measures.bits.parts import divide, entropy
from headbrush.analysis.measures.bits.surprise import standing_out, steady_heads, surprise
from headbrush.analysis.measures.memory_budget import pieces
from headbrush.analysis.store.schema import PARTS

Shards = Callable[[int], Iterator[np.ndarray]]
"""Reads a layer's kept attention of every shard ``(B, H, S, P)``, in the order of the images."""
_COPIES = 4
"""Arrays of the size of a shard's kept attention, or of all sums, that are held at once."""
_AT_ONCE = 2
"""Layers that are measured beside each other; they share the budget."""


def measure_bits(
    shards: Shards, layers: int, labels: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """The variables ``bits``, ``moved``, ``surprise`` and ``anomaly`` of a store.

    Where not all heads of a layer fit into the budget, its shards are read again for the next.

    Parameters
    ----------
    labels
        ``(m,)``: class of every image, -1 where none is known.
    """
    first = next(shards(0))
    heads, num_patches = first.shape[1], first.shape[-1]
    groups = groups_of(labels, seed)
    each = _COPIES * 4 * first[0, 0].size * (len(first) + (groups.number if groups else 1))

    def measure(layer: int) -> list[Sequence[np.ndarray]]:
        return [
            _some_heads(partial(_rows, shards, layer, some), len(labels), groups)
            for some in pieces(heads, _AT_ONCE * each)
        ]

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = [some for layer in pool.map(measure, range(layers)) for some in layer]
    spread, surprises, moved, by_class = (
        np.concatenate(one, -1) for one in zip(*found, strict=True)
    )
    division = divide(num_patches, surprises, spread, by_class)
    of_steady = surprises[:, steady_heads(division)]
    return {
        "part": np.array(PARTS, object),
        "bits": division.stacked().reshape(len(PARTS), layers, heads),
        "moved": moved.mean(0).reshape(layers, heads),
        "surprise": surprises.reshape(-1, layers, heads),
        "anomaly": standing_out(of_steady, of_steady),
    }


_Rows = Callable[[], Iterator[np.ndarray]]


def _some_heads(rows_of: _Rows, count: int, groups: Groups | None) -> Sequence[np.ndarray]:
    """Spread, surprise and share moved ``(m, heads)``, and bits of the class ``(heads,)``."""
    sums, spread = _sums(rows_of, groups)
    total = sums if groups is None else sums[: len(groups.sizes)].sum(0)  # (heads, S, P)
    compared = [surprise(rows, total, count) for rows in rows_of()]
    if groups is None:
        by_class = np.full(len(total), np.nan)
    else:
        by_class = groups.class_bits(sums, entropy(total / count).mean(-1))
    return spread, *(np.concatenate(one) for one in zip(*compared, strict=True)), by_class


def _sums(rows_of: _Rows, groups: Groups | None) -> tuple[np.ndarray, np.ndarray]:
    """Attention summed over each group, ``(groups, heads, S, P)``, or over all images if none.

    Also the entropies of every image, ``(m, heads)``.
    """
    sums, spread, start = np.zeros(()), [], 0
    for rows in rows_of():
        spread.append(entropy(rows).mean(-1))
        if groups is None:
            more = rows.sum(0)
        else:
            members = groups.members(slice(start, start + len(rows)))
            more = np.tensordot(members, rows, 1)
        sums = np.add(sums, more, out=more)
        start += len(rows)
    return sums, np.concatenate(spread)


def _rows(shards: Shards, layer: int, some: slice) -> Iterator[np.ndarray]:
    """The kept attention of some heads, ``(B, heads, S, P)`` float32; rows sum to 1."""
    for kept in shards(layer):
        rows = torch.from_numpy(kept)[:, some].float().numpy()
        yield np.divide(rows, rows.sum(-1, keepdims=True), out=rows)
