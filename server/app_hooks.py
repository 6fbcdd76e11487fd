"""Compile the drawing before the first page, open a single store, and fill pages aside."""

import sys
from concurrent.futures import wait
from pathlib import Path

from bokeh.application.application import ServerContext

from . import brushing, density, reading
from .filling import Filling
from .opening import SHELF

_PATIENCE_S = 5
"""Ready is a server whose only store is open, unless that takes longer."""
STORES = [Path(word) for word in sys.argv[1:]]


def on_server_loaded(server_context: ServerContext) -> None:
    """Called by Bokeh when the server starts."""
    reading.start()
    opening = []
    if len(STORES) == 1 and (STORES[0] / "summary.nc").exists():
        opening = [SHELF.ask(STORES[0].absolute())]
    density.warm_up()
    brushing.warm_up()
    wait(opening, _PATIENCE_S)
    server_context.application_context.application.add(Filling(STORES))
