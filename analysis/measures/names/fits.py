"""How well the attention between patches fits each template."""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from headbrush.analysis.measures.memory_budget import at_once
from headbrush.analysis.measures.names.templates import TEMPLATES, Grid, counts, targets

_MOST_CHANCE = 0.5
"""A band of rows that is most of a small grid names nothing."""
TARGET_BYTES, KEPT_BYTES = 32 * 2**20, 64 * 2**20
"""Memory for the targets of some patches as numbers, and for those of all, kept between calls."""


@dataclass(frozen=True)
class Fits:
    """For N matrices and K templates.

    Attributes
    ----------
    excess
        ``(N, K)``: e, the share of attention on the template's targets, corrected for chance; 0 for
        uniform attention, 1 if the targets get everything. Negative below chance.
    rows
        ``(N, K)``: r, the share of patches that give the targets more than half of their attention.
    bits
        ``(N, K)``: information of whether a patch attends to a target, against even attention; 0
        where the targets get no more than that, or are more than half of all patches.
    """

    excess: Tensor
    rows: Tensor
    bits: Tensor


def fits(patches: Tensor, grid: Grid) -> Fits:
    """Measure attention between patches ``(N, P, P)`` whose rows sum to 1.

    Only patches that have a target count.
    """
    masses = row_masses(patches, grid)
    having = (counts(grid) > 0).to(patches.device)  # (P, K)
    valid = having.sum(0).clamp(min=1)
    chance = chance_of(grid).to(patches.device)
    mass = (masses.sum(1) / valid).clamp(0, 1)
    excess = (mass - chance) / (1 - chance).clamp(min=1e-6)
    most = ((masses > 0.5) & having).sum(1) / valid
    return Fits(excess, most, _bits(mass, chance))


def _bits(mass: Tensor, chance: Tensor) -> Tensor:
    """KL(mass ‖ chance) of a yes-or-no question; 0 where it does not count."""
    yes = torch.special.xlogy(mass, mass / chance)
    no = torch.special.xlogy(1 - mass, (1 - mass) / (1 - chance).clamp(min=1e-6))
    counted = (mass > chance) & (chance <= _MOST_CHANCE)
    return torch.where(counted, (yes + no) / math.log(2), 0.0)


def targets_of(number: int, grid: Grid, device: torch.device) -> Tensor:
    """One template as attention ``(P, P)``: even over each source's targets, 0 without targets."""
    chosen = targets(grid, slice(None), device, (TEMPLATES[number],))[..., 0].float()
    return chosen / chosen.sum(-1, keepdim=True).clamp(min=1)


def chance_of(grid: Grid) -> Tensor:
    """What uniform attention gives each template, u: ``(K,)`` in [0, 1], on the CPU.

    1 for a template that has no targets on this grid, or every patch.
    """
    number = counts(grid)
    having = (number > 0).sum(0)
    mean = number.sum(0) / having.clamp(min=1) / len(number)
    return torch.where(having > 0, mean, 1.0).float()


def row_masses(patches: Tensor, grid: Grid) -> Tensor:
    """Attention of every patch to the targets of each template: ``(N, P, K)``."""
    size = patches.shape[-1]
    number = len(TEMPLATES)
    all_targets = _all_targets(grid, patches.device) if number * size**2 <= KEPT_BYTES else None
    rows = at_once(4 * number * size, size, TARGET_BYTES)
    masses = []
    for start in range(0, size, rows):
        some = slice(start, start + rows)
        where = targets(grid, some, patches.device) if all_targets is None else all_targets[some]
        masses.append(torch.bmm(patches[:, some].transpose(0, 1), where.to(patches.dtype)))
    return torch.cat(masses).transpose(0, 1)


@lru_cache(maxsize=1)
def _all_targets(grid: Grid, device: torch.device) -> Tensor:
    """Targets of all patches ``(P, P, K)``; of type bool, as they are kept."""
    return targets(grid, slice(None), device)
