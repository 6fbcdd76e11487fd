"""What one page shows, as one frozen value, and its history."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

from .brushing import Clause
from .data import METRIC_NAMES, StoreData

Range = tuple[float, float, float, float]
Callback = Callable[["ViewState", "ViewState"], None]

IMAGE_COLOURS = ("class", "probability", "correct")
PATTERNS = ("patch", "cls")
PATTERN_STYLES = ("density", "points")
PATTERN_COLOURS = ("count", "layer", "head", "class", *METRIC_NAMES, "entropy")


@dataclass(frozen=True)
class ViewState:
    """Selection, brush and the choices of every view.

    Attributes
    ----------
    image
        Selected image, None for none.
    layer, head
        Selected head.
    pattern_range
        Visible part of the pattern layout, ``(x0, x1, y0, y1)``; None shows all.
    mode
        Pruning mode whose prediction is shown, 1 to 7.
    threshold
        Attention below it is not drawn; None: the top 1 % of the shown matrix is.
    token
        Pinned token of the selected image, None for none.
    """

    image: int | None
    layer: int
    head: int
    metric: str = "jsd"
    clauses: tuple[Clause, ...] = ()
    image_colour: str = "class"
    pattern: str = "patch"
    pattern_style: str = "density"
    pattern_colour: str = "count"
    pattern_range: Range | None = None
    mode: int = 1
    threshold: float | None = None
    token: int | None = None


class History:
    """The current state, its past and future, and who wants to know of changes."""

    def __init__(self, state: ViewState) -> None:
        self.state = state
        self._past: list[ViewState] = []
        self._future: list[ViewState] = []
        self._subscribers: list[tuple[frozenset[str], Callback]] = []

    def subscribe(self, parts: Iterable[str], callback: Callback) -> None:
        """Call ``callback(old, new)`` once for every change that touches one of ``parts``."""
        wanted = frozenset(parts)
        unknown = wanted - {field.name for field in fields(ViewState)}
        if unknown:
            raise ValueError(f"no such part of the state: {sorted(unknown)}")
        self._subscribers.append((wanted, callback))

    def change(self, **values: Any) -> None:
        """Replace parts of the state; nothing happens where all stay equal."""
        new = replace(self.state, **values)
        if new != self.state:
            if set(values) != {"pattern_range"}:  # zooming is no step to undo
                self._past.append(self.state)
                self._future.clear()
            self._move(new)

    def setter(self, part: str, choices: Sequence[Any] | None = None) -> Callable[..., None]:
        """A Bokeh callback that puts a widget's new value, or that choice, into ``part``."""

        def changed(_attribute: str, _old: Any, new: Any) -> None:
            self.change(**{part: new if choices is None else choices[new]})

        return changed

    def undo(self) -> None:
        """Go back one change, if there is one."""
        if self._past:
            self._future.append(self.state)
            self._move(self._past.pop())

    def redo(self) -> None:
        """Take back the last undo, if there is one."""
        if self._future:
            self._past.append(self.state)
            self._move(self._future.pop())

    def _move(self, new: ViewState) -> None:
        old, self.state = self.state, new
        changed = {
            f.name for f in fields(ViewState) if getattr(old, f.name) != getattr(new, f.name)
        }
        for parts, callback in self._subscribers:
            if parts & changed:
                callback(old, new)


def default_state(data: StoreData) -> ViewState:
    """The first screen: the most important head, and an image to which it matters."""
    layer, head = data.default_head
    return ViewState(image=data.default_image, layer=layer, head=head)


_CHOICES = {
    "metric": tuple(METRIC_NAMES),
    "image_colour": IMAGE_COLOURS,
    "pattern": PATTERNS,
    "pattern_style": PATTERN_STYLES,
    "pattern_colour": PATTERN_COLOURS,
}


def to_query(state: ViewState, data: StoreData) -> str:
    """The state as the query of a link, version 1; only what differs from the first screen."""
    first = default_state(data)
    pairs = {"v": "1", "image": "none" if state.image is None else str(state.image)}
    pairs["head"] = f"{state.layer}.{state.head}"
    for name in _CHOICES:
        if getattr(state, name) != getattr(first, name):
            pairs[name] = getattr(state, name)
    return urlencode(pairs)


def number_below(text: str, end: int) -> int | None:
    """The number that untrusted ``text`` is, if it is one from 0 to ``end`` - 1."""
    if not text.isdecimal() or len(text) > len(str(end)):
        return None
    return int(text) if int(text) < end else None


def from_query(arguments: dict[str, list[bytes]], data: StoreData) -> tuple[ViewState, str]:
    """The state that a link names, and a note, empty if all of the link could be used."""
    state = default_state(data)
    asked = {key: values[0].decode("utf-8", "replace") for key, values in arguments.items()}
    faults = []
    for name, choices in _CHOICES.items():
        if name in asked and asked[name] in choices:
            state = replace(state, **{name: asked[name]})
        elif name in asked:
            faults.append(name)
    if "image" in asked:
        if asked["image"] == "none":
            state = replace(state, image=None)
        elif (image := number_below(asked["image"], data.num_images)) is not None:
            state = replace(state, image=image)
        else:
            faults.append("image")
    if "head" in asked:
        first, _, second = asked["head"].partition(".")
        layer = number_below(first, data.num_layers)
        head = number_below(second, data.heads_per_layer)
        if layer is not None and head is not None:
            state = replace(state, layer=layer, head=head)
        else:
            faults.append("head")
    note = f"The link's {', '.join(faults)} could not be used." if faults else ""
    return state, note
