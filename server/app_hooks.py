"""Compile the drawing before the first page, open a single store, and fill pages aside."""

import sys
from pathlib import Path

from bokeh.application.application import ServerContext

from . import brushing, density, reading
from .filling import Filling
from .opening import SHELF

STORES = [Path(word) for word in sys.argv[1:]]


def on_server_loaded(server_context: ServerContext) -> None:
    """Called by Bokeh when the server starts."""
    reading.start()
    if len(STORES) == 1 and (STORES[0] / "summary.nc").exists():
        SHELF.ask(STORES[0].absolute())
    density.warm_up()
    brushing.warm_up()
    server_context.application_context.application.add(Filling(STORES))
