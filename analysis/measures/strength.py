"""How strongly the patches of a head attend to their k-hop neighbours (Sec. 5.3, Eq. 7 and 8).

The hop between two patches is their Chebyshev distance on the patch grid. Only attention from
patches to patches counts, not renormalised.
"""

from functools import lru_cache

import torch
from torch import Tensor

from headbrush.analysis.store.matrices.windows import Windows

Grid = tuple[int, int]


def hop_strength(
    attention: Tensor, num_prefix_tokens: int, grid: Grid, windows: Windows | None = None
) -> Tensor:
    """Attention-strength vector of every head.

    Parameters
    ----------
    attention
        ``(..., T, T)``, rows = source.
    windows
        If patches attend within windows: only those that a patch sees are its neighbours.

    Returns
    -------
    ``(..., K)`` float32, K = the longer side of the grid, or of the window: s_k is the mean, over
    the patches that have k-hop neighbours, of the mean attention to those neighbours; in [0, 1].
    """
    patches = attention[..., num_prefix_tokens:, num_prefix_tokens:].float()
    hop, weights = _hops(grid, attention.device, windows)
    sums = patches.new_zeros((*patches.shape[:-1], weights.shape[-1]))
    sums.scatter_add_(-1, hop.expand(patches.shape), patches)  # (..., P, P) -> (..., P, K)
    return (sums * weights).sum(-2)


def strength_entropy(strength: Tensor) -> Tensor:
    """Normalised entropy of strength vectors ``(..., K)``: ``(...)`` in [0, 1].

    0 where one hop takes all, 1 where all hops are equal; NaN for a vector of zeros. A grid of a
    single patch has one hop and entropy 0.
    """
    share = strength / strength.sum(-1, keepdim=True)
    hops = max(strength.shape[-1], 2)
    entropy = torch.special.entr(share).sum(-1) / torch.log(torch.tensor(float(hops)))
    return entropy.clamp(0, 1)


def attention_distance(attention: Tensor, num_prefix_tokens: int, grid: Grid) -> Tensor:
    """Mean Euclidean distance, in patches, at which patches attend to patches: ``(...)``.

    Each source patch's distances are weighted by its attention to patches, divided by the sum of
    that attention; then the mean over source patches.
    """
    patches = attention[..., num_prefix_tokens:, num_prefix_tokens:].float()
    distance = _distances(grid, attention.device)  # (P, P)
    weighted = (patches * distance).sum(-1)
    total = patches.sum(-1).clamp(min=torch.finfo(torch.float32).tiny)
    return (weighted / total).mean(-1)


def _offsets(grid: Grid, device: torch.device) -> tuple[Tensor, Tensor]:
    rows = torch.arange(grid[0], device=device).repeat_interleave(grid[1])
    columns = torch.arange(grid[1], device=device).repeat(grid[0])
    return rows[:, None] - rows, columns[:, None] - columns  # (P, P) each


@lru_cache(maxsize=2)
def _hops(
    grid: Grid, device: torch.device, windows: Windows | None = None
) -> tuple[Tensor, Tensor]:
    """Hop of every pair ``(P, P)`` int64, and what a patch's sums count for, ``(P, K)``.

    A patch's sum over its k-hop neighbours is divided by their number, then by the number of
    patches that have any. Hops to what is out of sight are whatever is in range.
    """
    down, right = _offsets(grid, device)
    hop = torch.maximum(down.abs(), right.abs())
    if windows is not None:
        seen = torch.from_numpy(windows.seen()).to(device)
        hop = hop.where(seen, -1)
    count = max(grid if windows is None else windows.size)
    neighbours = torch.stack([(hop == k).sum(1) for k in range(count)], 1)  # (P, K)
    having = (neighbours > 0).sum(0).clamp(min=1)
    return hop.clamp(min=0), 1.0 / (neighbours.clamp(min=1) * having)


@lru_cache(maxsize=1)
def _distances(grid: Grid, device: torch.device) -> Tensor:
    down, right = _offsets(grid, device)
    return torch.hypot(down.float(), right.float())
