"""What a figure is asked for: panel, width, format, state; every mistake is one sentence. Pure."""

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from headbrush.analysis.store.atomic_files import check_writable
from headbrush.analysis.store.errors import InputError
from headbrush.server.pages.report.parts.request import read_head, read_image
from headbrush.server.session.brush.named_link import read_named
from headbrush.server.session.prune.named_sets import sets_of_link
from headbrush.server.session.reader import ReaderLists
from headbrush.server.session.state import ViewState
from headbrush.server.session.url_state import MOST_BRUSH, from_query
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.registry import ROWS

HEAD = "head"
"""The figure that several panels of one head make up."""
HEAD_PANELS = ("B1", "B2", "C2", "D2", "D3", "D4")
PANELS = (*(row.letter for row in ROWS if "figure" in row.saves), HEAD)
FORMATS = ("pdf", "svg", "png")
WIDTHS = {"one": 3.35, "two": 6.9}
"""Inches of one column, and of two."""
_WIDTH_BOUNDS = 2.5, 20.0
_DPI_BOUNDS = 72, 1200
_MOST_PIXELS = 16_000
"""Along the width of a picture; the height is seldom more."""
_ALL = ("all", "none")
_LONGEST_STEM = 60


def read_panel(word: str) -> str:
    """A panel by its letter, in any case, or ``head``."""
    for panel in PANELS:
        if word.lower() == panel.lower():
            return panel
    raise InputError(f"--panel {word}: unknown panel; choose from {', '.join(PANELS)}.")


def read_width(word: str | float) -> float:
    """Inches: ``one`` column, ``two`` columns, or a number."""
    if word in WIDTHS:
        return WIDTHS[str(word)]
    low, high = _WIDTH_BOUNDS
    try:
        inches = float(str(word).removesuffix("in"))
    except ValueError:
        inches = 0.0
    if not low <= inches <= high:
        raise InputError(
            f"--width {word}: expected one (3.35 inches), two (6.9 inches), or inches from "
            f"{low:g} to {high:g}."
        )
    return inches


def check_dpi(dpi: int, width: float) -> None:
    """Refuse a resolution that nobody prints, or whose picture is too large."""
    low, high = _DPI_BOUNDS
    if not low <= dpi <= high:
        raise InputError(f"--dpi {dpi}: expected dots an inch from {low} to {high}.")
    if dpi * width > _MOST_PIXELS:
        raise InputError(
            f"--dpi {dpi}: {width:g} inches would be {dpi * width:.0f} pixels wide, at most "
            f"{_MOST_PIXELS} are drawn."
        )


def format_of(path: Path) -> str:
    """The format that a file name ends in."""
    ending = path.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise InputError(f"--out {path}: expected a name that ends in .pdf, .svg or .png.")
    return ending


def check_out(path: Path) -> None:
    """Refuse a file that cannot be written, or of no known format, before anything is drawn."""
    format_of(path)
    check_writable(path)


def read_state(
    data: StoreData, head: object = None, image: object = None, link: str = ""
) -> tuple[ViewState, ReaderLists, str]:
    """The state to draw, what the link has named, and a note on unusable parts of the link.

    Parameters
    ----------
    head
        ``layer.head`` or a pair; by default that of the link, or of the first page.
    image
        Id, file name, or ``all`` for means over all or the brushed images; by default as ``head``.
    link
        A page's address, or its query: selection, brush, metric, colours, what it has named.
    """
    query = urlsplit(link).query if "?" in link else link
    pairs = {key: [v.encode() for v in values] for key, values in parse_qs(query).items()}
    if link and not pairs:
        raise InputError(f"--link {link[:80]}: expected the address of a page, or what follows ?.")
    state, note = from_query(pairs, data)
    named, lost = read_named(pairs, data, MOST_BRUSH)
    sets, lost_sets = sets_of_link(pairs, data)
    if head is not None:
        chosen = data.head(read_head(data, head))
        state = replace(state, layer=chosen.layer, head=chosen.head)
    if image is not None:
        is_all = str(image).lower() in _ALL and str(image) not in data.names
        number = None if is_all else read_image(data, image)
        state = replace(state, image=number, token=state.token if number == state.image else None)
    return state, ReaderLists(named, sets), " ".join(filter(None, (note, lost, lost_sets)))


def file_stem(data: StoreData, state: ViewState, panel: str) -> str:
    """``demo-D4-L2H0-pullover-00046``: store, panel, head and image."""
    image = "all-images" if state.image is None else Path(data.names[state.image]).with_suffix("")
    place = f"L{state.layer}H{state.head}"
    return "-".join((_plain(data.store.path.stem), panel, place, _plain(str(image))))


def _plain(text: str) -> str:
    """What every file system takes; of a long name the end, which differs most."""
    return re.sub(r"[^\w.+]+", "-", text).strip("-.")[-_LONGEST_STEM:] or "store"
