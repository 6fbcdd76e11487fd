"""The table of a store's variables in docs/store.md, generated from the schema.

python docs/store_tables.py          writes it into docs/store.md again
"""

import re
from pathlib import Path

from headbrush.analysis.store.schema import VARIABLES, Variable

PAGE = Path(__file__).parent / "store.md"
_TABLE = re.compile(r"(?<=<!-- variables -->\n).*?(?=<!-- end of variables -->)", re.DOTALL)


def variables_table() -> str:
    """Markdown, one row per variable of ``summary.nc``."""
    heading = (
        "| variable | dimensions | type | units | range | meaning |\n|---|---|---|---|---|---|\n"
    )
    return heading + "".join(_row(name, spec) for name, spec in VARIABLES.items())


def _row(name: str, spec: Variable) -> str:
    optional = " (optional)" if spec.optional else ""
    dims = ", ".join(spec.dims)
    limits = "" if spec.valid_range is None else "{:.7g} to {:.7g}".format(*spec.valid_range)
    cells = (f"`{name}`{optional}", dims, spec.dtype, spec.units, limits, spec.long_name)
    return f"| {' | '.join(cells)} |\n"


def with_table(page: str) -> str:
    """``page`` with the current table between its two marks."""
    return _TABLE.sub(lambda _: variables_table(), page, count=1)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
