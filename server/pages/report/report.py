"""The server's views as one self-contained HTML file that keeps brushing, or as fragments.

Nothing of it needs a server, a network or Python: images and heads share two sources, and the
browser computes means and bands itself.
"""

import base64
import gzip
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bokeh import __version__ as bokeh_version
from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.models import Markup
from bokeh.resources import INLINE

from headbrush.analysis.store.atomic_files import replacing
from headbrush.analysis.store.lazy_property import lazy_property
from headbrush.analysis.store.store import Store, store_size
from headbrush.analysis.store.store_info import facts_of
from headbrush.server.pages.report import findings
from headbrush.server.pages.report.browser.brushing import link
from headbrush.server.pages.report.output.fragments import Parts, item_text, make_item, make_parts
from headbrush.server.pages.report.output.netcdf import to_netcdf
from headbrush.server.pages.report.parts.panels import HeadPage, Panel, overview_panels, page_panels
from headbrush.server.pages.report.parts.redact_folders import short_command, without_folders
from headbrush.server.pages.report.parts.request import OVERVIEWS, Asked, most_important, read_asked
from headbrush.server.pages.report.parts.thumbnails import fill_thumbnails
from headbrush.server.pages.report.sizes import size_words, sizes_of
from headbrush.server.session.brush.csv_export import to_csv
from headbrush.server.session.brush.description import brushed_words
from headbrush.server.session.brush.named_brushes import Named
from headbrush.server.session.palette import DARK_OF, LIGHT
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.model.live_model import live_model
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.assets import BOKEH_SCRIPTS, SHARED_SCRIPTS, TEMPLATES, scripts, static
from headbrush.server.views.common.plot_theme import plot_theme

MOST_EMBEDDED = 50_000
"""Patterns of which the report itself carries the values as netCDF."""
_STYLES = ("css/colours.css", "css/style.css", "css/report.css")
_SCRIPTS = (
    *BOKEH_SCRIPTS,
    *SHARED_SCRIPTS,
    "report/density.js",
    "report/patterns.js",
    "report/brushing.js",
    "report/page.js",
)
"""What the plots call; comes before them."""
_LATER_SCRIPTS = (
    "bokeh/painting.js",
    "page/save_plots.js",
    "report/files.js",
    "report/theme.js",
    "report/print.js",
)


