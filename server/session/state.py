"""The state of one page as one frozen value, and its history."""

from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Any, TypedDict, Unpack, cast

from bokeh.model import Model

from headbrush.analysis.explain.words import MAPS, TILES
from headbrush.analysis.model.pruning.prune_set import NOTHING, PruneSet
from headbrush.analysis.store.facts.layouts import LAYOUTS
from headbrush.server.session.brush.clauses import Clause
from headbrush.server.stores.metrics import METRIC_NAMES
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.signal import Signal
from headbrush.server.tools.undo_stack import UndoStack

Range = tuple[float, float, float, float]
Callback = Callable[["ViewState"], None]

WORKSPACES = ("explore", "what_if", "trends", "explain")
IMAGE_COLOURS = ("class", "probability", "correct")
IMAGES_FORMS = ("layout", "gallery")
IMAGE_ORDERS = ("loss", "p_true", *METRIC_NAMES, "stands_out", "class", "file")
IMAGE_DIRECTIONS = ("down", "up")
GALLERY_OF = ("brushed", "all")
IMPORTANCE_SCALES = ("linear", "log")
IMPORTANCE_ORDERS = ("layer", "mean", "difference")
IMPORTANCE_FITS = ("whole", "fit")
IMPORTANCE_FORMS = ("chart", "table")
TREND_ORDERS = ("layer", "alike")
BESIDE_ORDERS = ("difference", "layer")
EXPLAINED_MAPS = tuple(MAPS)
EXPLAINED_HEADS = ("all", "brushed", "selected")
EXPLAINED_FORMS = ("over", "beside")
EXPLAINED_TILES = TILES
SINKS = ("shown", "hidden")
OVERVIEWS = ("entropy", "counts", "bits", "names")
PATTERNS = LAYOUTS
PATTERN_STYLES = ("density", "points", "contours")
PATTERN_COLOURS = ("count", "name", "layer", "head", "class", *METRIC_NAMES, "entropy")


def pattern_colours_of(data: StoreData) -> tuple[str, ...]:
    """The colourings that a store has values for: an older one has no names of patterns."""
    missing = {"name"} if data.families is None else set()
    missing |= METRIC_NAMES.keys() - data.metric_titles.keys()
    return tuple(name for name in PATTERN_COLOURS if name not in missing)


@dataclass(frozen=True)
class ViewState:
    """Selection, brush and the choices of every view.

    Attributes
    ----------
    image
        Selected image, None for all images.
    layer, head
        Selected head.
    pattern_range, images_range, matrix_range
        Visible part of the layouts of patterns and images, and of the attention matrix,
        ``(x0, x1, y0, y1)``; None shows all.
    mode
        Pruning mode whose prediction is shown, 1 to 7.
    threshold
        Attention below it is not drawn; None: the top 1 % of the shown matrix is.
    token
        Pinned token, None for none.
    image_order, image_direction
        How the gallery sorts the images; ``down`` is from the largest value.
    pruned
        The prune set that the second workspace is about.
    trend_group
        What is compared in each head: every class with the rest, or the wrong predictions of a
        class with its right ones.
    trend_order, trend_words
        How the heads are sorted there; and the words by which classes are found, empty for none.
    match, partners
        How the heads of two stores on one page are matched, one of ``MATCHES``; and the pairs that
        the reader has changed, by the heads' numbers, −1 for no partner.
    beside_order
        How the differences of two stores are sorted.
    explained_class
        The class whose logit is explained; None: the one that is predicted.
    explained_map, explained_heads, explained_form
        The map that is drawn large, the heads that it is of, and whether it lies over the image.
    explained_tile
        The tiles that patch ablation removes.
    sinks
        Whether attention to sinks is shown.
    compared
        Names of the named brushes that are compared.
    """

    image: int | None
    layer: int
    head: int
    metric: str = "jsd"
    clauses: tuple[Clause, ...] = ()
    image_colour: str = "class"
    overview: str = "entropy"
    pattern: str = "patch"
    pattern_style: str = "density"
    pattern_colour: str = "count"
    pattern_range: Range | None = None
    mode: int = 1
    threshold: float | None = None
    token: int | None = None
    importance_scale: str = "linear"
    importance_order: str = "layer"
    importance_fit: str = "whole"
    importance_form: str = "chart"
    images_form: str = "layout"
    image_order: str = "loss"
    image_direction: str = "down"
    gallery_of: str = "brushed"
    workspace: str = "explore"
    images_range: Range | None = None
    matrix_range: Range | None = None
    pruned: PruneSet = NOTHING
    trend_group: str = "class"
    trend_order: str = "layer"
    trend_words: str = ""
    match: str = "place"
    partners: tuple[tuple[int, int], ...] = ()
    beside_order: str = "difference"
    explained_class: int | None = None
    explained_map: str = "speaks"
    explained_heads: str = "all"
    explained_form: str = "over"
    explained_tile: str = "auto"
    sinks: str = "shown"
    compared: tuple[str, ...] = ()


