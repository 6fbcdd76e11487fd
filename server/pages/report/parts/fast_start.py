"""Fast start of ``headbrush report``: the model loads while the rest is imported."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from headbrush.analysis.store.store import Store
from headbrush.server.stores.model.live_model import live_model

MODEL_VIEWS = frozenset(("partial_pruning", "prediction"))
"""Views of a head in an image that only the model can fill."""


@contextmanager
def hurried(path: Path, views: Sequence[str]) -> Iterator[Store]:
    """Open a store while its model loads in another process; skip what one report does not need.

    Meanwhile no garbage is collected and no document checked; Bokeh's defaults are worked out once.
    """
    variable = "BOKEH_VALIDATE_DOC"
    before = os.environ.get(variable)
    os.environ[variable] = "false"
    gc.disable()
    try:
        store = _begun(path, views)
        from headbrush.server.tools.bokeh.defaults import used  # and Bokeh with it

        with used():
            yield store
    finally:
        gc.enable()
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before


def _begun(path: Path, views: Sequence[str]) -> Store:
    store = Store(path)
    if not views or MODEL_VIEWS.intersection(views):
        live_model(store).warm_up()
    return store
