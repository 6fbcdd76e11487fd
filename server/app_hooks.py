"""Before the first page: compile the drawing, open a single store, load its model aside."""

import sys
from concurrent.futures import Future, wait
from pathlib import Path
from typing import cast

from bokeh.server.contexts import ApplicationContext, BokehServerContext

from headbrush.server.pages.build import PageBuilder
from headbrush.server.session.brush import clauses
from headbrush.server.stores.attention import reader_process
from headbrush.server.stores.model.live_model import load_ahead
from headbrush.server.stores.shelf import SHELF
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.loops import means
from headbrush.server.views.common import nearest_tip
from headbrush.server.views.images import dots
from headbrush.server.views.patterns import contours, density

_PATIENCE_S = 5
"""Ready is a server whose only store is open, unless that takes longer."""
STORES = [Path(word) for word in sys.argv[1:]]


def on_server_loaded(server_context: BokehServerContext) -> None:
    """Called by Bokeh when the server starts."""
    reader_process.start()
    opening = []
    if len(STORES) == 1 and SHELF.has(STORES[0]):
        opening = [SHELF.ask(STORES[0].absolute())]
        opening[0].add_done_callback(_load_model)
    density.warm_up()
    contours.warm_up()
    nearest_tip.warm_up()
    dots.warm_up()
    clauses.warm_up()
    means.warm_up()
    wait(opening, _PATIENCE_S)
    context = cast(ApplicationContext, server_context.application_context)
    context.application.add(PageBuilder(STORES))


def _load_model(opened: "Future[StoreData]") -> None:
    if opened.exception() is None:
        load_ahead(opened.result().store)
