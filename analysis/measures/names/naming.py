"""The name of a pattern: the template that tells most about it, another structure, or none.

Of all templates, one is chosen by the information of a single question: does a source attend to a
target of the template? With mass m on the targets, of which even attention would give u, the answer
tells ``KL(m ‖ u)`` bits. Of a pattern that is even within some targets and even outside, no other
set of targets tells more; so a head that looks one patch to the left is called that, not by the
wider band around it that holds a little more.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from headbrush.analysis.measures.names.fits import Grid, fits, targets_of
from headbrush.analysis.measures.names.structure import NONE as NO_STRUCTURE
from headbrush.analysis.measures.names.structure import structures
from headbrush.analysis.measures.names.templates import TEMPLATES

NO_NAME = -1
STRUCTURES = ("same targets", "blocks", "even")
LABELS = (*(template.label for template in TEMPLATES), *STRUCTURES)
"""What each number of a name is called, with the width of a band of rows."""
FAMILIES = (*(template.family for template in TEMPLATES), *STRUCTURES)
"""The same without the width."""

CLEAR_EXCESS, CLEAR_ROWS = 0.5, 0.8
LEANING_EXCESS = 0.25
SECOND_EXCESS = 0.2


@dataclass(frozen=True)
class Named:
    """Names of N patterns.

    Attributes
    ----------
    number
        ``(N,)`` int64: place in :data:`LABELS`, or :data:`NO_NAME`.
    excess
        ``(N,)`` float32: how well the name fits, e. Of a template: attention on its targets beyond
        chance. Of a structure: the share that it explains. Where there is no name: of the template
        that fits best. At most 1.
    rows
        ``(N,)`` float32: share of the patches that fit, r, in [0, 1].
    """

    number: Tensor
    excess: Tensor
    rows: Tensor

    @property
    def clear(self) -> Tensor:
        """``(N,)`` bool: e ≥ 0.5 and r ≥ 0.8. A name that is not clear leans."""
        return (self.number != NO_NAME) & (self.excess >= CLEAR_EXCESS) & (self.rows >= CLEAR_ROWS)


def name_patterns(patches: Tensor, grid: Grid) -> Named:
    """Name attention between patches ``(N, P, P)``, rows = source, whose rows sum to 1.

    The same targets for all come first, then a clear template, then another structure, then a
    template that leans (e ≥ 0.25).
    """
    fit = fits(patches, grid)
    number = fit.bits.argmax(1)
    excess, rows = (value.gather(1, number[:, None])[:, 0] for value in (fit.excess, fit.rows))
    clear = (excess >= CLEAR_EXCESS) & (rows >= CLEAR_ROWS)
    found = structures(patches, grid, clear)
    structured = found.number != NO_STRUCTURE
    nameless = ~structured & (excess < LEANING_EXCESS)
    number = torch.where(structured, len(TEMPLATES) + found.number, number)
    return Named(
        number.masked_fill(nameless, NO_NAME),
        torch.where(structured, found.share, excess),
        torch.where(structured, found.rows, rows),
    )


def second_names(patches: Tensor, first: Tensor, grid: Grid) -> Tensor:
    """The template of what a first one leaves over: ``(N,)`` int64, or :data:`NO_NAME`.

    The first is taken to get the same on each of its targets; of what is above that, the second
    gets 0.2 more than chance. ``first`` is :attr:`Named.number`; a structure leaves nothing over.
    """
    second = torch.full_like(first, NO_NAME)
    named = ((first != NO_NAME) & (first < len(TEMPLATES))).nonzero()[:, 0]
    if not len(named):
        return second
    rest = patches[named]
    number = first[named]
    for one in number.unique().tolist():
        some = (number == one).nonzero()[:, 0]
        ideal = targets_of(one, grid, patches.device)  # (P, P), rows sum to 1 or 0
        mass = (rest[some] * (ideal > 0)).sum(-1, keepdim=True)
        rest[some] = (rest[some] - mass * ideal).clamp_(min=0)
    fit = fits(rest, grid)
    excess = fit.excess.scatter(1, number[:, None], 0.0)
    best = fit.bits.masked_fill(excess < SECOND_EXCESS, -1).max(1)
    second[named] = torch.where(best.values >= 0, best.indices, NO_NAME)
    return second