@dataclass(frozen=True)
class Report:
    """A report that is made and can be written or shown."""

    data: StoreData
    asked: Asked
    document: Document
    session: Session
    overview: tuple[Panel, ...]
    pages: tuple[HeadPage, ...]
    notes: tuple[str, ...]

    def settle(self) -> None:
        """Put the views into the document."""
        with self.document.models.freeze():  # else every root is followed by a look at all models
            for panel in self._panels:
                self.document.add_root(panel.root)
        for model in self.document.models:
            if isinstance(model, Markup):
                model.text = without_folders(model.text, self.data.store)

    @lazy_property
    def html(self) -> str:
        """The whole file."""
        return file_html(
            self.document,
            INLINE,
            self.document.title,
            template=TEMPLATES.get_template("report.html"),
            template_variables=self._variables(),
            theme=plot_theme(),
            suppress_callback_warning=True,
        )

    @property
    def sizes(self) -> dict[str, float]:
        """Megabytes of the whole file by part."""
        return sizes_of(self.html, self._files[0])

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
        return make_parts(self._panels, plot_theme(), scripts(_SCRIPTS))

    def json_item(self) -> dict[str, Any]:
        """The views, in one column if several, for ``Bokeh.embed.embed_item``."""
        return make_item(self._panels, plot_theme(), scripts(_SCRIPTS))

    @property
    def _panels(self) -> list[Panel]:
        return [*self.overview, *(panel for page in self.pages for panel in page.panels)]

    def _repr_html_(self) -> str:
        """Shown inline by a notebook, apart from the notebook's own scripts."""
        return (
            f'<iframe srcdoc="{escape(self.html)}" title="headbrush report" '
            'style="width: 100%; height: 800px; border: 1px solid #d5dbe1"></iframe>'
        )

    def _variables(self) -> dict[str, Any]:
        store = self.data.store
        files, notes = self._files
        return {
            "css": static(*_STYLES),
            "scripts": scripts(_SCRIPTS),
            "theme": scripts(["theme.js"]),
            "later": scripts(_LATER_SCRIPTS),
            "colours": DARK_OF,
            "model": store.attrs["model"],
            "lede": findings.lede(self.data),
            "contents": self.overview and self.pages,
            "facts": self._facts(),
            "versions": f"headbrush {_version()}, Bokeh {bokeh_version}",
            "findings": self._findings(),
            "why": self.asked.why,
            "overview": self.overview,
            "brushed": brushed_words(self.data, self.session.brush()),
            "pages": [self._page(page) for page in self.pages],
            "files": files,
            "left_out": findings.left_out([*self.notes, *notes]),
            "citations": [findings.CITE_METHOD, findings.cite_tool(_version())],
        }

    @lazy_property
    def _files(self) -> tuple[dict[str, str], list[str]]:
        """Files embedded in the HTML, gzipped in base64, and a note on those left out."""
        brush = self.session.brush()
        packed = {f"{kind}.csv": to_csv(self.data, brush, kind) for kind in ("images", "heads")}
        notes = []
        if self.data.num_patterns <= MOST_EMBEDDED:
            packed["values.nc"] = gzip.compress(self.netcdf, 1, mtime=0)
        else:
            notes = ["The netCDF file is too large to embed; --data FILE.nc writes it."]
        return {name: base64.b64encode(each).decode() for name, each in packed.items()}, notes

    def _facts(self) -> list[tuple[str, str]]:
        store = self.data.store
        shown = dict(facts_of(store, store_size(store.path)))
        shown.pop("model source", None)
        shown["command"] = short_command(str(shown["command"]))
        return [(k, without_folders(findings.short(v), store)) for k, v in shown.items()]

    def _findings(self) -> list[tuple[str, str]]:
        """Pairs of a head's label and a text; the first is of all heads."""
        heads = dict.fromkeys(page.head for page in self.pages) or most_important(self.data)
        told = [(self.data.head_labels[n], findings.head_finding(self.data, n)) for n in heads]
        return [("", findings.main_finding(self.data)), *told]

    def _page(self, page: HeadPage) -> dict[str, Any]:
        return {
            "title": f"{self.data.head_labels[page.head]} in {self.data.names[page.image]}",
            "words": findings.mode_finding(self.data, page),
            "picture": self.data.thumbnail(page.image),
            "alt": f"The image {self.data.names[page.image]}",
            "panels": page.panels,
            "label": f"attention-{self.data.head_labels[page.head]}-{page.image}",
            "matrix": page.matrix_id,
        }


def make_report(
    store: Store | StoreData | Path | str,
    images: Sequence[object] = (),
    heads: Sequence[object] = (),
    views: Sequence[str] = (),
    state: ViewState | None = None,
    named: Named = (),
) -> Report:
    """Make a report of a store.

    Parameters
    ----------
    images, heads, views
        As of ``read_asked``.
    state, named
        What a page of the server shows, to be shown again: its brush, colours and compared brushes.

    Raises
    ------
    InputError
        If an image, head or view is not in the store.
    """
    data = _data(store)
    asked = read_asked(data, images, heads, views)
    if asked.needs_model:
        live_model(data.store).warm_up()  # the model loads while the other views are made
    return _made(data, asked, state or replace(default_state(data), image=None), named)


def _made(data: StoreData, asked: Asked, shown: ViewState, named: Named) -> Report:
    document = Document()
    session = Session(data, shown, LIGHT, document)
    overview = overview_panels(session, asked.views, named)
    notes = fill_thumbnails(session)  # before the model is waited for
    pages = page_panels(session, asked.pages, asked.views)
    notes += link(session, overview, pages)
    document.title = f"headbrush report: {data.store.attrs['model']}"
    report = Report(data, asked, document, session, overview, tuple(pages), tuple(notes))
    report.settle()
    return report


def report_of(data: StoreData, state: ViewState, named: Named) -> bytes:
    """What a page of the server shows, as a gzipped report."""
    if state.image is None:
        report = make_report(data, views=OVERVIEWS, state=state, named=named)
    else:
        heads = [(state.layer, state.head)]
        report = make_report(data, [state.image], heads, state=state, named=named)
    return gzip.compress(report.html.encode(), 5, mtime=0)


def _data(store: Store | StoreData | Path | str) -> StoreData:
    if isinstance(store, StoreData):
        return store
    return StoreData(store if isinstance(store, Store) else Store(store))


def _version() -> str:
    try:
        return version("headbrush")
    except PackageNotFoundError:
        return "(not installed)"