class Changes(TypedDict, total=False):
    """New values of parts of a :class:`ViewState`."""

    image: int | None
    layer: int
    head: int
    metric: str
    importance_scale: str
    importance_order: str
    importance_fit: str
    importance_form: str
    images_form: str
    image_order: str
    image_direction: str
    gallery_of: str
    clauses: tuple[Clause, ...]
    image_colour: str
    overview: str
    pattern: str
    pattern_style: str
    pattern_colour: str
    pattern_range: Range | None
    mode: int
    threshold: float | None
    token: int | None
    workspace: str
    images_range: Range | None
    matrix_range: Range | None
    pruned: PruneSet
    trend_group: str
    trend_order: str
    trend_words: str
    match: str
    partners: tuple[tuple[int, int], ...]
    beside_order: str
    explained_class: int | None
    explained_map: str
    explained_heads: str
    explained_form: str
    explained_tile: str
    sinks: str
    compared: tuple[str, ...]


_ZOOMS = frozenset({"pattern_range", "images_range", "matrix_range"})
_PARTS = frozenset(field.name for field in fields(ViewState))


class Stage(IntEnum):
    """Stages of a change: all followers of one stage are called before any of the next."""

    SOURCES = 0
    VIEWS = 1
    PAGE = 2


@dataclass(frozen=True)
class _Follower:
    stage: Stage
    parts: frozenset[str]
    callback: Callback
    workspace: str | None


