"""Mean attention between patches by offset: how far below and right of the source the target lies.

A head that always looks two patches to the left has all its attention at offset (0, -2).
"""

import torch
from torch import Tensor

Grid = tuple[int, int]


def between_patches(attention: Tensor, num_prefix_tokens: int) -> Tensor:
    """``(..., T, T)`` to attention between patches ``(..., P, P)`` float32 whose rows sum to 1.

    A patch that attends to no patch counts as one that attends evenly to all.
    """
    return to_patches(attention[..., num_prefix_tokens:, :], num_prefix_tokens)


def to_patches(rows: Tensor, num_prefix_tokens: int) -> Tensor:
    """Rows of attention ``(..., S, T)`` to those over patches ``(..., S, P)``, which sum to 1.

    A source that attends to no patch counts as one that attends evenly to all.
    """
    patches = rows[..., num_prefix_tokens:].float()
    total = patches.sum(-1, keepdim=True)
    tiny = torch.finfo(torch.float32).tiny
    return torch.where(total > tiny, patches / total.clamp(min=tiny), 1 / patches.shape[-1])


def offset_kernel(patches: Tensor, grid: Grid) -> Tensor:
    """Mean attention over all pairs of patches at each offset.

    Parameters
    ----------
    patches
        ``(..., P, P)``, rows = source, such as :func:`between_patches` gives.
    grid
        Height and width of the patch grid, P = height · width.

    Returns
    -------
    ``(..., 2·height - 1, 2·width - 1)`` float32, in [0, 1] for rows that sum to 1; the offset
    ``(down, right)`` is at ``[height - 1 + down, width - 1 + right]``. Needs little memory beside
    ``patches``: the sums of one row of the grid at a time.
    """
    height, width = grid
    across = 2 * width - 1
    place = _places(grid, patches.device)
    flat = patches.float().reshape(-1, height, len(place))  # (N, height, width · P)
    sums = flat.new_zeros(len(flat), (2 * height - 1) * across)
    for row in range(height):
        reached = sums[:, (height - 1 - row) * across : (2 * height - 1 - row) * across]
        reached.scatter_add_(1, place.expand(len(flat), -1), flat[:, row])
    means = sums / offset_pairs(grid, patches.device).flatten()
    return means.view(*patches.shape[:-2], 2 * height - 1, across)


def offset_features(patches: Tensor, grid: Grid) -> Tensor:
    """What patterns ``(..., P, P)`` look like by offset and by target: ``(..., F)`` float32.

    The square roots of the attention at each offset, summed over its pairs, and of the mean
    attention that each patch gets; F = (2·height - 1)·(2·width - 1) + P.
    """
    sums = offset_kernel(patches, grid) * offset_pairs(grid, patches.device)
    return torch.cat([sums.flatten(-2), patches.mean(-2)], -1).sqrt()


def offset_pairs(grid: Grid, device: torch.device | None = None) -> Tensor:
    """How many pairs of patches there are at each offset, ``(2·height - 1, 2·width - 1)``."""
    along = [side - torch.arange(1 - side, side, device=device).abs() for side in grid]
    return along[0][:, None] * along[1]


def by_offset(kernel: Tensor, grid: Grid) -> Tensor:
    """The kernel's value for every pair of patches: ``(N, …)`` to ``(N, P, P)``.

    ``kernel`` is as :func:`offset_kernel` gives it.
    """
    height, width = grid
    rows = torch.arange(height, device=kernel.device).repeat_interleave(width)
    columns = torch.arange(width, device=kernel.device).repeat(height)
    down = rows - rows[:, None] + height - 1
    right = columns - columns[:, None] + width - 1
    return kernel[:, down, right]


def _places(grid: Grid, device: torch.device) -> Tensor:
    """Where the attention of one row of sources belongs, ``(width · P,)`` int64.

    Counted from the row of offsets that reaches the top of the grid.
    """
    height, width = grid
    columns = torch.arange(width, device=device)
    right = columns - columns[:, None] + width - 1  # (source column, target column)
    down = (2 * width - 1) * torch.arange(height, device=device)
    return (down[:, None] + right[:, None]).flatten()  # (width, height, width), flattened
