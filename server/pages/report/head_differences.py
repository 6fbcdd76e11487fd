"""What a report of two stores says of their heads, one beside the other."""

import base64
import gzip
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headbrush.server.pages.report.parts.panels import Panel
from headbrush.server.session.session import Session
from headbrush.server.stores.trends.beside import (
    beside,
    beside_words,
    shared_metrics,
    table_of,
    to_file,
)
from headbrush.server.views.beside.difference_plot import DifferencePlot
from headbrush.server.views.beside.head_differences import HeadDifferences

_NONE = "The two stores share no metric, or no head of one matches one of the other."
FILE = "heads-beside.csv"


@dataclass(frozen=True)
class DifferencesPart:
    """The differences of matched heads, over the brushed images.

    Attributes
    ----------
    match
        By what heads are matched, in words.
    panel
        The plot of the shown metric; None where there is nothing to compare.
    largest
        Sentences on the heads that differ most by it.
    others
        A sentence for each other metric.
    files
        The table of all metrics, gzipped in base64, by its name.
    """

    match: str
    panel: Panel | None
    largest: tuple[str, ...]
    others: tuple[str, ...]
    files: dict[str, str]


def differences_part(
    sessions: Sequence[Session], names: Sequence[str], pairs: np.ndarray, match: str
) -> DifferencesPart:
    """Compare the heads of two sessions.

    Parameters
    ----------
    pairs
        ``(L·H,)`` number in the second store of each head of the first, −1 without one.
    match
        By what they are matched, in words.
    """
    import pandas as pd  # a server would start later

    first, second = (session.data for session in sessions)
    metrics = shared_metrics(first, second)
    if not metrics or (pairs < 0).all():
        return DifferencesPart(match, None, (_NONE,), (), {})
    images = sessions[0].brush("heads").images, sessions[1].brush("heads").images
    parts = {one: beside(first, second, one, pairs, images) for one in metrics}
    shown = sessions[0].state.metric if sessions[0].state.metric in parts else metrics[0]
    tables = {one: table_of([part], (first, second)) for one, part in parts.items()}
    said = {one: beside_words(table, match, names) for one, table in tables.items()}
    drawn = DifferencePlot(sessions[0], (names[0], names[1]))
    is_all = np.ones(first.num_heads, bool)
    known = parts[shown].correlation
    by_layer = sessions[0].state.beside_order == "layer"
    drawn.show(parts[shown], (first, second), by_layer, is_all, known)
    drawn.mark(-1)  # what is selected in a report may change
    drawn.plot.name = HeadDifferences.name
    panel = Panel(
        HeadDifferences.name, HeadDifferences.name, HeadDifferences.title, HeadDifferences.help,
        said[shown][0], drawn.plot,
    )  # fmt: skip
    whole = pd.concat(tables.values(), ignore_index=True)
    packed = gzip.compress(to_file(whole).encode(), 5, mtime=0)
    return DifferencesPart(
        match, panel, tuple(one.strip() for one in said[shown][1:]),
        tuple(said[one][0] for one in metrics if one != shown),
        {FILE: base64.b64encode(packed).decode()},
    )  # fmt: skip
