"""Keys within plots: a rectangle counts, brushes and clicks; heads are selected and brushed."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, cast

import numpy as np

from headbrush.server.session.brush.clause_text import number_below
from headbrush.server.session.brush.clauses import Box, Clause, Combine, Ids, joined
from headbrush.server.session.brush.description import brushed_words
from headbrush.server.session.session import Session
from headbrush.server.tools.bokeh.browser_channel import Channel
from headbrush.server.views.common.legend_buttons import COMBINES

IMAGES, PATTERNS = "images_plot", "patterns_plot"
_EDGES = 4


class PlotKeys:
    """Answers ``static/page/keyboard``; nothing that the page asks is trusted.

    Attributes
    ----------
    channels
        Questions, whose tags are an act, the name of a plot and what the act needs; and answers,
        whose tags are words to show.
    """

    def __init__(self, sessions: Mapping[str, Session]) -> None:
        """Take the session of each prefix of the names of plots: one, ``""``, or two sides."""
        self._sessions = sessions
        self._asked = Channel(name="plot_asked", tags=[])
        self._told = Channel(name="plot_told", tags=[""])
        self.channels = (self._asked, self._told)
        self._acts: dict[str, Callable[..., object]] = {
            "count": self._count, "brush": self._brush, "click": self._click,
            "head": _select_head, "heads": _brush_heads, "toggle": _toggle_heads,
            "threshold": _set_threshold,
        }  # fmt: skip
        self._asked.on_change("tags", self._on_asked)

    def _on_asked(self, _attribute: str, _old: list, new: list) -> None:
        what, plot, *words = [*new, None, None][: max(2, len(new))]
        act = self._acts.get(what) if isinstance(what, str) else None
        found = self._session_of(plot) if isinstance(plot, str) else None
        if act is not None and found is not None:
            act(*found, words)

    def _session_of(self, plot: str) -> tuple[Session, str] | None:
        """The session of a plot, and its name without the prefix."""
        for prefix, session in self._sessions.items():
            if plot.startswith(prefix):
                return session, plot.removeprefix(prefix)
        return None

    def _count(self, session: Session, plot: str, words: Sequence[Any]) -> None:
        """Say what would be brushed by the rectangle alone."""
        box = _box(words)
        if box is None:
            return
        clause = _clause(session, plot, box, "replace")
        if clause is not None:
            brush = session.resolved(joined(session.state.clauses, clause))
            self._told.tags = [
                brushed_words(session.data, brush).replace("brushed", "rectangle", 1)
            ]

    def _brush(self, session: Session, plot: str, words: Sequence[Any]) -> None:
        box, combine = _box(words), words[_EDGES] if len(words) > _EDGES else None
        if box is None or combine not in COMBINES:
            return
        clause = _clause(session, plot, box, cast(Combine, combine))
        if clause is None:
            return
        if isinstance(clause.shape, Ids):
            session.brush_ids("images", clause.shape.ids, clause.combine)
        else:
            session.add_clause(clause)

    def _click(self, session: Session, plot: str, words: Sequence[Any]) -> None:
        """Select what is nearest to the middle of the rectangle and lies in it."""
        box, xy = _box(words), _places(session, plot)
        if box is None or xy is None:
            return
        inside = np.flatnonzero(_inside(xy, box))
        if not len(inside):
            self._told.tags = ["nothing lies in the rectangle"]
            return
        middle = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2
        size = np.array([box.x1 - box.x0, box.y1 - box.y0]) + 1e-12
        nearest = int(inside[np.argmin((((xy[inside] - middle) / size) ** 2).sum(1))])
        if plot == IMAGES:
            session.toggle_image(nearest)
        else:
            image, number = divmod(nearest, session.data.num_heads)
            head = session.data.head(number)
            session.history.change(image=image, layer=head.layer, head=head.head)


def _box(words: Sequence[Any]) -> Box | None:
    edges = list(words[:_EDGES])
    is_number = [isinstance(one, int | float) and isfinite(one) for one in edges]
    if len(edges) < _EDGES or not all(is_number):
        return None
    x0, x1, y0, y1 = map(float, edges)
    return Box(min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1))


def _places(session: Session, plot: str) -> np.ndarray | None:
    """Where the points of a plot are; None where there are none, or not yet."""
    data, layout = session.data, session.state.pattern
    if plot == IMAGES and not session.waiting.words("image_embedding"):
        return np.asarray(data.store.read("image_embedding"), float)
    if plot == PATTERNS and not session.waiting.words(f"{layout}_embedding"):
        return data.embedding(layout)
    return None


def _inside(xy: np.ndarray, box: Box) -> np.ndarray:
    x, y = xy[:, 0], xy[:, 1]
    return (x >= box.x0) & (x <= box.x1) & (y >= box.y0) & (y <= box.y1)


def _clause(session: Session, plot: str, box: Box, combine: Combine) -> Clause | None:
    """What a rectangle in a plot brushes: images by their numbers, patterns by their place."""
    xy = _places(session, plot)
    if xy is None:
        return None
    if plot == PATTERNS:
        return Clause("patterns", box, combine, session.state.pattern)
    return Clause("images", Ids(tuple(np.flatnonzero(_inside(xy, box)).tolist())), combine)


def _heads(session: Session, words: Sequence[Any]) -> list[int]:
    """Numbers of heads that exist."""
    asked = words[0] if words and isinstance(words[0], list) else []
    found = [number_below(str(one), session.data.num_heads) for one in asked]
    return [one for one in found if one is not None]


def _select_head(session: Session, _plot: str, words: Sequence[Any]) -> None:
    if heads := _heads(session, words):
        session.select_head(heads[0])


def _brush_heads(session: Session, _plot: str, words: Sequence[Any]) -> None:
    if heads := _heads(session, words):
        session.brush_ids("heads", heads, "replace")


def _toggle_heads(session: Session, _plot: str, words: Sequence[Any]) -> None:
    """Add heads to the brush, or take them away if all are brushed; none left is no brush."""
    heads, own = set(_heads(session, words)), set(session.brushes.own_ids("heads"))
    if heads and heads == own:
        session.drop_clauses("heads")
    elif heads:
        session.brush_ids("heads", heads, "subtract" if heads <= own else "add")


def _set_threshold(session: Session, _plot: str, words: Sequence[Any]) -> None:
    """Move the threshold; None is the strongest 1 %."""
    value = words[0] if words else None
    if value is None:
        session.history.change(threshold=None)
    elif isinstance(value, int | float) and isfinite(value):
        session.history.change(threshold=float(f"{min(max(value, 1e-9), 1.0):.3g}"))
