"""Builds the page that an address asks for, in a thread beside the one that serves all pages."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, cast
from weakref import WeakKeyDictionary

from bokeh.application.application import SessionContext
from bokeh.application.handlers import Handler
from bokeh.document import Document
from bokeh.server.contexts import BokehSessionContext

from headbrush.analysis.store.errors import StoreError
from headbrush.server.pages.compare import compare
from headbrush.server.pages.explore import explore
from headbrush.server.pages.store_card import card_of
from headbrush.server.pages.store_list import list_stores
from headbrush.server.session.brush.named_link import read_named
from headbrush.server.session.prune.named_sets import sets_of_link
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import MOST_BRUSH, from_query
from headbrush.server.stores.catalogue import asked_stores, served_stores
from headbrush.server.stores.redact_paths import said
from headbrush.server.stores.shelf import SHELF
from headbrush.server.tools.assets import TEMPLATES
from headbrush.server.tools.bokeh.first_message import write_ahead
from headbrush.server.tools.bokeh.teardown import PAGES
from headbrush.server.tools.threads.thread_queue import ThreadQueue
from headbrush.server.views.common.plot_theme import plot_theme

P = ParamSpec("P")
T = TypeVar("T")
Arguments = Mapping[str, Sequence[bytes]]

_MATRIX_PATIENCE_S = 0.5
_LIST_PATIENCE_S = 3.0
_FOLDERS = ThreadQueue("headbrush-folders")
_BUILDER = ThreadQueue("headbrush-build")
_FAILURES: "WeakKeyDictionary[Document, Exception]" = WeakKeyDictionary()
"""What made a page fail, until it is answered."""


class PageBuilder(Handler):
    """Builds every page before Bokeh runs ``main.py`` for it."""

    def __init__(self, words: Sequence[Path]) -> None:
        super().__init__()
        self._words = words

    def modify_document(self, doc: Document) -> None:
        """Replace the template that Bokeh has set, or raise what made the page fail."""
        if (error := _FAILURES.pop(doc, None)) is not None:
            raise error
        choose_template(doc)

    async def on_session_created(self, session_context: SessionContext) -> None:
        """Fill the page; Bokeh waits, and serves others meanwhile."""

        async def fill_it(document: Document) -> None:
            try:
                sessions = await fill(document, self._words)
            except Exception as error:  # Bokeh would log it, and answer with an empty page
                _FAILURES[document] = error
                return
            PAGES.made(document, [part for one in sessions for part in (one.history, one)])

        await session_context.with_locked_document(fill_it)


def is_filled(document: Document) -> bool:
    """Whether the page has been filled, or filling it has failed."""
    return "template" in document.template_variables or document in _FAILURES


def choose_template(document: Document) -> None:
    """Give a page that has been filled its own template, which escapes what it fills in."""
    variables = document.template_variables
    if "template" in variables:
        for name in ("nonce", "logout", "xsrf"):  # which `bokeh serve` does not give
            variables.setdefault(name, "")
        document.template = TEMPLATES.get_template(variables["template"])


async def fill(document: Document, words: Sequence[Path]) -> tuple[Session, ...]:
    """Make the page of a store, or the list of the stores.

    Parameters
    ----------
    words
        Stores and folders of stores.

    Returns
    -------
    The stores that the page shows: one, two or none.
    """
    context = cast(BokehSessionContext | None, document.session_context)
    request = context.request if context else None
    arguments = request.arguments if request else {}
    cookies = request.cookies if request else {}
    stores = await asyncio.wrap_future(_FOLDERS.submit(served_stores, words))
    names, note = asked_stores(stores, arguments)
    opened = []
    for name in names:
        try:
            opened.append(await asyncio.wrap_future(SHELF.ask(stores[name])))
        except StoreError as error:
            opened, note = [], said(str(error), stores[name])
            break
    if not opened:
        await _list(document, stores, note)
        return ()
    if len(opened) == 2:
        return await _build(document, compare, opened, arguments, cookies, names)
    state, fault = from_query(arguments, opened[0])
    if state.image is not None:  # so that the page is whole when it is first shown
        matrix = opened[0].matrices.ask(state.image, state.layer, state.head)
        await _wait([matrix], _MATRIX_PATIENCE_S)
    name = names[0] if len(stores) > 1 else ""
    named, lost = read_named(arguments, opened[0], MOST_BRUSH)
    sets, lost_sets = sets_of_link(arguments, opened[0])
    notes = " ".join(filter(None, (note, fault, lost, lost_sets)))
    return await _build(document, explore, opened[0], state, notes, cookies, name, named, sets)


async def _build(
    document: Document,
    make: Callable[Concatenate[Document, P], tuple[Session, ...]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> tuple[Session, ...]:
    """Make the page and write it, one page at a time."""

    def work() -> tuple[Session, ...]:
        document.theme = plot_theme()
        sessions = make(document, *args, **kwargs)
        write_ahead(document)
        return sessions

    return await asyncio.wrap_future(_BUILDER.submit(work))


async def _list(document: Document, stores: Mapping[str, Path], note: str) -> None:
    cards = {name: SHELF.ask_for(path, card_of) for name, path in stores.items()}
    await _wait(cards.values(), _LIST_PATIENCE_S)
    list_stores(document, stores, cards, note)


async def _wait(futures: "Iterable[Future[T]]", seconds: float) -> None:
    """Wait until all are done, successfully or not, or the time is over."""
    waiting = [asyncio.wrap_future(future) for future in futures]
    for future in waiting:
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
    if waiting:
        await asyncio.wait(waiting, timeout=seconds)
