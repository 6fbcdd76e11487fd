"""One browser page: its state, the two shared sources, and the brush between them."""

from collections.abc import Callable

import numpy as np
from bokeh.models import ColumnDataSource, Div

from .brushing import Brush, Clause, Ids, joined, resolve
from .data import StoreData
from .palette import LIGHT, Theme, layer_colours
from .state import History, ViewState

_JITTER = 0.32


class Session:
    """What the views of one page share.

    Attributes
    ----------
    images, heads
        One row an image or head; every plot of images (heads) uses this one source, so brushing
        in one is brushing in the others without the server.
    theme
        Light or dark; the reader's own, so it is no part of the state.
    summaries
        Each view's text for those who do not see it, by the name of the view.
    """

    def __init__(self, data: StoreData, state: ViewState, theme: Theme = LIGHT) -> None:
        self.data = data
        self.theme = theme
        self.summaries: dict[str, str] = {}
        self.told = Div(text="", name="summaries", visible=False, tags=[])
        self.told.on_change("tags", self._on_told)
        self._on_theme: list[Callable[[], None]] = []
        self._on_preview: list[Callable[[Brush], None]] = []
        self.history = History(state)
        self._brushes: dict[str | None, Brush] = {}
        self._writing = False
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
        if exclude not in self._brushes:
            data = self.data
            self._brushes[exclude] = resolve(
                self.state.clauses, data.num_images, data.num_heads, data.embedding, exclude,
                data.enclosed,
            )  # fmt: skip
        return self._brushes[exclude]

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

    def drop_clauses(self, view: str | None = None) -> None:
        """Remove the clauses of ``view``, or all."""
        kept = tuple(c for c in self.state.clauses if view is not None and c.view != view)
        self.history.change(clauses=kept)

    def clear(self) -> None:
        """Remove all clauses and let go of the pinned token, as one step."""
        self.history.change(clauses=(), token=None)

    def _on_selection(self, view: str) -> Callable[[str, list[int], list[int]], None]:
        kind = "image" if view == "images" else "head"

        def react(_attribute: str, _old: list[int], new: list[int]) -> None:
            if self._writing:
                return
            if len(new):
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
                own = [clause.shape for clause in new.clauses if clause.view == view]
                wanted = list(own[-1].ids) if own else []
                if sorted(source.selected.indices) != wanted:
                    source.selected.indices = wanted
        finally:
            self._writing = False


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
        "colour": [colours[layer] for layer in data.layer_of_head],
    }
