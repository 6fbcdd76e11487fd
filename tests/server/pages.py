"""What a reader sees of a view and does with it, without a browser."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from bokeh.document import Document
from bokeh.events import ModelEvent, PanEnd, SelectionGeometry
from bokeh.io import curdoc
from bokeh.model import Model
from bokeh.models import Paragraph
from bokeh.plotting import figure

from headbrush.server.session.state import ViewState
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.store_data import StoreData
from tests.server.fakes import run
from tests.waiting import until


def image_state(data: StoreData) -> ViewState:
    """The first screen, and then an image to which its head matters."""
    return replace(default_state(data), image=data.first.image_of(data.first.head.number))


def part(view: Any, name: str) -> Any:
    """The one model of a view with this name."""
    found = view.layout.select_one({"name": name})
    assert found is not None, f"{view.name} has no {name!r}"
    return found


def columns(view: Any, name: str) -> Any:
    """What the source of this name holds."""
    return part(view, name).data


def words(view: Any, name: str) -> str:
    """What the legend, label or line of this name says."""
    return part(view, name).text


def note(view: Any) -> str:
    """What a view says in its only paragraph."""
    return _one_of(view, Paragraph).text


def plot_of(view: Any) -> figure:
    """The only plot of a view."""
    return _one_of(view, figure)


def visible_range(plot: figure) -> tuple[float, float, float, float]:
    """Ends of both axes."""
    return plot.x_range.start, plot.x_range.end, plot.y_range.start, plot.y_range.end


def happen(event: ModelEvent) -> None:
    """Tell what happened to a model as the browser does, through the document."""
    if event.model.document is None:
        curdoc().add_root(event.model)
    event.model.document.callbacks.trigger_event(event)


def drag(view: Any, geometry: dict[str, Any], final: bool = True, **keys: bool) -> None:
    """What Bokeh sends for a drag of the box or lasso tool: the shape, then its end with keys."""
    plot = plot_of(view)
    happen(SelectionGeometry(plot, geometry=geometry, final=final))
    held = {"shift": False, "ctrl": False, "alt": False} | keys
    happen(PanEnd(plot, x=0, y=0, modifiers=held))


def run_until(document: Document, is_so: Callable[[], object]) -> None:
    """Run the page's loop until something is so."""

    def is_so_now() -> object:
        run(document)
        return is_so()

    until(is_so_now)


def _one_of(view: Any, kind: type) -> Any:
    (found,) = (model for model in _laid_out(view.layout) if isinstance(model, kind))
    return found


def _laid_out(model: Model) -> Iterator[Model]:
    """What a column or row is made of; not what else its scripts and sources refer to."""
    yield model
    for child in getattr(model, "children", ()):
        yield from _laid_out(child)
