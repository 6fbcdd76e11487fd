"""The selected head of the selected image under every pruning mode; B2 and B3 share the answer.

The live model answers; where it cannot, the store may hold part of the answer.
"""

from collections.abc import Callable

from bokeh.events import DocumentReady

from headbrush.analysis.model.pruning_modes import MODES, REGIONS, PrunedHead
from headbrush.analysis.store.store import Store
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.model.live_model import live_model, waiting_words
from headbrush.server.stores.model.stored_pruning import stored_pruning
from headbrush.server.stores.redact_paths import said_of
from headbrush.server.tools.bokeh.bokeh_types import on_event
from headbrush.server.tools.pending_answer import PendingAnswer
from headbrush.server.tools.signal import Signal


class PruningAnswer:
    """Asks the model whenever image or head change, first when the page is shown.

    Attributes
    ----------
    result
        Of the selected image and head; None while there is none.
    remark
        The reason for waiting or for having no result; empty before the first question.
    waiting
        The model is at work.
    fault
        Why the model gave no answer, so that ``result`` is what the store holds.
    """

    name = "pruning_answer"

    def __init__(self, session: Session) -> None:
        self.result: PrunedHead | None = None
        self.remark = self.fault = ""
        self.waiting = False
        self._session = session
        self._changed: Signal[[]] = Signal()
        self._question = PendingAnswer(session.document)
        session.history.on_change(["image", "layer", "head"], self.react)
        # loading torch must not slow the first page
        on_event(session.document, DocumentReady, self._start)

    def follow(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` now, and whenever a result comes, is waited for or is missing."""
        self._changed.follow(callback)

    def show(
        self,
        draw: Callable[[], None],
        wait: Callable[[str], None],
        explain: Callable[[str], None],
    ) -> None:
        """Let a view draw the result, or show why it is waiting or has none."""
        if self.result is not None:
            draw()
        elif self.waiting:
            wait(self.remark)
        elif self.remark:
            explain(self.remark)

    def react(self, state: ViewState) -> None:
        """Ask for the new selection; an answer for the old one is dropped."""
        self.result, self.remark, self.waiting = None, "", False
        if state.image is None:
            self._question.drop()
            self.remark = "Select an image to see what pruning parts of this head changes."
            self._changed.emit()
            return
        model = live_model(self._session.data.store)
        future = model.partial_pruning(state.image, state.layer, state.head)
        self._question.ask(future, self._deliver, self._wait)

    def _start(self, _event: DocumentReady) -> None:
        live_model(self._session.data.store).warm_up()
        self.react(self._session.state)

    def _wait(self) -> None:
        self.remark, self.waiting = waiting_words(), True
        self._changed.emit()

    def _deliver(self, result: PrunedHead | None, fault: str) -> None:
        data, state = self._session.data, self._session.state
        self.fault = said_of(fault, data.store)
        if result is None and state.image is not None:
            result = stored_pruning(data, state.image, self._session.head.number)
        self.result, self.waiting = result, False
        self.remark = self.fault if result is None else ""
        self._changed.emit()


def mode_labels(store: Store) -> dict[int, str]:
    """Every mode in few characters, ``3 CLS↔patch`` or ``5 = 2 + 3``."""
    only_class = store.num_prefix_tokens == 1 and store.attrs["has_class_token"]
    prefix = "CLS" if only_class else "prefix"
    words = ["none", "all", f"{prefix}→{prefix}", f"{prefix}↔patch", "patch→patch"]
    words += ["= " + " + ".join(map(str, REGIONS[mode])) for mode in list(MODES)[len(words) :]]
    return {mode: f"{mode} {word}" for mode, word in enumerate(words)}
