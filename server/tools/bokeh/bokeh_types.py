"""Types that Bokeh's stubs leave out or make too wide; each function is only a narrow cast."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from bokeh.events import Event
from bokeh.models import ColumnDataSource, Range, Range1d
from bokeh.util.callback_manager import EventCallbackManager

if TYPE_CHECKING:
    from bokeh.document import Document
    from bokeh.models.sources import DataDict

EventT = TypeVar("EventT", bound=Event)


def on_event(
    model: "EventCallbackManager | Document",
    event: type[EventT],
    callback: Callable[[EventT], object],
) -> None:
    """Call ``callback`` with every ``event`` of a model; in the stubs it must take any event."""
    model.on_event(event, cast(Callable[[Event], None], callback))


def columns_of(source: ColumnDataSource) -> "DataDict":
    """The columns of a source, which can be replaced one by one; never a data frame here."""
    return cast("DataDict", source.data)


def number_range(shown: Range) -> Range1d:
    """A range of a figure as one of numbers, as all of these figures have."""
    return cast(Range1d, shown)


def ends_of(shown: Range) -> tuple[float, float]:
    """Start and end of a range of numbers; the stubs also allow for dates."""
    numbers = number_range(shown)
    return cast(float, numbers.start), cast(float, numbers.end)
