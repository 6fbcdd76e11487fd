"""What takes longest in a report's command is begun before all else is imported."""

import gc
import os
from collections.abc import Sequence
from pathlib import Path

from analysis.store import Store

from ..live import live_model

MODEL_VIEWS = frozenset(("partial_pruning", "prediction"))
"""Views of a head in an image that only the model can fill."""


def begin(path: Path, views: Sequence[str]) -> Store:
    """Open the store, and let its model load in its own process meanwhile.

    For a process that writes one report and ends: nothing is worth being collected, and the tests
    have validated the documents.
    """
    gc.disable()
    os.environ.setdefault("BOKEH_VALIDATE_DOC", "false")
    store = Store(path)
    if not views or MODEL_VIEWS.intersection(views):
        live_model(store).warm_up()
    return store
