"""Patterns that no offset describes: the same targets for all, blocks of patches, evenness."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from headbrush.analysis.measures.offset_kernel import by_offset, offset_kernel

Grid = tuple[int, int]
NONE, SAME_TARGETS, BLOCKS, EVEN = -1, 0, 1, 2
EVEN_ENTROPY = 0.98
MOST_EVEN_SQUARES = 4
"""Sum of all squares above which attention cannot be so even; 1 if it is quite even."""
SAME_TARGETS_SHARE, SAME_TARGETS_ENTROPY = 0.5, 0.9
BLOCKS_SHARE, BLOCKS_RECIPROCITY = 0.3, 0.5
BLOCKS_OF_ALL = 0.15
"""Of the whole variance, so that blocks in the little that a clear offset leaves name nothing."""
MOST_BLOCK_PATCHES = 128
_BLOCKS, _ROUNDS = 6, 8


@dataclass(frozen=True)
class Structures:
    """Of N patterns: which structure, the share it explains, and of how many patches.

    Attributes
    ----------
    number
        ``(N,)`` int64: :data:`SAME_TARGETS`, :data:`BLOCKS`, :data:`EVEN` or :data:`NONE`.
    share
        ``(N,)`` float32 in [0, 1]: of the variance over all pairs of patches; of blocks, of the
        variance that neither offset nor target explain; of even attention, its entropy.
    rows
        ``(N,)`` float32 in [0, 1]: share of the source patches that reach the same threshold.
    """

    number: Tensor
    share: Tensor
    rows: Tensor


def structures(patches: Tensor, grid: Grid, clear: Tensor) -> Structures:
    """Find the structure of attention between patches ``(N, P, P)`` whose rows sum to 1.

    Parameters
    ----------
    clear
        ``(N,)`` bool: patterns of a clear template, which are no blocks and not even.
    """
    share = same_target_share(patches)
    found = Structures(
        torch.full_like(share, NONE, dtype=torch.int64), share, torch.zeros_like(share)
    )
    _find_same_targets(patches, grid, found)
    _find_even(patches, found, ~clear)
    _find_blocks(patches, grid, found, ~clear)
    return found


def _find_same_targets(patches: Tensor, grid: Grid, found: Structures) -> None:
    for place in _places(found.share >= SAME_TARGETS_SHARE):
        some = patches[place]
        same = row_entropy(some).mean(1) < SAME_TARGETS_ENTROPY
        same &= found.share[place] > offset_share(some, grid)
        explained = _explained_rows(some, some.mean(1, keepdim=True))
        found.number[place[same]] = SAME_TARGETS
        found.rows[place[same]] = (explained >= SAME_TARGETS_SHARE).float().mean(1)[same]


def _find_even(patches: Tensor, found: Structures, may: Tensor) -> None:
    may &= (found.number == NONE) & (_squares(patches) <= MOST_EVEN_SQUARES)
    for place in _places(may):
        entropy = row_entropy(patches[place])
        even = entropy.mean(1) >= EVEN_ENTROPY
        found.number[place[even]] = EVEN
        found.share[place[even]] = entropy.mean(1)[even]
        found.rows[place[even]] = (entropy >= EVEN_ENTROPY).float().mean(1)[even]


def _find_blocks(patches: Tensor, grid: Grid, found: Structures, may: Tensor) -> None:
    """Find blocks among at most 128 patches, a fixed random choice; they stand for all."""
    chosen = _some_patches(patches.shape[-1], patches.device)
    for place in _places((found.number == NONE) & may):
        some = patches[place[:, None, None], chosen[:, None], chosen]
        mutual = reciprocity(some) >= BLOCKS_RECIPROCITY
        place, some = place[mutual], some[mutual]
        if not len(place):
            continue
        rest = _rest(patches[place], grid)[:, chosen[:, None], chosen]
        blocks = _block_means(rest)
        explained = _squares(rest) - _squares(rest - blocks)
        part = explained / _squares(rest).clamp(min=1e-12)
        varied = _squares(some - 1 / patches.shape[-1])
        is_block = (part >= BLOCKS_SHARE) & (explained >= BLOCKS_OF_ALL * varied)
        found.number[place[is_block]] = BLOCKS
        found.share[place[is_block]] = part[is_block]
        each = _explained_rows(rest, blocks) >= BLOCKS_SHARE
        found.rows[place[is_block]] = each.float().mean(1)[is_block]


def _some_patches(size: int, device: torch.device) -> Tensor:
    if size <= MOST_BLOCK_PATCHES:
        return torch.arange(size, device=device)
    drawn = torch.randperm(size, generator=torch.Generator().manual_seed(0))
    return drawn[:MOST_BLOCK_PATCHES].sort().values.to(device)


def _places(chosen: Tensor) -> list[Tensor]:
    """The places of the chosen, in one piece; no piece if there are none."""
    places = chosen.nonzero()[:, 0]
    return [places] if len(places) else []


def row_entropy(patches: Tensor) -> Tensor:
    """Entropy of every row ``(N, P)``, divided by log P: 0 for one target, 1 for even attention."""
    entropy = torch.special.entr(patches).sum(-1)
    return entropy / math.log(max(2, patches.shape[-1]))


def same_target_share(patches: Tensor) -> Tensor:
    """Share of the variance that the target alone explains ``(N,)``, R² by column, in [0, 1]."""
    ones = patches.new_ones(len(patches), 1, patches.shape[-1])
    between = torch.bmm(ones, patches)[:, 0].square().sum(-1) / patches.shape[-1] - 1
    return (between / _variance(patches)).clamp(0, 1)


def offset_share(patches: Tensor, grid: Grid) -> Tensor:
    """Share of the variance that the offset alone explains ``(N,)``, R² by offset, in [0, 1]."""
    size = patches.shape[-1]
    means = by_offset(offset_kernel(patches, grid), grid)
    return _squares(means - 1 / size) / _variance(patches)


def reciprocity(patches: Tensor) -> Tensor:
    """Correlation of attention with its transpose ``(N,)``: do patches look at each other alike?

    In [-1, 1].
    """
    centred = patches - patches.mean((-1, -2), keepdim=True)
    return (centred * centred.mT).sum((-1, -2)) / _squares(centred).clamp(min=1e-12)


def _squares(values: Tensor) -> Tensor:
    flat = values.flatten(1)
    return torch.linalg.vecdot(flat, flat)


def _variance(patches: Tensor) -> Tensor:
    """Sum of the squared deviations from even attention ``(N,)``; rows sum to 1."""
    return (_squares(patches) - 1).clamp(min=1e-12)


def _explained_rows(patches: Tensor, fitted: Tensor) -> Tensor:
    """Share of each row's variance that a fit explains, ``(N, P)``."""
    total = (patches - patches.mean(-1, keepdim=True)).square().sum(-1)
    return 1 - (patches - fitted).square().sum(-1) / total.clamp(min=1e-12)


