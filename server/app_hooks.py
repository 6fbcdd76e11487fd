"""Open the store and compile the drawing once a process, before the first page."""

import sys
from pathlib import Path

from . import brushing, density
from .data import open_data

STORES = [Path(word) for word in sys.argv[1:]]


def on_server_loaded(_server_context: object) -> None:
    """Called by Bokeh when the server starts."""
    for path in STORES:
        open_data(path)
    density.warm_up()
    brushing.warm_up()
