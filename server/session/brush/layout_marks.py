"""Which layouts of patterns a brush's shapes lie on, as text: in another store they mark others."""

from collections.abc import Sequence

from headbrush.server.session.brush.clauses import Clause
from headbrush.server.stores.store_data import StoreData


def layout_marks(clauses: Sequence[Clause], data: StoreData) -> str:
    """``patch.1a2b3c4d,cls.5e6f7a8b``: fingerprints of the layouts under the shapes; or empty."""
    used = {clause.layout for clause in clauses}
    marks = data.layout_fingerprints
    return ",".join(f"{layout}.{mark}" for layout, mark in marks.items() if layout in used)


def other_layouts(text: str, data: StoreData) -> frozenset[str]:
    """Layouts in untrusted marks that differ from this store's; none in links of headbrush 0.1."""
    marks = (word.partition(".") for word in text.split(","))
    return frozenset(
        layout for layout, _, mark in marks if mark != data.layout_fingerprints.get(layout, mark)
    )