def _rest(patches: Tensor, grid: Grid) -> Tensor:
    """What neither offset nor target explain: both means taken off, in this order."""
    rest = patches - by_offset(offset_kernel(patches, grid), grid)
    return rest - rest.mean(1, keepdim=True)


def _block_means(rest: Tensor) -> Tensor:
    """Every row replaced by the mean of its block: k-means of the rows, six blocks at most.

    The first block starts at the longest row, each other at the row farthest from all before it.
    """
    centres = rest[torch.arange(len(rest)), rest.square().sum(-1).argmax(1)][:, None]
    while centres.shape[1] < min(_BLOCKS, rest.shape[1]):
        farthest = torch.cdist(rest, centres).min(2).values.argmax(1)
        centres = torch.cat([centres, rest[torch.arange(len(rest)), farthest][:, None]], 1)
    members = _nearest(rest, centres)
    for _ in range(_ROUNDS):
        centres = members.mT @ rest / members.sum(1).clamp(min=1)[..., None]
        members = _nearest(rest, centres)
    return members @ (members.mT @ rest / members.sum(1).clamp(min=1)[..., None])


def _nearest(rest: Tensor, centres: Tensor) -> Tensor:
    """Of which block each row is, ``(N, P, blocks)`` of 0 and 1."""
    nearest = torch.cdist(rest, centres).argmin(2)
    return torch.nn.functional.one_hot(nearest, centres.shape[1]).to(rest.dtype)
