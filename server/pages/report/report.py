"""The server's views as one self-contained HTML file that keeps brushing, or as fragments.

Nothing of it needs a server, a network or Python: images and heads share two sources, and the
browser computes means and bands itself.
"""

import base64
import gzip
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.resources import INLINE

from headbrush.analysis.store.atomic_files import replacing
from headbrush.analysis.store.tools.lazy_property import lazy_property
from headbrush.server.pages.report.output.fragments import Parts, item_text, make_item, make_parts
from headbrush.server.pages.report.output.netcdf import to_netcdf
from headbrush.server.pages.report.parts.contents import Contents
from headbrush.server.pages.report.sizes import size_words, sizes_of
from headbrush.server.pages.report.template_variables import PLOT_SCRIPTS, variables
from headbrush.server.session.brush.csv_export import to_csv
from headbrush.server.tools.assets import TEMPLATES, scripts
from headbrush.server.views.common.plot_theme import plot_theme

MOST_EMBEDDED = 50_000
"""Patterns of which the report itself carries the values as netCDF."""


@dataclass(frozen=True)
class Report(Contents):
    """A report that is made and can be written or shown; its document holds all panels."""

    document: Document = field(default_factory=Document)

    @lazy_property
    def html(self) -> str:
        """The whole file."""
        return file_html(
            self.document,
            INLINE,
            self.document.title,
            template=TEMPLATES.get_template("report.html"),
            template_variables=variables(self, *self.files),
            theme=plot_theme(),
            suppress_callback_warning=True,
        )

    @property
    def sizes(self) -> dict[str, float]:
        """Megabytes of the whole file by part."""
        return sizes_of(self.html, self.files[0])

    @property
    def size_words(self) -> str:
        """The file's size by part, as a sentence."""
        return size_words(self.sizes)

    def save(self, path: str | Path, fragment: bool = False) -> int:
        """Write the file, at once or not at all.

        Parameters
        ----------
        fragment
            Only the views, for another page; one JSON item if ``path`` ends in ``.json``.

        Returns
        -------
        Bytes written.
        """
        if fragment:
            is_item = Path(path).suffix == ".json"
            text = item_text(self.json_item()) if is_item else self.parts().html
        else:
            text = self.html
        with replacing(Path(path)) as temporary:
            return temporary.write_bytes(text.encode())

    def save_data(self, path: str | Path) -> int:
        """Write the values behind the plots as netCDF; returns the bytes written."""
        with replacing(Path(path)) as temporary:
            return temporary.write_bytes(self.netcdf)

    @lazy_property
    def netcdf(self) -> bytes:
        """The values behind the plots."""
        return to_netcdf(self.session, self.pages)

    def parts(self) -> Parts:
        """The views for another page; those of one report share a brush."""
        return make_parts(self.panels, plot_theme(), scripts(PLOT_SCRIPTS))

    def json_item(self) -> dict[str, Any]:
        """The views, in one column if several, for ``Bokeh.embed.embed_item``."""
        return make_item(self.panels, plot_theme(), scripts(PLOT_SCRIPTS))

    def _repr_html_(self) -> str:
        """Shown inline by a notebook, apart from the notebook's own scripts."""
        return framed(self.html)

    @lazy_property
    def files(self) -> tuple[dict[str, str], list[str]]:
        """Files embedded in the HTML, gzipped in base64, and a note on those left out."""
        brush = self.session.brush()
        packed = {f"{kind}.csv": to_csv(self.data, brush, kind) for kind in ("images", "heads")}
        notes = []
        if self.data.num_patterns <= MOST_EMBEDDED:
            packed["values.nc"] = gzip.compress(self.netcdf, 1, mtime=0)
        else:
            notes = ["The netCDF file is too large to embed; --data FILE.nc writes it."]
        return {name: base64.b64encode(each).decode() for name, each in packed.items()}, notes


def framed(html: str) -> str:
    """A whole file as a notebook shows it, apart from the notebook's own scripts."""
    return (
        f'<iframe srcdoc="{escape(html)}" title="headbrush report" '
        'style="width: 100%; height: 800px; border: 1px solid #d5dbe1"></iframe>'
    )
