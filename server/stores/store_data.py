"""One store as the views need it: read-only arrays and derived values, no user state."""

import re
from collections.abc import Mapping, Set

import numpy as np
from PIL import Image

from headbrush.analysis.model.pruning.head_text import read_place
from headbrush.analysis.model.pruning.modes import PRUNING_MODES
from headbrush.analysis.store.checksums import checksum
from headbrush.analysis.store.facts.head_bits import HeadBits, head_bits
from headbrush.analysis.store.facts.head_names import HeadName, head_names, pattern_labels
from headbrush.analysis.store.facts.layouts import layouts_of
from headbrush.analysis.store.facts.pattern_families import (
    NO_NAME,
    PatternFamilies,
    pattern_families,
)
from headbrush.analysis.store.facts.percent import percent
from headbrush.analysis.store.schema import (
    METRICS,
    NEIGHBOURS,
    OUTPUT_MAP,
    PRUNING_METRICS,
    VARIABLES,
)
from headbrush.analysis.store.store import Store
from headbrush.analysis.store.tools.lazy_property import lazy_property
from headbrush.analysis.store.tools.name_search import NameSearch
from headbrush.server.stores.attention.matrices import StoredMatrices
from headbrush.server.stores.attention.mean_matrices import MeanMatrices
from headbrush.server.stores.first_choice import FirstChoice
from headbrush.server.stores.heads import Head
from headbrush.server.stores.metrics import DIRECT, METRIC_AXES, METRIC_NAMES
from headbrush.server.tools.byte_lru import ByteLRU
from headbrush.server.tools.data_url import data_url
from headbrush.server.tools.loops.cell_index import CellIndex
from headbrush.server.tools.threads.kept_answers import KeptAnswers

_ENCLOSED_BYTES = 64 << 20
"""For the masks of shapes brushed lately, of all pages together."""


_MEANS_BYTES = 16 << 20
_THUMBNAIL_BYTES = 64 << 20
_TRENDS_BYTES = 256 << 20
CORRECTNESS = ("correct", "wrong", "no label")
"""What the numbers of ``StoreData.correctness`` mean."""
NO_CLASSIFIER = (
    "This model has no classifier, so pruning heads changes no prediction; an analysis with "
    "--probe or --texts gives it one."
)
NO_PREDICTION = (
    "This model puts out a map and no class of an image, so pruning heads changes no prediction; "
    "B1 shows how far it changes the map."
)
"""Why there is nothing about predictions."""
NO_DIRECT = (
    "This store does not hold what heads say for classes; headbrush analyze with the same options "
    "and --restart adds it."
)
_UNSEEN = {"patch_latent", "classifier_weight", "classifier_bias"}
"""No view shows them."""
_BY_IMAGE = {"thumbnail"}
"""Of a large store read when an image is shown."""
_LATER = _BY_IMAGE | {
    "attention_checksum", "attention_distance", "direct", "importance_by_mode", "surprise",
}  # fmt: skip
"""What no first page shows."""
LARGE_FROM = 2_000_000
"""Patterns."""
_CLASS = re.compile(r"\b([Cc]lass)(es)?\b(?! token)")


