"""Figures that a page asks for: of what it shows now, drawn beside the loop, one at a time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from headbrush.server.pages.figures.request import FORMATS, PANELS, WIDTHS, file_stem
from headbrush.server.session.reader import ReaderLists
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.redact_paths import said_of
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.bokeh.browser_channel import Channel
from headbrush.server.tools.bokeh.teardown import soon
from headbrush.server.tools.pending_answer import when_done

_WORKERS = ThreadPoolExecutor(1, thread_name_prefix="headbrush-figure")
Draw = Callable[[StoreData, ViewState, ReaderLists, str, str, str], bytes]


def drawn(
    data: StoreData, state: ViewState, lists: ReaderLists, panel: str, width: str, ending: str
) -> bytes:
    """A gzipped figure; matplotlib is loaded with the first."""
    from headbrush.server.pages.figures.make_figure import figure_of

    return figure_of(data, state, lists, panel, width, ending)


class PageFigures:
    """Answers what ``static/page/save_figures.js`` asks; nothing that the page asks is trusted.

    Attributes
    ----------
    asked
        ``tags``: panel, width, format, and a number that makes each question another.
    told
        ``tags``: words, and, when the figure is there, its file name and its gzipped content.
    """

    def __init__(self, session: Session, draw: Draw = drawn) -> None:
        self._session, self._draw = session, draw
        self._is_drawing = False
        self._count = 0
        self.asked = Channel(name="figure_asked", tags=[])
        self.told = Channel(name="figure_told", tags=[])
        self.channels = (self.asked, self.told)
        self.asked.on_change("tags", self._on_asked)

    def _on_asked(self, _attribute: str, _old: list, new: list) -> None:
        panel, width, ending, *_ = [*map(str, new), "", "", ""]
        if panel not in PANELS or width not in WIDTHS or ending not in FORMATS:
            return
        if self._is_drawing:
            self._say("Still drawing the previous figure; try again when it is done.")
            return
        session = self._session
        if session.data.store.pending:
            self._say("The analysis is not finished; save the figure when this page is full.")
            return
        name = f"{file_stem(session.data, session.state, panel)}.{ending}"
        self._is_drawing = True
        self._say(f"drawing {name} …")
        given = session.data, session.state, session.reader.lists, panel, width, ending
        when_done(
            _WORKERS.submit(self._draw, *given),
            partial(self._deliver, name),
            soon(session.document),
            failed="",
        )

    def _deliver(self, name: str, content: bytes | None, fault: str) -> None:
        self._is_drawing = False
        if content is None:
            self._say(said_of(fault, self._session.data.store))
        else:
            self._say(f"{name} saved", name, content)

    def _say(self, words: str, *file: str | bytes) -> None:
        self._count += 1  # the same words again are a change, too
        self.told.tags = [words, self._count, *file]
