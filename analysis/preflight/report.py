"""What an analysis would do, in words and in numbers."""

from dataclasses import dataclass
from html import escape

from headbrush.analysis.preflight.expect import Expected


@dataclass(frozen=True, repr=False)
class Preflight:
    """What an analysis would do; it has been checked that it can.

    Attributes
    ----------
    lines
        Pairs of a heading and a text of one line, in the order in which they are read.
    expected
        The numbers among them.
    """

    lines: tuple[tuple[str, str], ...]
    expected: Expected

    @property
    def seconds(self) -> float:
        """Expected time of the analysis."""
        return self.expected.total_seconds

    def __repr__(self) -> str:
        width = max(len(heading) for heading, _ in self.lines)
        return "\n".join(f"{heading:{width}}  {text}" for heading, text in self.lines)

    def _repr_html_(self) -> str:
        """The same as a table, for notebooks."""
        rows = (
            f"<tr><th style='text-align:left'>{escape(heading)}</th>"
            f"<td style='text-align:left'>{escape(text)}</td></tr>"
            for heading, text in self.lines
        )
        return f"<table>{''.join(rows)}</table>"
