"""A report of two stores side by side: one HTML file that needs no server."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.resources import INLINE

from headbrush.analysis.store.atomic_files import replacing
from headbrush.analysis.store.tools.lazy_property import lazy_property
from headbrush.server.pages.report import findings
from headbrush.server.pages.report.head_differences import DifferencesPart
from headbrush.server.pages.report.parts.panels import Panel
from headbrush.server.pages.report.report import framed
from headbrush.server.pages.report.sizes import size_words, sizes_of
from headbrush.server.pages.report.template_variables import (
    citations,
    facts_table,
    looks,
    versions,
)
from headbrush.server.session.brush.csv_export import to_csv
from headbrush.server.session.brush.description import brushed_words
from headbrush.server.session.session import Session
from headbrush.server.stores.words import accuracy_words, heads_words, images_words
from headbrush.server.tools.assets import TEMPLATES
from headbrush.server.views.common.plot_theme import plot_theme

PAIR_VIEWS = ("head_importance", "image_overview", "strength_overview")
"""The views of each store, as on the page of two stores."""


@dataclass(frozen=True)
class Side:
    """One store of a report of two.

    Attributes
    ----------
    name
        What the report calls the store.
    prefix
        Begins the names of what belongs to it: ``a_`` or ``b_``.
    notes, failed
        Sentences on what is left out, and on views that failed.
    """

    name: str
    prefix: str
    session: Session
    panels: tuple[Panel, ...]
    notes: tuple[str, ...]
    failed: tuple[str, ...]

    def panel(self, view: str) -> Panel | None:
        """The panel of a view; None if it failed."""
        return next((panel for panel in self.panels if panel.view == view), None)

    @lazy_property
    def files(self) -> dict[str, str]:
        """Tables of images and heads, gzipped in base64, by their names."""
        data, brush, letter = self.session.data, self.session.brush(), self.prefix[0]
        tables = {f"{letter}-{kind}.csv": to_csv(data, brush, kind) for kind in ("images", "heads")}
        return {name: base64.b64encode(packed).decode() for name, packed in tables.items()}

    @property
    def left_out(self) -> list[str]:
        """What is left out of this store."""
        return [f"{self.name}: {words}" for words in (*self.failed, *self.notes)]

    def variables(self) -> dict[str, Any]:
        """What the template says of this store."""
        data = self.session.data
        counts = heads_words(data), images_words(data), accuracy_words(data)
        return {
            "name": self.name,
            "prefix": self.prefix,
            "model": data.store.attrs["model"],
            "counts": " · ".join(counts),
            "finding": findings.main_finding(data),
            "brushed": brushed_words(data, self.session.brush()),
            "facts": dict(facts_table(data)),
            "files": self.files,
        }


@dataclass(frozen=True)
class PairReport:
    """A report of two stores that can be written; ``common`` images are called the same."""

    sides: Sequence[Side]
    common: int
    differences: DifferencesPart
    document: Document

    @lazy_property
    def html(self) -> str:
        """The whole file."""
        return file_html(
            self.document,
            INLINE,
            self.document.title,
            template=TEMPLATES.get_template("pair_report.html"),
            template_variables=self._variables(),
            theme=plot_theme(),
            suppress_callback_warning=True,
        )

    @property
    def failed(self) -> list[str]:
        """Sentences on views that failed and are left out."""
        return [words for side in self.sides for words in side.failed]

    @property
    def size_words(self) -> str:
        """The file's size by part, as a sentence."""
        files = self.sides[0].files | self.sides[1].files | self.differences.files
        return size_words(sizes_of(self.html, files))

    def save(self, path: str | Path) -> int:
        """Write the file, at once or not at all; returns the bytes written."""
        with replacing(Path(path)) as temporary:
            return temporary.write_bytes(self.html.encode())

    def _repr_html_(self) -> str:
        """Shown inline by a notebook, apart from the notebook's own scripts."""
        return framed(self.html)

    def _variables(self) -> dict[str, Any]:
        rows = [[(side.prefix, side.panel(view)) for side in self.sides] for view in PAIR_VIEWS]
        of_sides = [words for side in self.sides for words in side.left_out]
        sides = [side.variables() for side in self.sides]
        return looks() | {
            "sides": sides,
            "facts": list(dict.fromkeys(key for side in sides for key in side["facts"])),
            "rows": rows,
            "common": self.common,
            "differences": self.differences,
            "versions": versions(),
            "left_out": [findings.rounding("CSV"), *of_sides],
            "citations": citations(),
        }
