"""The views of one state, without a page: what figures are drawn from."""

from collections.abc import Iterable
from time import monotonic
from typing import Any, TypeVar, cast

from bokeh.document import Document
from bokeh.model import Model
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure

from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.report.parts.failed_views import (
    failed_notes,
    guarded_views,
    without_failed,
)
from headbrush.server.pages.report.parts.panels import deliver, named_models, settle
from headbrush.server.session.palette import LIGHT
from headbrush.server.session.reader import ReaderLists
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.model.live_model import live_model
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.bokeh.bokeh_types import columns_of

T = TypeVar("T")
_NONE = ReaderLists()


class Shown:
    """Views of a state, with the answers of store and model that a page would wait for.

    Parameters
    ----------
    views
        Names of views.
    lists
        The reader's named brushes and prune sets.
    patience_s
        Seconds that may be waited for what the model computes image by image; what is known by
        then is shown.
    """

    def __init__(
        self,
        data: StoreData,
        state: ViewState,
        views: Iterable[str],
        lists: ReaderLists = _NONE,
        patience_s: float = 0,
    ) -> None:
        document = Document()
        names = list(views)
        self.data = data
        self.session = Session(data, state, LIGHT, document)
        self.session.reader.restore_named(lists.named)
        self.session.reader.change_sets(lists.sets)
        made = guarded_views(self.session, names)
        settle(document, data)
        _answer_further(document, data, patience_s)
        self._working: dict[str, Any] = without_failed(self.session, made.by_name)
        self._shared: dict[type, Any] = made.shared
        self._models: dict[str, dict[str, Model]] = {}
        of_head = [(self.session, str(self.session.head))]
        self._failed = {n: failed_notes(self.session, of_head, [n]) for n in names}

    @property
    def state(self) -> ViewState:
        """The state that is shown."""
        return self.session.state

    @property
    def of_images(self) -> str:
        """``n = 300 images``, or how many of them are brushed."""
        brushed, total = int(self.session.brush("heads").images.sum()), self.data.num_images
        return f"n = {total} images" if brushed == total else f"n = {brushed} of {total} images"

    @property
    def whose(self) -> str:
        """Name of the selected image, or of how many images the values are means."""
        image = self.state.image
        return f"mean, {self.of_images}" if image is None else self.data.names[image]

    @property
    def nothing(self) -> AbsentError:
        """To raise where images have no values: none are brushed, or none are stored."""
        if not self.session.brush("heads").images.any():
            return AbsentError("No image is brushed, so there is nothing to show.")
        return AbsentError("The shown images have no values of this in the store.")

    def demand(self, view: str) -> None:
        """Raise the sentence that a report would have in place of the view, if it failed."""
        if view not in self._working:
            raise AbsentError(" ".join(self._failed[view]))

    def view(self, name: str) -> Any:
        """The view of this name."""
        return self._working[name]

    def shared(self, kind: type[T]) -> T:
        """What several views share, by its class."""
        return self._shared[kind]

    def model(self, view: str, name: str) -> Any:
        """The model of this name in a view."""
        if view not in self._models:
            self._models[view] = named_models(self._working[view].layout)
        return self._models[view][name]

    def columns(self, view: str, source: str) -> dict[str, Any]:
        """What the source of this name in a view holds."""
        return columns_of(cast(ColumnDataSource, self.model(view, source)))

    def plot(self, view: str, name: str, note: str = "") -> figure:
        """A plot of a view.

        Raises
        ------
        AbsentError
            If the view shows ``note`` in its place.
        """
        plot = self.model(view, name)
        if not plot.visible:
            raise AbsentError(self.model(view, note).text)
        return plot


def _answer_further(document: Document, data: StoreData, patience_s: float) -> None:
    """Deliver answers that lead to further questions, until there are none or the time is over."""
    end = monotonic() + patience_s
    data.mean_matrices.wait()
    deliver(document)
    while monotonic() < end:
        for source in (data.matrices, data.mean_matrices, live_model(data.store)):
            source.wait()
        if not deliver(document):
            return
