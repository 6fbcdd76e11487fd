"""What takes longest in a report's command is begun before all else is imported."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from analysis.store import Store

from ..live import live_model

MODEL_VIEWS = frozenset(("partial_pruning", "prediction"))
"""Views of a head in an image that only the model can fill."""


@contextmanager
def hurried() -> Iterator[None]:
    """Collect no garbage and check no documents meanwhile: one report is soon made and written."""
    variable = "BOKEH_VALIDATE_DOC"
    before = os.environ.get(variable)
    os.environ[variable] = "false"
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before


def begin(path: Path, views: Sequence[str]) -> Store:
    """Open the store, and let its model load in its own process meanwhile."""
    store = Store(path)
    if not views or MODEL_VIEWS.intersection(views):
        live_model(store).warm_up()
    return store
