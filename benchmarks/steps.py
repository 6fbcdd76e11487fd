"""What the server does at a brush, step by step, in this process."""

import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bokeh.io import curdoc

from analysis.store import Store
from server import brushing, density
from server.brushing import Clause, Lasso, resolve
from server.data import StoreData
from server.link import default_state
from server.session import Session
from server.state import History
from server.views.entropy_distribution import EntropyDistribution
from server.views.head_importance import HeadImportance
from server.views.image_overview import ImageOverview
from server.views.pattern_layout import PatternLayout
from server.views.status import Status
from server.views.strength_overview import StrengthOverview
from server.views.strength_vector import StrengthVector

_VIEWS = (ImageOverview, HeadImportance, StrengthOverview, StrengthVector, EntropyDistribution,
          PatternLayout)  # fmt: skip


class _Timed(History):
    """Adds up how long every subscriber takes."""

    def __init__(self, state) -> None:
        super().__init__(state)
        self.spent: dict[str, float] = defaultdict(float)

    def subscribe(self, parts, callback) -> None:
        def timed(old, new):
            start = time.perf_counter()
            callback(old, new)
            self.spent[callback.__qualname__] += 1e3 * (time.perf_counter() - start)

        super().subscribe(parts, timed)


def print_steps(store: Path, lassos: Sequence[Lasso]) -> None:
    """Milliseconds of every step, largest first; the first to ask resolves the brush."""
    density.warm_up()
    brushing.warm_up()
    data = StoreData(Store(store))
    curdoc().clear()
    session = Session(data, default_state(data))
    session.history = timed = _Timed(session.state)
    timed.subscribe(["clauses"], session._show_clauses)
    _views = [view(session) for view in _VIEWS], Status(session, "")
    for lasso in lassos:
        clause = Clause("patterns", "instance", lasso, "replace", "patch")
        start = time.perf_counter()
        brush = resolve([clause], data.num_images, data.num_heads, data.embedding)
        resolving = 1e3 * (time.perf_counter() - start)
        timed.spent.clear()
        start = time.perf_counter()
        session.add_clause(clause)
        whole = 1e3 * (time.perf_counter() - start)
        most = sorted(timed.spent.items(), key=lambda item: -item[1])[:5]
        words = ", ".join(f"{name} {spent:.0f}" for name, spent in most)
        print(f"  server, {np.mean(brush.instances):4.0%}: resolving {resolving:.0f} ms, "
              f"all views {whole:.0f} ms: {words}")  # fmt: skip
