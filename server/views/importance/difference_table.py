"""B1 as a table: heads by the difference of two compared brushes, with interval and p."""

import gzip
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from bokeh.models import LayoutDOM

from headbrush.server.session.brush.named_brushes import MOST_COMPARED
from headbrush.server.session.session import Session
from headbrush.server.session.state import IMPORTANCE_FORMS, ViewState
from headbrush.server.stores.trends.statistics.differences import Differences, head_differences
from headbrush.server.tools.bokeh.browser_channel import Channel
from headbrush.server.views.common.choice import small_choice


class DifferenceTable:
    """Chart or table; ``page/brushes/difference_table.js`` draws the table.

    Parameters
    ----------
    chart
        What the table takes the place of.

    Attributes
    ----------
    layout
        The choice; shown while two brushes are compared.
    channels
        What the table tells, empty where the chart is shown; and the selected head.
    """

    def __init__(self, session: Session, chart: Sequence[LayoutDOM]) -> None:
        self._session, self._chart = session, chart
        self.layout = small_choice(
            session.history, "importance_form", IMPORTANCE_FORMS, visible=False, margin=(4, 3, 2, 3)
        )
        self._shown = Channel(name="differences", tags=[])
        self._head = Channel(name="difference_head", tags=[])
        self.channels = [self._shown, self._head]
        session.history.on_change(["metric", "importance_form"], self.react)
        session.reader.follow_named(lambda: self.react(session.state))
        session.history.follow(["layer", "head"], self.react_to_head)

    def react(self, new: ViewState) -> None:
        """Show the table, or the chart."""
        compared = self._session.reader.compared()
        is_of_two = len(compared) == MOST_COMPARED
        self.layout.visible = is_of_two
        is_table = is_of_two and new.importance_form == "table"
        for part in self._chart:
            part.visible = not is_table
        if not is_table and not self._shown.tags:
            return
        self._shown.tags = [self._told(new.metric)] if is_table else []

    def react_to_head(self, _state: ViewState) -> None:
        """Tell which row is the selected head's."""
        self._head.tags = [self._session.head.number]

    def _told(self, metric: str) -> dict[str, object]:
        compared = self._session.reader.compared()
        found = differences(self._session)
        columns = [getattr(found, field.name).tolist() for field in fields(Differences)]
        both = int((compared[0].images & compared[1].images).sum())
        drop = " (its drop P − P′)" if metric == "probability" else ""
        return {
            "names": [one.name for one in compared],
            "colours": [one.colour for one in compared],
            "counts": [int(one.images.sum()) for one in compared],
            "both": both,
            "metric": self._session.data.metric_titles[metric] + drop,
            "labels": self._session.data.head_labels,
            "rows": [[None if value != value else value for value in row]
                     for row in zip(*columns, strict=True)],
        }  # fmt: skip


def differences(session: Session) -> Differences:
    """Of the two compared brushes, by the metric that is shown."""
    effect = session.data.importance(session.state.metric)
    has_value = np.isfinite(effect).any(1)
    first, second = (effect[one.images & has_value] for one in session.reader.compared())
    return head_differences(first, second)


def differences_csv(session: Session) -> bytes:
    """A gzipped CSV file with a row for each head, the largest difference first."""
    import pandas as pd  # a server would start later

    found, data = differences(session), session.data
    columns = {
        "layer": data.layer_of_head,
        "head": np.arange(data.num_heads) % data.heads_per_layer,
        "mean_first": found.first,
        "mean_second": found.second,
        "difference": found.difference,
        "interval_low": found.low,
        "interval_high": found.high,
        "p": found.p,
        "p_adjusted": found.adjusted,
    }
    order = np.argsort(-np.abs(np.nan_to_num(found.difference)), kind="stable")
    text = pd.DataFrame(columns).iloc[order].to_csv(index=False, float_format="%.7g")
    return gzip.compress(text.encode(), 5, mtime=0)
