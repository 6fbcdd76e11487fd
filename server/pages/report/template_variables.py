"""Variables of ``templates/report.html``: findings, facts, pages, scripts and styles."""

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bokeh import __version__ as bokeh_version

from headbrush.analysis.store.facts.store_info import facts_of
from headbrush.analysis.store.store import store_size
from headbrush.server.pages.report import findings
from headbrush.server.pages.report.parts.contents import Contents
from headbrush.server.pages.report.parts.panels import HeadPage
from headbrush.server.pages.report.parts.redact_folders import short_command, without_folders
from headbrush.server.pages.report.parts.request import most_important
from headbrush.server.session.brush.description import brushed_words
from headbrush.server.session.palette import DARK_OF
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.assets import (
    BOKEH_SCRIPTS,
    GALLERY_SCRIPTS,
    NAME_SCRIPTS,
    SHARED_SCRIPTS,
    scripts,
    static,
)

PLOT_SCRIPTS = (
    *BOKEH_SCRIPTS,
    *SHARED_SCRIPTS,
    *GALLERY_SCRIPTS,
    "report/density.js",
    "report/patterns.js",
    "report/tables.js",
    "report/captions.js",
    "report/brushing.js",
    "report/pair.js",
    "report/page.js",
)
"""What the plots call; comes before them."""
_TITLES = {
    "what_if": "What if these heads were gone?",
    "trends": "Trends over classes and images",
    "explain": "What the heads say for a class",
}
"""Of the sections that show further workspaces."""
_STYLES = ("css/colours.css", "css/style.css", "css/report.css")
_LATER_SCRIPTS = (
    *NAME_SCRIPTS,
    "report/names.js",
    "bokeh/painting.js",
    "page/inside.js",
    "page/save_plots.js",
    "report/files.js",
    "report/theme.js",
    "report/print.js",
)


def variables(
    contents: Contents, files: Mapping[str, str], file_notes: Sequence[str]
) -> dict[str, Any]:
    """The variables of the template, which escapes text.

    Parameters
    ----------
    files, file_notes
        Embedded files in base64 by their names, and what is left out of them.
    """
    data = contents.data
    return looks() | {
        "model": data.store.attrs["model"],
        "lede": findings.lede(data, [panel.view for panel in contents.overview]),
        "contents": contents.overview and contents.pages,
        "facts": facts_table(data),
        "versions": versions(),
        "findings": _findings(contents),
        "why": contents.request.why,
        "overview": contents.overview,
        "sections": [(name, _TITLES[name], one) for name, one in contents.sections.items()],
        "brushed": brushed_words(data, contents.session.brush()),
        "pages": [_page(data, page) for page in contents.pages],
        "files": files,
        "left_out": findings.left_out([*contents.failed, *contents.notes, *file_notes]),
        "citations": citations(),
    }


def looks() -> dict[str, Any]:
    """Variables that every report needs: styles, scripts and colours."""
    return {
        "css": static(*_STYLES),
        "scripts": scripts(PLOT_SCRIPTS),
        "theme": scripts(["theme.js"]),
        "later": scripts(_LATER_SCRIPTS),
        "colours": DARK_OF,
    }


def versions() -> str:
    """What made the report."""
    return f"headbrush {_version()}, Bokeh {bokeh_version}"


def citations() -> list[str]:
    """How to cite the method and the tool."""
    return [findings.CITE_METHOD, findings.cite_tool(_version())]


def facts_table(data: StoreData) -> list[tuple[str, str]]:
    """How a store was made, in pairs of a name and a value, without folders."""
    store = data.store
    shown = dict(facts_of(store, store_size(store.path)))
    shown.pop("model source", None)
    shown["command"] = short_command(str(shown["command"]))
    return [(k, without_folders(findings.short(v), store)) for k, v in shown.items()]


def _findings(contents: Contents) -> list[tuple[str, str]]:
    """Pairs of a head's label and a text; the first is of all heads."""
    data = contents.data
    heads = dict.fromkeys(page.head for page in contents.pages) or most_important(data)
    texts = [(data.head_labels[n], findings.head_finding(data, n)) for n in heads]
    return [("", findings.main_finding(data)), *texts]


def _page(data: StoreData, page: HeadPage) -> dict[str, Any]:
    label, image = data.head_labels[page.head], page.image
    return {
        "title": page.title,
        "words": findings.mode_finding(data, page),
        "picture": "" if image is None else data.thumbnail(image),
        "alt": "" if image is None else f"The image {data.names[image]}",
        "panels": page.panels,
        "label": f"attention-{label}-{'mean' if image is None else image}",
        "matrix": page.matrix_id,
    }


def _version() -> str:
    try:
        return version("headbrush")
    except PackageNotFoundError:
        return "(not installed)"
