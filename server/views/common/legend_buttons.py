"""Legend buttons: brush the images of a class, those predicted correctly or wrongly, or patterns.

The patterns of a name are brushed as those of a lasso are: with undo, in links, under a name.
"""

from collections.abc import Mapping

import numpy as np

from headbrush.server.session.brush.clause_text import number_below
from headbrush.server.session.brush.clauses import Clause, Combine, Ids
from headbrush.server.session.session import Session
from headbrush.server.tools.bokeh.browser_channel import Channel

COMBINES: tuple[Combine, ...] = ("replace", "add", "subtract", "intersect")


def legend_channel(sessions: Mapping[str, Session]) -> Channel:
    """A channel to which ``page/legend_buttons.js`` writes the button that was pressed.

    Parameters
    ----------
    sessions
        By the name of the view whose legend it is; nothing that the page asks is trusted.
    """
    asked = Channel(name="kind_asked", tags=[])

    def act(_attribute: str, _old: list, new: list) -> None:
        view, *words = [*new, None, None, None, None][:4]
        if isinstance(view, str) and view in sessions:
            brush_legend_entry(sessions[view], *words)

    asked.on_change("tags", act)
    return asked


def brush_legend_entry(session: Session, colouring: object, kind: object, combine: object) -> None:
    """Brush the images of a kind, or the patterns of a name; what is unknown changes nothing."""
    data = session.data
    if colouring == "name" and data.families is not None and combine in COMBINES:
        name = number_below(str(kind), len(data.families.names))
        if name is not None:
            session.add_clause(Clause("patterns", Ids((name,)), combine, "name"))
        return
    kinds = {"class": max(len(data.class_names), 1), "correct": 3 if data.has_classifier else 0}
    if combine not in COMBINES or not isinstance(colouring, str):
        return
    number = number_below(str(kind), kinds.get(colouring, 0))
    if number is None:
        return
    chosen = data.labels == number if colouring == "class" else data.correctness == number
    session.brush_ids("images", np.flatnonzero(chosen).tolist(), combine)
