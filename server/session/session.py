"""One browser page: its state, the two shared sources, and the brush between them."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from bokeh.document import Document
from bokeh.io import curdoc
from bokeh.models import ColumnDataSource

from headbrush.server.session.browser_channel import Channel
from headbrush.server.session.brush.clauses import Brush, Clause, Combine, Ids, joined, resolve
from headbrush.server.session.brush.named_brushes import Compared, Named
from headbrush.server.session.column_updates import update_columns
from headbrush.server.session.dot_share import NO_SHARE, relative_shares
from headbrush.server.session.error_boundary import Faults
from headbrush.server.session.palette import LIGHT, Theme, layer_colours
from headbrush.server.session.state import History, ViewState
from headbrush.server.stores.store_data import StoreData

_JITTER = 0.32


class Session:
    """What the views of one page share.

    Attributes
    ----------
    images, heads
        One row an image or head; every plot of images (heads) uses this one source, so brushing
        in one is brushing in the others without the server.
    document
        What the page's models belong to, the current one unless told; a page may be built outside
        of the thread that serves it.
    theme
        Light or dark; the reader's own, so it is no part of the state.
    named
        The reader's named brushes; no part of the state either.
    head_share, image_share
        Largest share of a head's (an image's) patterns that a brush of patterns holds; else None.
    faults
        Which views failed.
    summaries
        Each view's text for those who do not see it, by the name of the view.
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
        self.theme = theme
        self.faults = Faults()
        self.summaries: dict[str, str] = {}
        self.told = Channel(name="summaries", tags=[])
        self.told.on_change("tags", self._on_told)
        self._on_theme: list[Callable[[], None]] = []
        self._on_preview: list[Callable[[Brush], None]] = []
        self.history = History(state)
        self.named: Named = ()
        self._compared: tuple[Named, tuple[Compared, ...]] = ((), ())
        self._on_named: list[Callable[[], None]] = []
        self._brushes: dict[str | None, Brush] = {}
        self._writing = self._narrowing = False
        self.images = ColumnDataSource(_image_columns(data))
        self.heads = ColumnDataSource(_head_columns(data))
        for view, source in (("images", self.images), ("heads", self.heads)):
            source.selected.on_change("indices", self._on_selection(view))
        self.history.subscribe(["clauses"], self._show_clauses)
        self._show_clauses(state, state)

    @property
    def state(self) -> ViewState:
        """What the page shows now."""
        return self.history.state

    @property
    def head_number(self) -> int:
        """Number of the selected head."""
        return self.data.head_number(self.state.layer, self.state.head)

    def change_theme(self, theme: Theme) -> None:
        """Draw in light or dark colours."""
        if theme != self.theme:
            self.theme = theme
            for callback in self._on_theme:
                callback()

    def follow_theme(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` now and whenever the theme changes."""
        self._on_theme.append(callback)
        callback()

    def change_named(self, named: Named) -> None:
        """Put another list of named brushes in the place of the reader's."""
        self.named = named
        for callback in self._on_named:
            callback()

    def follow_named(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` now and whenever the named brushes change."""
        self._on_named.append(callback)
        callback()

    def compared(self) -> tuple[Compared, ...]:
        """The named brushes that are compared, resolved; kept until they change."""
        chosen = tuple(one for one in self.named if one.compared)
        if self._compared[0] != chosen:
            self._compared = (
                chosen,
                tuple(
                    Compared(
                        one.name,
                        one.colour,
                        self.resolved(one.clauses),
                        self.resolved(one.clauses, "heads").images,
                    )
                    for one in chosen
                ),
            )
        return self._compared[1]

    def describe(self, view: str, text: str) -> None:
        """Tell in words, with numbers, what a view shows now."""
        self.summaries[view] = text
        self.told.tags = [view, text]

    def _on_told(self, _attribute: str, _old: list[str], new: list[str]) -> None:
        """Tell all again where the browser asks for it by an empty list: it has begun to listen."""
        if not new:
            self.told.tags = [word for pair in self.summaries.items() for word in pair]

    def brush(self, exclude: str | None = None) -> Brush:
        """The resolved brush without the clauses of the view ``exclude``; kept until it changes."""
        key = exclude if any(clause.view == exclude for clause in self.state.clauses) else None
        if key not in self._brushes:
            self._brushes[key] = self.resolved(self.state.clauses, key)
        return self._brushes[key]

    def resolved(self, clauses: Sequence[Clause], exclude: str | None = None) -> Brush:
        """Masks of any clauses over this store."""
        data = self.data
        return resolve(
            clauses, data.num_images, data.num_heads, data.embedding, exclude, data.enclosed
        )

    def follow_preview(self, callback: Callable[[Brush], None]) -> None:
        """Call ``callback`` with what would be brushed if a drag that goes on ended now."""
        self._on_preview.append(callback)

    def preview(self, brush: Brush) -> None:
        """Tell what would be brushed if a drag that goes on ended now."""
        for callback in self._on_preview:
            callback(brush)

    def send_thumbnail(self, image: int) -> None:
        """Fill in an image's thumbnail; pages begin without, as most are never looked at."""
        if not self.images.data["thumbnail"][image]:
            self.images.patch({"thumbnail": [(image, self.data.thumbnail(image))]})

    def select_image(self, image: int | None) -> None:
        """Show one image everywhere."""
        self.history.change(image=image)

    def select_head(self, number: int) -> None:
        """Show one head everywhere, by its number."""
        layer, head = divmod(number, self.data.heads_per_layer)
        self.history.change(layer=layer, head=head)

    def add_clause(self, clause: Clause) -> None:
        """Join a clause to those of its view; ``replace`` drops the earlier ones of that view."""
        self.history.change(clauses=joined(self.state.clauses, clause))

    def brush_ids(self, view: str, ids: Iterable[int], combine: Combine) -> None:
        """Join images or heads to those that are brushed by themselves.

        Where that leaves none, none are brushed: that is not all of them.
        """
        kind = "image" if view == "images" else "head"
        own = tuple(clause for clause in self.state.clauses if clause.view == view)
        clause = Clause(view, kind, Ids(tuple(sorted(ids))), combine)
        brush = self.resolved((*own, clause))
        found = np.flatnonzero(brush.images if kind == "image" else brush.heads)
        self.add_clause(Clause(view, kind, Ids(tuple(found.tolist()))))

    def drop_clause(self, index: int) -> None:
        """Remove one clause, if there is one of that number."""
        clauses = self.state.clauses
        self.history.change(clauses=clauses[:index] + clauses[index + 1 :])

    def drop_clauses(self, view: str | None = None) -> None:
        """Remove the clauses of ``view``, or all."""
        kept = tuple(c for c in self.state.clauses if view is not None and c.view != view)
        self.history.change(clauses=kept)

    def clear(self) -> None:
        """Remove all clauses and let go of the pinned token, as one step."""
        self.history.change(clauses=(), token=None)

    def narrow(self, is_on: bool) -> None:
        """A drag is on, or over, that only takes from a brush: what it empties is not all."""
        self._narrowing = is_on

    def _on_selection(self, view: str) -> Callable[[str, list[int], list[int]], None]:
        kind = "image" if view == "images" else "head"

        def react(_attribute: str, _old: list[int], new: list[int]) -> None:
            if self._writing:
                return
            if len(new) or self._narrowing:
                self.add_clause(Clause(view, kind, Ids(tuple(sorted(int(i) for i in new)))))
            else:
                self.drop_clauses(view)

        return react

    def _show_clauses(self, _old: ViewState, new: ViewState) -> None:
        """Make the browser's selections those of the clauses, for example after undo."""
        self._brushes.clear()
        self._writing = True
        try:
            for view, source in (("images", self.images), ("heads", self.heads)):
                wanted = self._own_ids(view, new.clauses)
                if sorted(source.selected.indices) != wanted:
                    source.selected.indices = wanted
        finally:
            self._writing = False
        self._show_shares(new)

    def _own_ids(self, view: str, clauses: Sequence[Clause]) -> list[int]:
        """What the clauses of a view of images or heads leave, all joined."""
        own = [clause for clause in clauses if clause.view == view]
        if len(own) == 1 and own[0].combine == "replace":
            return list(own[0].shape.ids)
        if not own:
            return []
        brush = self.resolved(own)
        return np.flatnonzero(brush.images if view == "images" else brush.heads).tolist()

    def _show_shares(self, state: ViewState) -> None:
        """Tell images and heads how much of them a brush of patterns holds."""
        heads, images = self.brush("heads"), self.brush("images")
        of_patterns = any(clause.kind == "instance" for clause in state.clauses)
        self.head_share = heads.head_count.max() / self.data.num_images if of_patterns else None
        self.image_share = images.image_count.max() / self.data.num_heads if of_patterns else None
        update_columns(
            self.heads,
            share=self._shares("heads", heads.head_count, of_patterns),
            brushed=heads.head_count.astype(np.int32),
        )
        update_columns(self.images, share=self._shares("images", images.image_count, of_patterns))

    def brushes_none(self, view: str) -> bool:
        """Whether ``view``, images or heads, has clauses and they leave none."""
        clauses = self.state.clauses
        return any(one.view == view for one in clauses) and not self._own_ids(view, clauses)

    def _shares(self, view: str, counts: np.ndarray, of_patterns: bool) -> np.ndarray:
        """All the least where none are brushed: to the browser an empty selection is no brush."""
        if self.brushes_none(view):
            return np.zeros(len(counts), np.float32)
        return relative_shares(counts, of_patterns)


def _image_columns(data: StoreData) -> dict[str, object]:
    embedding = data.store.read("image_embedding")
    return {
        "x": embedding[:, 0],
        "y": embedding[:, 1],
        "name": data.names,
        "label": [data.class_name(int(i)) for i in data.labels],
        "predicted": [data.class_name(int(i)) for i in data.predicted],
        "probability": data.label_probability,
        "thumbnail": [""] * data.num_images,
        "share": np.full(data.num_images, NO_SHARE, np.float32),
    }


def _head_columns(data: StoreData) -> dict[str, object]:
    jitter = np.random.default_rng(0).uniform(-_JITTER, _JITTER, data.num_heads)
    colours = layer_colours(data.num_layers)
    return {
        "label": data.head_labels,
        "number": np.arange(data.num_heads),
        "layer": data.layer_of_head,
        "head": np.arange(data.num_heads) % data.heads_per_layer,
        "layer_jitter": data.layer_of_head + jitter,
        "entropy": np.zeros(data.num_heads),
        "value": np.zeros(data.num_heads),
        "share": np.full(data.num_heads, NO_SHARE, np.float32),
        "brushed": np.zeros(data.num_heads, np.int32),
        "colour": [colours[layer] for layer in data.layer_of_head],
    }
