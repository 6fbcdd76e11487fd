"""One page of one reader: its state, its sources, its brush."""

from collections.abc import Iterable, Sequence

import numpy as np
from bokeh.document import Document
from bokeh.io import curdoc

from headbrush.server.session.brush.clause_text import number_below
from headbrush.server.session.brush.clauses import (
    Brush,
    BrushView,
    Clause,
    Combine,
    Ids,
    joined,
    without,
)
from headbrush.server.session.brushes import Brushes
from headbrush.server.session.palette import LIGHT, Theme, class_colours
from headbrush.server.session.reader import Reader
from headbrush.server.session.shared_sources import SharedSources
from headbrush.server.session.state import History, ViewState
from headbrush.server.session.status.asks import Asks
from headbrush.server.session.status.error_boundary import Faults
from headbrush.server.session.status.summaries import Summaries
from headbrush.server.session.status.waiting import Waiting
from headbrush.server.stores.heads import Head
from headbrush.server.stores.model.mean_pruning import MOST_COMPUTED
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.bokeh.bokeh_types import columns_of
from headbrush.server.tools.signal import Signal


class Session:
    """The state, brush and sources that the views of one page share.

    Attributes
    ----------
    document
        The document that the page's models belong to, by default the current one; a page may be
        built outside of the thread that serves it.
    history
        The state of the page, and undo.
    brushes
        The resolved brush.
    images, heads
        The shared sources, one row per image or head, see :class:`SharedSources`.
    reader
        Theme and named brushes.
    summaries
        Each view's text for readers who do not see it.
    faults
        Which views failed.
    asks
        What buttons within the views' HTML ask for.
    waiting
        What the analysis of an unfinished store has still to make.
    class_colours
        A colour for each class of the store; the page of two stores gives a name one colour.
    most_computed
        Images that the model is asked about for one mean, at most.
    previewed
        Emitted with the brush that an unfinished drag would leave.
    """

    def __init__(
        self,
        data: StoreData,
        state: ViewState,
        theme: Theme = LIGHT,
        document: Document | None = None,
    ) -> None:
        self.data = data
        self.document = document or curdoc()
        self.history = History(state)
        self.brushes = Brushes(data, self.history)
        self.reader = Reader(theme, self.brushes, self.history)
        self.summaries = Summaries()
        self.faults = Faults()
        self.asks = Asks()
        self.asks.answer("image", self._toggle_asked)
        self.asks.answer("head", self._select_asked)
        self.previewed: Signal[[Brush]] = Signal()
        sources = SharedSources(data, self.history, self.brushes)
        self.images, self.heads, self.narrow = sources.images, sources.heads, sources.narrow
        self.waiting = Waiting(data, self.document)
        self.class_colours = class_colours(max(len(data.class_names), 1))
        self.most_computed = MOST_COMPUTED
        self._first_metric = data.first.metric
        self.waiting.filled.connect(sources.place_images)
        self.waiting.filled.connect(self._show_filled)

    def _show_filled(self) -> None:
        """Show what the store has got, in the metric that its page would begin with."""
        before, self._first_metric = self._first_metric, self.data.first.metric
        if self.state.metric == before:
            self.history.adopt(metric=self._first_metric)
        self.history.retell("metric", "pattern")

    @property
    def state(self) -> ViewState:
        """The current state."""
        return self.history.state

    @property
    def head(self) -> Head:
        """The selected head."""
        return self.data.head_at(self.state.layer, self.state.head)

    def brush(self, exclude: BrushView | None = None) -> Brush:
        """The resolved brush without the clauses of the view ``exclude``."""
        return self.brushes.brush(exclude)

    def resolved(self, clauses: Sequence[Clause]) -> Brush:
        """Masks of any clauses over this store."""
        return self.brushes.resolved(clauses)

    def send_thumbnail(self, image: int) -> None:
        """Fill in an image's thumbnail; a page starts without any, as most are never viewed."""
        if not str(columns_of(self.images)["thumbnail"][image]):
            self.images.patch({"thumbnail": [(image, self.data.thumbnail(image))]})

    def select_image(self, image: int | None) -> None:
        """Show one image everywhere; None shows all."""
        self.history.change(image=image)

    def toggle_image(self, image: int) -> None:
        """Select an image, or all images if it is the selected one."""
        self.select_image(None if image == self.state.image else image)

    def _toggle_asked(self, image: object) -> None:
        number = number_below(str(image), self.data.num_images)
        if number is not None:
            self.toggle_image(number)

    def _select_asked(self, head: object) -> None:
        number = number_below(str(head), self.data.num_heads)
        if number is not None:
            self.select_head(number)

    def select_head(self, number: int) -> None:
        """Show one head everywhere, by its number."""
        head = self.data.head(number)
        self.history.change(layer=head.layer, head=head.head)

    def add_clause(self, clause: Clause) -> None:
        """Join a clause to those of its view; ``replace`` drops the earlier ones of that view."""
        self.history.change(clauses=joined(self.state.clauses, clause))

    def brush_ids(self, view: BrushView, ids: Iterable[int], combine: Combine) -> None:
        """Join images or heads to those that are brushed by themselves.

        If that leaves none, none are brushed, which differs from all.
        """
        own = tuple(clause for clause in self.state.clauses if clause.view == view)
        clause = Clause(view, Ids(tuple(sorted(ids))), combine)
        brush = self.resolved((*own, clause))
        left = np.flatnonzero(brush.images if view == "images" else brush.heads)
        self.add_clause(Clause(view, Ids(tuple(left.tolist()))))

    def drop_clause(self, index: int) -> None:
        """Remove one clause, if there is one of that number."""
        clauses = self.state.clauses
        self.history.change(clauses=clauses[:index] + clauses[index + 1 :])

    def drop_clauses(self, view: BrushView | None = None) -> None:
        """Remove the clauses of ``view``, or all."""
        self.history.change(clauses=() if view is None else without(self.state.clauses, view))

    def step_out(self) -> None:
        """Let go of the pinned token, or else of the selected image, or else of the brush."""
        if self.state.token is not None:
            self.history.change(token=None)
        elif self.state.image is not None:
            self.select_image(None)
        else:
            self.drop_clauses()
