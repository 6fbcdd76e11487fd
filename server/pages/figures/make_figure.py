"""Makes figures: of a store, or of what a page of the server shows."""

import gzip
from pathlib import Path

from headbrush.analysis.store.atomic_files import replacing
from headbrush.analysis.store.store import Store
from headbrush.server.pages.figures import request
from headbrush.server.pages.figures.compose import draw_figure
from headbrush.server.pages.figures.parts.fonts import lacking, lacking_words
from headbrush.server.pages.figures.parts.paper import PaperFigure
from headbrush.server.pages.report.make_report import data_of
from headbrush.server.session.reader import ReaderLists
from headbrush.server.session.state import ViewState
from headbrush.server.stores.store_data import StoreData

_PAGE_DPI = 300
_PATIENCE_S = 3600
"""For means over images; a page shows, and saves, what is computed so far."""


def make_figure(
    store: Store | StoreData | Path | str,
    head: object = None,
    image: object = None,
    panel: str = request.HEAD,
    width: str | float = "one",
    dpi: int = 300,
    link: str = "",
    with_caption: bool = True,
) -> tuple[PaperFigure, str, str]:
    """Make a figure of a store.

    Parameters
    ----------
    head, image, link
        As of ``read_state``.
    panel
        Letter of a view, or ``head``.
    width
        ``one`` column, ``two`` columns, or inches.
    dpi
        Of pictures within the figure.

    Returns
    -------
    The figure, its file name without an ending, and a note on unusable parts of the link and on
    characters that no font has.

    Raises
    ------
    InputError
        If something asked for is not in the store, or the panel has nothing to show.
    """
    panel, inches = request.read_panel(panel), request.read_width(width)
    request.check_dpi(dpi, inches)
    data = data_of(store)
    state, lists, note = request.read_state(data, head, image, link)
    with lacking() as characters:
        figure = draw_figure(data, state, lists, panel, inches, dpi, with_caption, _PATIENCE_S)
    notes = " ".join(filter(None, (note, lacking_words(characters))))
    return figure, request.file_stem(data, state, panel), notes


def save_figure(figure: PaperFigure, path: Path) -> int:
    """Write a figure at once or not at all; returns the bytes written."""
    content = figure.content(request.format_of(path))
    with replacing(path) as temporary:
        return temporary.write_bytes(content)


def figure_of(
    data: StoreData, state: ViewState, lists: ReaderLists, panel: str, width: str, ending: str
) -> bytes:
    """A gzipped figure of what a page of the server shows, with pictures at 300 dpi.

    Raises
    ------
    InputError
        If the panel has nothing to show.
    """
    inches = request.read_width(width)
    figure = draw_figure(data, state, lists, panel, inches, _PAGE_DPI, True)
    return gzip.compress(figure.content(ending), 5, mtime=0)
