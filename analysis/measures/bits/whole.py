"""The division of attention that is held in memory as a whole, such as that of a brush."""

import numpy as np

from headbrush.analysis.measures.bits.groups import groups_of
from headbrush.analysis.measures.bits.parts import Division, divide, entropy
from headbrush.analysis.measures.bits.surprise import surprise
from headbrush.analysis.measures.source_patches import source_patches, source_windows
from headbrush.analysis.store.matrices.windows import Windows


def source_rows(
    attention: np.ndarray,
    num_prefix_tokens: int,
    grid: tuple[int, int],
    windows: Windows | None = None,
) -> np.ndarray:
    """Attention of the source patches over all patches, ``(T, T)`` to ``(S, P)`` float32.

    With ``windows``, P are the patches of each source's window. Rows sum to 1; a source that
    attends to no patch counts as one that attends evenly to all.
    """
    if windows is None:
        rows = attention[num_prefix_tokens + source_patches(grid), num_prefix_tokens:]
    else:
        sources, targets = source_windows(windows)
        rows = attention[num_prefix_tokens + sources[:, None], num_prefix_tokens + targets]
    rows = rows.astype(np.float32)
    total = rows.sum(-1, keepdims=True)
    tiny = np.finfo(np.float32).tiny
    return np.where(total > tiny, rows / np.maximum(total, tiny), 1 / rows.shape[-1])


def divide_rows(rows: np.ndarray, labels: np.ndarray, seed: int) -> tuple[Division, np.ndarray]:
    """The division over m images ``(m, heads, S, P)`` in groups ``(m,)``, and the share moved.

    The part of the class is that of the group. The share, ``(heads,)``, is that of attention that
    moves from image to image.
    """
    count = len(rows)
    surprises, moved = surprise(rows, rows.sum(0), count)
    spread = entropy(rows).mean(-1)
    groups = groups_of(labels, seed)
    by_class = np.full(rows.shape[1], np.nan)
    if groups is not None:
        sums = np.tensordot(groups.members(slice(0, count)), rows, 1)
        by_class = groups.class_bits(sums, entropy(rows.mean(0)).mean(-1))
    return divide(rows.shape[-1], surprises, spread, by_class), moved.mean(0)
