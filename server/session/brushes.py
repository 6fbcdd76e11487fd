"""The brush of a page, resolved when it is first needed and kept until the clauses change."""

from collections.abc import Sequence

import numpy as np

from headbrush.server.session.brush.clauses import Brush, BrushView, Clause, Ids, resolve
from headbrush.server.session.state import History
from headbrush.server.stores.store_data import StoreData


class Brushes:
    """Masks of the clauses of the current state, with or without those of one view."""

    def __init__(self, data: StoreData, history: History) -> None:
        self._data, self._history = data, history
        self._clauses: tuple[Clause, ...] = ()
        self._kept: dict[BrushView | None, Brush] = {}

    def brush(self, exclude: BrushView | None = None) -> Brush:
        """The resolved brush without the clauses of the view ``exclude``."""
        clauses = self._history.state.clauses
        if clauses is not self._clauses:
            self._clauses, self._kept = clauses, {}
        key = exclude if any(clause.view == exclude for clause in clauses) else None
        if key not in self._kept:
            self._kept[key] = self.resolved(clauses, key)
        return self._kept[key]

    def resolved(self, clauses: Sequence[Clause], exclude: BrushView | None = None) -> Brush:
        """Masks of any clauses over this store."""
        data = self._data
        return resolve(
            clauses, data.num_images, data.num_heads, data.places, exclude, data.enclosed
        )

    def own_ids(self, view: BrushView) -> list[int]:
        """Images or heads that the clauses of their own view leave, joined."""
        own = [clause for clause in self._history.state.clauses if clause.view == view]
        if len(own) == 1 and own[0].combine == "replace" and isinstance(own[0].shape, Ids):
            return list(own[0].shape.ids)
        if not own:
            return []
        brush = self.resolved(own)
        return np.flatnonzero(brush.images if view == "images" else brush.heads).tolist()

    def is_none(self, view: BrushView) -> bool:
        """Whether ``view``, images or heads, has clauses and they leave none."""
        clauses = self._history.state.clauses
        return any(one.view == view for one in clauses) and not self.own_ids(view)

    @property
    def is_of_patterns(self) -> bool:
        """Whether patterns are brushed, not only images and heads."""
        return any(clause.view == "patterns" for clause in self._history.state.clauses)

    @property
    def head_share(self) -> float | None:
        """Largest share of a head's patterns that a brush of patterns holds, 0 to 1; else None."""
        if not self.is_of_patterns:
            return None
        return self.brush("heads").head_count.max() / self._data.num_images

    @property
    def image_share(self) -> float | None:
        """Largest share of an image's patterns that a brush of patterns holds; else None."""
        if not self.is_of_patterns:
            return None
        return self.brush("images").image_count.max() / self._data.num_heads