class History:
    """The current state, its past and future, and the followers of its changes.

    Many small changes of one gesture are shown with :meth:`preview` and closed by :meth:`settle`:
    they are one step to undo.

    Attributes
    ----------
    stepped
        Emitted for every step to undo, before its followers hear of the change.
    """

    def __init__(self, state: ViewState) -> None:
        self.state = state
        self._before: ViewState | None = None
        self._steps = UndoStack[ViewState]()
        self.stepped: Signal[[]] = Signal()
        self._followers: list[_Follower] = []
        self._building: str | None = None
        self._missed: defaultdict[str, set[str]] = defaultdict(set)

    @property
    def building(self) -> str | None:
        """The workspace whose followers join now, see :meth:`only_in`."""
        return self._building

    @property
    def is_settled(self) -> bool:
        """Whether no gesture is in progress."""
        return self._before is None

    def follow(self, parts: Iterable[str], callback: Callback, stage: Stage = Stage.VIEWS) -> None:
        """Call ``callback(state)`` now, and once for every change of one of ``parts``.

        Raises
        ------
        ValueError
            If the state has no such part.
        """
        self.on_change(parts, callback, stage)
        callback(self.state)

    def on_change(
        self, parts: Iterable[str], callback: Callback, stage: Stage = Stage.VIEWS
    ) -> None:
        """Call ``callback(state)`` for every change of one of ``parts``, but not now."""
        wanted = frozenset(parts)
        if unknown := wanted - _PARTS:
            raise ValueError(f"no such part of the state: {sorted(unknown)}")
        follower = _Follower(stage, wanted, callback, self._building)
        insort(self._followers, follower, key=lambda one: one.stage)

    @contextmanager
    def only_in(self, workspace: str | None) -> Iterator[None]:
        """Followers that join meanwhile hear nothing while another workspace is shown.

        When theirs is shown again, they hear once of all that has changed. None: they always hear.
        """
        before, self._building = self._building, workspace
        try:
            yield
        finally:
            self._building = before

    def change(self, **values: Unpack[Changes]) -> None:
        """Replace parts of the state; nothing happens where all stay equal."""
        new = replace(self.state, **values)
        if new != self.state:
            self.settle()
            if not _ZOOMS.issuperset(values):  # zooming is not a step to undo
                self._step_from(self.state)
            self._move(new)

    def preview(self, **values: Unpack[Changes]) -> None:
        """Show a change of a gesture in progress."""
        new = replace(self.state, **values)
        if new != self.state:
            self._before = self._before or self.state
            self._move(new)

    def settle(self) -> None:
        """Close a gesture: all its previews become one step."""
        before, self._before = self._before, None
        if before is not None and before != self.state:
            self._step_from(before)

    def _step_from(self, before: ViewState) -> None:
        self._steps.keep(before)
        self.stepped.emit()

    def setter(
        self, part: str, choices: Sequence[object] | None = None
    ) -> Callable[[str, object, Any], None]:
        """A Bokeh callback that writes a widget's new value, or that choice, into ``part``."""

        def changed(_attribute: str, _old: object, new: Any) -> None:
            value = new if choices is None else choices[new]
            self.change(**cast(Changes, {part: value}))

        return changed

    def bind(self, widget: Model, part: str, choices: Sequence[object] | None = None) -> None:
        """Bind a widget's ``value``, or its ``active`` of ``choices``, to ``part``, both ways."""
        attribute = "value" if choices is None else "active"

        def show(state: ViewState) -> None:
            value = getattr(state, part)
            widget.update(**{attribute: value if choices is None else choices.index(value)})

        self.follow([part], show)
        widget.on_change(attribute, self.setter(part, choices))

    @property
    def step(self) -> int:
        """Number of the step that is shown; each new one has a number of its own."""
        return self._steps.number

    @property
    def has_past(self) -> bool:
        """Whether there is a step to undo."""
        return self._steps.has_past or not self.is_settled

    @property
    def has_future(self) -> bool:
        """Whether there is a step to redo."""
        return self._steps.has_future

    def go_to(self, step: int) -> None:
        """Undo or redo as many steps as lead to the one of that number, if any do."""
        self.settle()
        self._take(self._steps.toward(step, self.state))

    def adopt(self, **values: Unpack[Changes]) -> None:
        """Replace parts of the state that nobody chose; no step to undo."""
        self._move(replace(self.state, **values))

    def revise(self, change: Callable[[ViewState], ViewState]) -> None:
        """Replace the state and all former and undone ones; nobody is told."""
        self.state = change(self.state)
        self._before = None if self._before is None else change(self._before)
        self._steps.revise(change)

    def retell(self, *parts: str) -> None:
        """Call the followers of these parts: what they show has changed, the state has not."""
        self._tell(frozenset(parts))

    def undo(self) -> None:
        """Undo one step, if there is one."""
        self.settle()
        self._take(self._steps.back(self.state))

    def redo(self) -> None:
        """Redo one step, if there is one."""
        self.settle()
        self._take(self._steps.forward(self.state))

    def _take(self, step: ViewState | None) -> None:
        if step is not None:
            self._move(step)

    def _move(self, new: ViewState) -> None:
        old, self.state = self.state, new
        self._tell({part for part in _PARTS if getattr(old, part) != getattr(new, part)})

    def _tell(self, changed: Set[str]) -> None:
        shown = self.state.workspace
        for hidden in {*WORKSPACES} - {shown}:
            self._missed[hidden] |= changed
        here = changed | self._missed.pop(shown, set())
        for one in tuple(self._followers):
            if one.workspace in (shown, None) and one.parts & (here if one.workspace else changed):
                one.callback(self.state)
