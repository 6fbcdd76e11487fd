"""The two sources that all plots of a page share: one row per image, one row per head."""

from collections.abc import Callable

import numpy as np
from bokeh.models import ColumnDataSource

from headbrush.server.session.brush.clauses import BrushView, Clause, Ids, joined, without
from headbrush.server.session.brush.dot_share import NO_SHARE, relative_shares
from headbrush.server.session.brushes import Brushes
from headbrush.server.session.palette import layer_colours
from headbrush.server.session.state import History, Stage, ViewState
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.bokeh.column_updates import update_columns

_JITTER = 0.32


class SharedSources:
    """Keeps the browser's selections equal to the clauses of images and heads, both ways.

    Attributes
    ----------
    images, heads
        Every plot of images (heads) uses this one source, so brushing in one is brushing in the
        others without the server.
    """

    def __init__(self, data: StoreData, history: History, brushes: Brushes) -> None:
        self._data, self._history, self._brushes = data, history, brushes
        self._is_writing = self._is_narrowing = False
        self.images = ColumnDataSource(data=_image_columns(data))
        self.heads = ColumnDataSource(data=_head_columns(data))
        self._by_view: dict[BrushView, ColumnDataSource] = {
            "images": self.images, "heads": self.heads,
        }  # fmt: skip
        for view, source in self._by_view.items():
            source.selected.on_change("indices", self._on_selection(view))
        history.follow(["clauses"], self._show_clauses, Stage.SOURCES)

    def place_images(self) -> None:
        """Move the images to where the store has them now."""
        embedding = self._data.store.read("image_embedding")
        update_columns(self.images, x=embedding[:, 0], y=embedding[:, 1])

    def narrow(self, is_on: bool) -> None:
        """Report the start or end of a drag that only shrinks a brush: empty is then not all."""
        self._is_narrowing = is_on

    def _on_selection(self, view: BrushView) -> Callable[[str, list[int], list[int]], None]:
        def selected(_attribute: str, _old: list[int], new: list[int]) -> None:
            if self._is_writing:
                return
            clauses = self._history.state.clauses
            if len(new) or self._is_narrowing:
                ids = Ids(tuple(sorted(int(i) for i in new)))
                self._history.change(clauses=joined(clauses, Clause(view, ids)))
            else:
                self._history.change(clauses=without(clauses, view))

        return selected

    def _show_clauses(self, _state: ViewState) -> None:
        """Make the browser's selections those of the clauses, for example after undo."""
        self._is_writing = True
        try:
            for view, source in self._by_view.items():
                wanted = self._brushes.own_ids(view)
                if sorted(source.selected.indices) != wanted:
                    source.selected.indices = wanted
        finally:
            self._is_writing = False
        self._show_shares()

    def _show_shares(self) -> None:
        """Show how much of each image and head a brush of patterns holds."""
        heads, images = self._brushes.brush("heads"), self._brushes.brush("images")
        update_columns(
            self.heads,
            share=self._shares("heads", heads.head_count),
            brushed=heads.head_count.astype(np.int32),
        )
        update_columns(self.images, share=self._shares("images", images.image_count))

    def _shares(self, view: BrushView, counts: np.ndarray) -> np.ndarray:
        """The least share for all if none are brushed: the browser ignores an empty brush."""
        if self._brushes.is_none(view):
            return np.zeros(len(counts), np.float32)
        return relative_shares(counts, self._brushes.is_of_patterns)


def _image_columns(data: StoreData) -> dict[str, object]:
    embedding = data.store.read("image_embedding")
    return {
        "x": embedding[:, 0],
        "y": embedding[:, 1],
        "name": data.names,
        "label": _names(data, np.where(data.is_labelled, data.labels, -1)),
        "predicted": _names(data, data.predicted),
        "probability": data.label_probability,
        **({} if data.stands_out is None else {"stands_out": data.stands_out}),
        "thumbnail": [""] * data.num_images,
        "share": np.full(data.num_images, NO_SHARE, np.float32),
    }


def _names(data: StoreData, classes: np.ndarray) -> list[str]:
    """The readable name of each class."""
    present, places = np.unique(classes, return_inverse=True)
    return np.array([data.class_name(one) for one in present.tolist()], object)[places].tolist()


def _head_columns(data: StoreData) -> dict[str, object]:
    jitter = np.random.default_rng(0).uniform(-_JITTER, _JITTER, data.num_heads)
    colours = layer_colours(data.num_layers)
    nothing = [np.nan] * data.num_heads
    bits = data.head_bits
    return {
        "label": data.head_labels,
        "pattern": data.head_patterns or [""] * data.num_heads,
        "offset_picture": [""] * data.num_heads,
        "bits": [one.words for one in bits] or [""] * data.num_heads,
        "fixed": np.array([one.fixed for one in bits] or nothing),
        "content": np.array([one.content for one in bits] or nothing),
        "number": np.arange(data.num_heads),
        "place": np.arange(data.num_heads),
        "told": [""] * data.num_heads,
        "told_first": [""] * data.num_heads,
        "told_second": [""] * data.num_heads,
        "told_difference": [""] * data.num_heads,
        "layer": data.layer_of_head,
        "head": np.arange(data.num_heads) % data.heads_per_layer,
        "layer_jitter": data.layer_of_head + jitter,
        "entropy": np.zeros(data.num_heads),
        "value": np.zeros(data.num_heads),
        "share": np.full(data.num_heads, NO_SHARE, np.float32),
        "brushed": np.zeros(data.num_heads, np.int32),
        "colour": [colours[layer] for layer in data.layer_of_head],
    }
