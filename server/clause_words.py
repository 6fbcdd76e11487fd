"""What a clause is, in a few words for its chip. Pure."""

from collections.abc import Sequence

from .brushing import Box, Clause, Ids

_SIGNS = {"replace": "", "add": "+ ", "subtract": "− ", "intersect": "∩ ", "xor": "⊕ "}
_LAYOUTS = {"patch": "patch", "cls": "CLS"}


def clause_words(clause: Clause) -> str:
    """``A images: 61``, ``B1/C1 heads: 3`` or ``+ D1 patch lasso``."""
    if isinstance(clause.shape, Ids):
        view = "A images" if clause.view == "images" else "B1/C1 heads"
        return f"{_SIGNS[clause.combine]}{view}: {len(clause.shape.ids):,}".replace(",", " ")
    shape = "box" if isinstance(clause.shape, Box) else "lasso"
    return f"{_SIGNS[clause.combine]}D1 {_LAYOUTS[clause.layout]} {shape}"


def brush_words(clauses: Sequence[Clause]) -> str:
    """All clauses in one line."""
    return " · ".join(map(clause_words, clauses))
