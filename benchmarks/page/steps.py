"""What the server does at a brush, step by step, in this process."""

import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np
from bokeh.io import curdoc

from headbrush.analysis.store.store import Store
from headbrush.server.pages.report.make_report import report_of
from headbrush.server.session.brush import clauses
from headbrush.server.session.brush.clauses import Clause, Lasso, resolve
from headbrush.server.session.session import Session
from headbrush.server.session.state import History, Stage
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.header.title_bar import TitleBar
from headbrush.server.views.patterns import density
from headbrush.server.views.registry import build_views

_VIEWS = (
    "image_overview", "head_importance", "strength_overview", "strength_vector",
    "entropy_distribution", "pattern_layout",
)  # fmt: skip


class _Timed(History):
    """Adds up how long every follower takes."""

    def __init__(self, state) -> None:
        super().__init__(state)
        self.spent: dict[str, float] = defaultdict(float)

    def on_change(self, parts, callback, stage=Stage.VIEWS) -> None:
        def timed(state):
            start = time.perf_counter()
            callback(state)
            self.spent[callback.__qualname__] += 1e3 * (time.perf_counter() - start)

        super().on_change(parts, timed, stage)


def print_steps(store: Path, lassos: Sequence[Lasso]) -> None:
    """Milliseconds of every step, largest first; the first to ask resolves the brush."""
    density.warm_up()
    clauses.warm_up()
    data = StoreData(Store(store))
    data.prepare()
    curdoc().clear()
    with patch("headbrush.server.session.session.History", _Timed):
        session = Session(data, default_state(data))
    timed = session.history
    _views = build_views(session, _VIEWS), TitleBar(session, "", report_of)
    for lasso in lassos:
        clause = Clause("patterns", lasso, "replace", data.layouts[0])
        start = time.perf_counter()
        brush = resolve([clause], data.num_images, data.num_heads, data.places)
        resolving = 1e3 * (time.perf_counter() - start)
        timed.spent.clear()
        start = time.perf_counter()
        session.add_clause(clause)
        whole = 1e3 * (time.perf_counter() - start)
        most = sorted(timed.spent.items(), key=lambda item: -item[1])[:5]
        words = ", ".join(f"{name} {spent:.0f}" for name, spent in most)
        print(f"  server, {np.mean(brush.patterns):4.0%}: resolving {resolving:.0f} ms, "
              f"all views {whole:.0f} ms: {words}")  # fmt: skip