class StoreData:
    """Arrays of a store, shared by all sessions of a process.

    ``version`` counts how often an unfinished store has caught up with its analysis.

    Notation: m images, L layers, H heads a layer. Head number ``layer·H + head``; pattern number
    ``image·L·H + head number``.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        sizes = store.sizes
        self.num_images = sizes["image"]
        self.num_layers = sizes["layer"]
        self.heads_per_layer = sizes["head"]
        self.num_heads = self.num_layers * self.heads_per_layer
        self.heads = [
            Head(*divmod(number, self.heads_per_layer), number) for number in range(self.num_heads)
        ]
        self.num_patterns = self.num_images * self.num_heads
        self.names: list[str] = store.read("name").tolist()
        self.by_name = NameSearch(self.names)
        self.class_names: list[str] = store.read("class_name").tolist()
        self.has_labels = store.attrs["label_source"] == "folder"
        self.num_tokens = store.num_tokens
        self._metrics: list[str] = store.read("metric").tolist()
        self._thumbnails = ByteLRU[str](_THUMBNAIL_BYTES)
        self.enclosed = ByteLRU(_ENCLOSED_BYTES)
        self.pruned_means = ByteLRU(_MEANS_BYTES)
        self.matrices = StoredMatrices(store)
        self.mean_matrices = MeanMatrices(store)
        self.trends = KeptAnswers("headbrush-trends", _TRENDS_BYTES)
        self.layouts = layouts_of(store)
        self._has_values: dict[tuple[int, str], bool] = {}
        self._cells: dict[str, tuple[np.ndarray | None, CellIndex]] = {}
        self.version = 0

    def catch_up(self) -> bool:
        """Take over what the analysis of an unfinished store has written since; whether it has.

        Raises
        ------
        StoreError
            If the store was removed, or replaced by another.
        """
        if not self.store.catch_up():
            return False
        self.enclosed = ByteLRU(_ENCLOSED_BYTES)
        for name in ("first", "layout_fingerprints", "_direct"):
            vars(self).pop(name, None)
        self.prepare()
        self.version += 1
        return True

    def prepare(self) -> None:
        """Read all that pages show, so that later only matrices wait for the disk.

        Of a large store only what a page shows first.
        """
        later = {f"{layout}_embedding" for layout in self.layouts[1:]} | _LATER
        self._read(set(VARIABLES) - (later if self.is_large else set()))
        _ = self.first, self.fingerprint, self.layout_fingerprints

    def prepare_rest(self) -> None:
        """Read what else pages show of a large store."""
        self._read(set(VARIABLES) - _BY_IMAGE)
        self.pixels(0)  # an older store packs so many images together that all are read

    def _read(self, names: Set[str]) -> None:
        shown = [name for name in VARIABLES if name in names - _UNSEEN and self.store.has(name)]
        self.store.read_all(shown)

    @property
    def is_large(self) -> bool:
        """Whether reading all of the store takes seconds, for which a first page need not wait."""
        return self.num_patterns >= LARGE_FROM

    @lazy_property
    def fingerprint(self) -> str:
        """Which images the store is about, 8 hexadecimal digits: of their names and thumbnails."""
        of_images = [self.store.checksum(name) for name in ("name", "thumbnail")]
        return f"{checksum(np.array(of_images)):08x}"

    @lazy_property
    def layout_fingerprints(self) -> Mapping[str, str]:
        """Of each of ``layouts``, and of ``name``, the names of patterns: 8 hexadecimal digits."""
        found = {
            layout: f"{self.store.checksum(f'{layout}_embedding'):08x}" for layout in self.layouts
        }
        if self.families is not None:
            found["name"] = f"{checksum(np.array(self.families.names, object)):08x}"
        return found

    @lazy_property
    def probability(self) -> np.ndarray:
        """``(m, classes)`` unpruned softmax probabilities; ``(m, 0)`` of a headless model."""
        stored = self.store.read("probability")
        return stored if np.isfinite(stored).any() else stored[:, :0]

    @lazy_property
    def predicted(self) -> np.ndarray:
        """``(m,)`` most probable class, -1 of a headless model and where none is known."""
        if not self.has_classifier:
            return np.full(self.num_images, -1)
        return np.where(np.isfinite(self.probability).all(1), self.probability.argmax(1), -1)

    @lazy_property
    def is_labelled(self) -> np.ndarray:
        """``(m,)`` bool: the true class is known."""
        return self.store.read("label") >= 0

    @lazy_property
    def labels(self) -> np.ndarray:
        """``(m,)`` true class, or the predicted class if unknown."""
        stored = self.store.read("label")
        return np.where(stored >= 0, stored, self.predicted)

    @lazy_property
    def label_probability(self) -> np.ndarray:
        """``(m,)`` P[label]; NaN of a headless model."""
        if not self.has_classifier:
            return np.full(self.num_images, np.nan, np.float32)
        return self.probability[np.arange(self.num_images), self.labels]

    @property
    def loss(self) -> np.ndarray:
        """``(m,)`` −log P[label], 0 to infinity; NaN of a headless model."""
        with np.errstate(divide="ignore"):
            return -np.log(np.asarray(self.label_probability, float))

    @property
    def has_classifier(self) -> bool:
        """Whether the model predicts classes."""
        return bool(self.probability.shape[1])

    @property
    def no_prediction(self) -> str:
        """Why a model without a classifier changes no prediction, as one sentence."""
        return NO_PREDICTION if OUTPUT_MAP in self._metrics else NO_CLASSIFIER

    def worded(self, words: str) -> str:
        """Fixed words about classes: of a store whose classes are texts they say text."""
        if self.store.attrs.get("classifier") != "texts":
            return words
        return _CLASS.sub(
            lambda found: ("Text" if found[1] == "Class" else "text") + ("s" if found[2] else ""),
            words,
        )

    @lazy_property
    def correct(self) -> np.ndarray:
        """``(m,)`` bool: the most probable class is the true one, which is known."""
        return self.is_labelled & (self.predicted == self.labels)

    @lazy_property
    def correctness(self) -> np.ndarray:
        """``(m,)`` 0 if predicted correctly, 1 if wrongly, 2 if that cannot be known."""
        is_known = self.is_labelled & (self.predicted >= 0)
        return np.where(is_known, np.where(self.correct, 0, 1), 2)

    def true_class(self, image: int) -> str:
        """Readable name of the true class, "unknown" where it is."""
        return self.class_name(int(self.labels[image]) if self.is_labelled[image] else -1)

    def importance(self, metric: str) -> np.ndarray:
        """``(m, L·H)`` of one metric; NaN where the store does not hold it."""
        if metric == DIRECT:
            return self._direct
        shape = (self.num_images, self.num_heads)
        if metric not in self._metrics:
            return np.full(shape, np.nan, np.float32)
        return self.store.read("importance")[self._metrics.index(metric)].reshape(shape)

    def has_values(self, metric: str) -> bool:
        """Whether any head of any image has a value of a metric."""
        key = self.version, metric
        if key not in self._has_values:
            self._has_values[key] = bool(np.isfinite(self.importance(metric)).any())
        return self._has_values[key]

    @lazy_property
    def _direct(self) -> np.ndarray:
        """``(m, L·H)`` what heads say for the true class, else the predicted one."""
        shape = (self.num_images, self.num_heads)
        if not self.store.has("direct"):
            return np.full(shape, np.nan, np.float32)
        return np.ascontiguousarray(self.store.read("direct")[..., 0]).reshape(shape)

    def importance_by_mode(self, images: int | np.ndarray, number: int) -> np.ndarray | None:
        """``(metric, mode, …)`` of one head under all modes that prune; None where not stored.

        ``images`` is one image, or numbers of several, which are then the last axis. Metrics are
        those of pruning, NaN where the store does not hold one.
        """
        if not self.store.has("importance_by_mode"):
            return None
        if self.store.read("mode").tolist() != list(PRUNING_MODES):
            return None
        head = self.heads[number]
        stored = self.store.read("importance_by_mode")[:, :, images, head.layer, head.head]
        shape = (len(PRUNING_METRICS), len(PRUNING_MODES), *stored.shape[2:])
        values = np.full(shape, np.nan, np.float32)
        for row, metric in enumerate(PRUNING_METRICS):
            if metric in self._metrics:
                values[row] = stored[:, self._metrics.index(metric)]
        return values

    @property
    def metric_titles(self) -> dict[str, str]:
        """Title of every metric that readers may choose, by its name."""
        return {
            name: self.metric_words(name, title)
            for name, title in METRIC_NAMES.items()
            if name in METRICS or name in self._metrics or (name == DIRECT and self.has_classifier)
        }

    def metric_axis(self, metric: str) -> str:
        """Title of an axis with values of a metric."""
        return self.worded(METRIC_AXES[metric])

    def metric_words(self, metric: str, words: str) -> str:
        """Fixed words about a metric: without labels, heads speak for the predicted class."""
        if metric == DIRECT and not self.has_labels:
            words = words.replace("true", "predicted")
        return self.worded(words)

    def why_undefined(self, metric: str) -> str:
        """Why no head has a value of the metric, as one sentence."""
        if metric == "cls":
            return "This model has no class token, so CLS distance does not exist."
        if metric == NEIGHBOURS and self.has_classifier:
            return "Neighbours lost are measured of models without a classifier."
        if metric == NEIGHBOURS:
            return "This store does not say which neighbours are lost: its heads were not pruned."
        if metric == OUTPUT_MAP:
            return "This store does not say how far its map changes: its heads were not pruned."
        if metric == DIRECT:
            return self._why_nothing_said
        if not self.has_classifier:
            return self.no_prediction
        if metric == "gradient":
            return "This store was made without the gradient approximation."
        return "This store holds the gradient approximation only: its heads were not pruned."

    @property
    def _why_nothing_said(self) -> str:
        if not self.has_classifier:
            return "This model has no classifier, so its heads speak for no class."
        if not self.store.has("direct"):
            return NO_DIRECT
        reason = self.store.attrs.get("missing")
        return "What heads say for classes is not known" + (f": {reason}." if reason else ".")

    def shown_importance(self, metric: str) -> np.ndarray:
        """Values that B1 plots, ``(m, L·H)``: P'[label] for ``probability``, else the metric."""
        if metric != "probability":
            return self.importance(metric)
        return self.label_probability[:, None] - self.importance(metric)

    @lazy_property
    def entropy(self) -> np.ndarray:
        """``(m, L·H)`` normalised entropy of the strength vectors."""
        return self.store.read("strength_entropy").reshape(self.num_images, self.num_heads)

    @lazy_property
    def strength(self) -> np.ndarray:
        """``(m, L·H, hops)`` strength vectors."""
        stored = self.store.read("strength")
        return stored.reshape(self.num_images, self.num_heads, stored.shape[-1])

    def embedding(self, pattern: str) -> np.ndarray:
        """``(m·L·H, 2)`` coordinates of the patterns in one of ``layouts``."""
        return self.store.read(f"{pattern}_embedding").reshape(-1, 2)

    @lazy_property
    def families(self) -> PatternFamilies | None:
        """The names of all patterns; None where the store has none."""
        return pattern_families(self.store)

    def places(self, layout: str) -> np.ndarray | CellIndex:
        """What a brush of patterns is about: their cells in a layout, or ``(m·L·H,)`` names.

        ``layout`` is one of ``layouts``, or ``name``.
        """
        if layout == "name":
            return np.empty(0, np.int16) if self.families is None else self.families.numbers
        return self.cells(layout)

    def cells(self, layout: str) -> CellIndex:
        """Where the patterns are in a layout, and how far they reach."""
        points = self.embedding(layout)
        kept = self._cells.get(layout)
        if kept is None or kept[0] is not points.base:
            kept = self._cells[layout] = points.base, CellIndex(points)
        return kept[1]

    @lazy_property
    def layer_of_head(self) -> np.ndarray:
        """``(L·H,)`` layer of every head number."""
        return np.arange(self.num_heads) // self.heads_per_layer

    @lazy_property
    def head_labels(self) -> list[str]:
        """``L3·H2`` for every head number."""
        return [str(head) for head in self.heads]

    @lazy_property
    def head_patterns(self) -> list[str]:
        """What each head has learned over all images, in words; empty where the store has none."""
        return [str(name) for name in self._head_names]

    @property
    def short_patterns(self) -> list[str]:
        """The same without how clear it is, and in how many images."""
        return [name.short for name in self._head_names]

    @lazy_property
    def _head_names(self) -> list[HeadName]:
        return head_names(self.store)

    @lazy_property
    def head_bits(self) -> list[HeadBits]:
        """What decides where each head looks; empty where the store does not say."""
        return head_bits(self.store)

    @lazy_property
    def stands_out(self) -> np.ndarray | None:
        """``(m,)`` how far each image stands out; None where the store does not say."""
        found = self.store.read("anomaly") if self.store.has("anomaly") else None
        return found if found is not None and np.isfinite(found).any() else None

    @lazy_property
    def head_families(self) -> list[str]:
        """The name that most patterns of each head have, without the width of a band.

        "no name" where most have none; empty where the store has no names.
        """
        return [name.family or NO_NAME for name in self._head_names]

    def pattern_names(self, image: int) -> list[str]:
        """What each head's pattern in one image is called; empty where the store has no names."""
        if not self.head_patterns:
            return []
        return [name.label or "no name" for name in head_names(self.store, np.array([image]))]

    @lazy_property
    def _pattern_labels(self) -> np.ndarray | None:
        return pattern_labels(self.store)

    def pattern_label(self, image: int, number: int) -> str:
        """What one pattern is called, with the width of a band; "no name" without one."""
        labels = self._pattern_labels
        return ("" if labels is None else str(labels[image, number])) or NO_NAME

    def head(self, number: int) -> Head:
        """The head of a number."""
        return self.heads[number]

    def head_at(self, layer: int, head: int) -> Head:
        """The head of a layer, and of a place within it."""
        return self.heads[layer * self.heads_per_layer + head]

    def head_named(self, text: str) -> Head | None:
        """The head that is written as ``2.0`` or ``L2·H0``; None if there is no such head."""
        place = read_place(text)
        if place is None or place[0] >= self.num_layers or place[1] >= self.heads_per_layer:
            return None
        return self.head_at(*place)

    @lazy_property
    def first(self) -> FirstChoice:
        """Metric, head and image that a page shows first."""
        return FirstChoice(self.heads, self.importance, self.correct, self.store.kept_images)

    def thumbnail(self, image: int) -> str:
        """Data URL of an image's thumbnail; encoded on demand, the ones used last are kept."""
        found = self._thumbnails.get(image)
        if found is None:
            found = data_url(Image.fromarray(self.pixels(image)))
            self._thumbnails.put(image, found, len(found))
        return found

    def pixels(self, images: int | np.ndarray) -> np.ndarray:
        """``(y, x, channel)`` uint8 of the thumbnail of one image; of several the first axis."""
        return self.store.read_images("thumbnail", images)

    @lazy_property
    def class_labels(self) -> list[str]:
        """Every class's name, with its accuracy where that was measured."""
        if not self.store.has("class_accuracy"):
            return self.class_names
        pairs = zip(self.class_names, self.store.read("class_accuracy"), strict=True)
        return [name if np.isnan(share) else f"{name} {percent(share)}" for name, share in pairs]

    def class_name(self, index: int) -> str:
        """Readable name of a class, "unknown" for -1."""
        return self.class_names[index] if 0 <= index < len(self.class_names) else "unknown"
