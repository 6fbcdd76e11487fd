"""What one page shows, as one frozen value, and its history."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from headbrush.server.session.brush.clauses import Clause
from headbrush.server.session.undo_stack import Steps
from headbrush.server.stores.store_data import METRIC_NAMES

Range = tuple[float, float, float, float]
Callback = Callable[["ViewState", "ViewState"], None]

IMAGE_COLOURS = ("class", "probability", "correct")
OVERVIEWS = ("entropy", "counts")
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
    overview: str = "entropy"
    pattern: str = "patch"
    pattern_style: str = "density"
    pattern_colour: str = "count"
    pattern_range: Range | None = None
    mode: int = 1
    threshold: float | None = None
    token: int | None = None


class History:
    """The current state, its past and future, and who wants to know of changes.

    Many small changes of one gesture are shown with :meth:`preview` and closed by :meth:`settle`:
    they are one step to undo.
    """

    def __init__(self, state: ViewState) -> None:
        self.state = state
        self._before: ViewState | None = None
        self._steps = Steps[ViewState]()
        self._subscribers: list[tuple[frozenset[str], Callback]] = []
        self._on_step: list[Callable[[], None]] = []

    @property
    def is_settled(self) -> bool:
        """Whether no gesture goes on."""
        return self._before is None

    def follow_steps(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` for every step to undo, before what it changes is shown."""
        self._on_step.append(callback)

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
            self.settle()
            if set(values) != {"pattern_range"}:  # zooming is no step to undo
                self._step_from(self.state)
            self._move(new)

    def preview(self, **values: Any) -> None:
        """Show a change of a gesture that goes on."""
        new = replace(self.state, **values)
        if new != self.state:
            self._before = self._before or self.state
            self._move(new)

    def settle(self) -> None:
        """Close a gesture: all its previews are one step."""
        before, self._before = self._before, None
        if before is not None and before != self.state:
            self._step_from(before)

    def _step_from(self, before: ViewState) -> None:
        self._steps.keep(before)
        for callback in self._on_step:
            callback()

    def setter(self, part: str, choices: Sequence[Any] | None = None) -> Callable[..., None]:
        """A Bokeh callback that puts a widget's new value, or that choice, into ``part``."""

        def changed(_attribute: str, _old: Any, new: Any) -> None:
            self.change(**{part: new if choices is None else choices[new]})

        return changed

    def bind(self, widget: Any, part: str, choices: Sequence[Any] | None = None) -> None:
        """Let a widget's ``value``, or its ``active`` one of ``choices``, show and set ``part``."""
        attribute = "value" if choices is None else "active"

        def follow(_old: ViewState, new: ViewState) -> None:
            value = getattr(new, part)
            widget.update(**{attribute: value if choices is None else choices.index(value)})

        follow(self.state, self.state)
        widget.on_change(attribute, self.setter(part, choices))
        self.subscribe([part], follow)

    def undo(self) -> None:
        """Go back one change, if there is one."""
        self.settle()
        self._take(self._steps.back(self.state))

    def redo(self) -> None:
        """Take back the last undo, if there is one."""
        self.settle()
        self._take(self._steps.forward(self.state))

    def _take(self, step: ViewState | None) -> None:
        if step is not None:
            self._move(step)

    def _move(self, new: ViewState) -> None:
        old, self.state = self.state, new
        changed = {
            f.name for f in fields(ViewState) if getattr(old, f.name) != getattr(new, f.name)
        }
        for parts, callback in self._subscribers:
            if parts & changed:
                callback(old, new)
