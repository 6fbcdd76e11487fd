"""Names for what a head does with the class token and the registers.

Several may hold for one head, so they are bits of one number.
"""

import torch
from torch import Tensor

Grid = tuple[int, int]
CLASS_NAMES = (
    "CLS to CLS",
    "patches to CLS",
    "top edge to CLS",
    "bottom edge to CLS",
    "left edge to CLS",
    "right edge to CLS",
    "CLS to few patches",
    "patches to registers",
)
"""By bit, lowest first."""
MOSTLY = 0.5
EDGE_MORE = 0.3
FEW = 0.1


def class_names(attention: Tensor, num_prefix_tokens: int, grid: Grid) -> Tensor:
    """Which of :data:`CLASS_NAMES` hold for each matrix ``(..., T, T)``: ``(...)`` uint8 of bits.

    The class token is the first token. To CLS: at least half of the attention, in the mean. An
    edge: its patches attend to CLS by 0.3 more than the patches inside, which are on no edge. Few
    patches: the participation ratio of what CLS attends to is at most a tenth of the patches.
    """
    rows = attention.float()
    from_patches = rows[..., num_prefix_tokens:, 0]
    to_registers = rows[..., num_prefix_tokens:, 1:num_prefix_tokens].sum(-1)
    holds = [
        rows[..., 0, 0] >= MOSTLY,
        from_patches.mean(-1) >= MOSTLY,
        *(more >= EDGE_MORE for more in _edges_more(from_patches, grid)),
        participation(rows[..., 0, num_prefix_tokens:]) <= FEW * grid[0] * grid[1],
        to_registers.mean(-1) >= MOSTLY,
    ]
    bits = sum(held.to(torch.int64) << place for place, held in enumerate(holds))
    return torch.as_tensor(bits).to(torch.uint8)


def participation(weights: Tensor) -> Tensor:
    """How many of the last axis share the weight: 1 for a single one, n for n equal ones."""
    total = weights.sum(-1).square()
    return total / weights.square().sum(-1).clamp(min=torch.finfo(torch.float32).tiny)


def _edges_more(values: Tensor, grid: Grid) -> tuple[Tensor, ...]:
    """Mean over the patches of the top, bottom, left, right edge, minus that over the inside."""
    board = values.unflatten(-1, grid)
    if min(grid) < 3:
        return (torch.zeros_like(board[..., 0, 0]),) * 4
    inside = board[..., 1:-1, 1:-1].mean((-1, -2))
    edges = (board[..., 0, :], board[..., -1, :], board[..., 0], board[..., -1])
    return tuple(edge.mean(-1) - inside for edge in edges)


def names_of(bits: int) -> list[str]:
    """The names that a number of :func:`class_names` stands for."""
    return [name for place, name in enumerate(CLASS_NAMES) if bits >> place & 1]
