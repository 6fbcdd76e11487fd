"""The selected head of the selected image under every pruning mode, for one view.

The model is asked; where it cannot answer, the store may hold a part of the answer.
"""

from collections.abc import Callable

from bokeh.events import DocumentReady

from headbrush.analysis.model.pruning_modes import MODES, REGIONS
from headbrush.analysis.store.store import Store
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.model.live_model import Pruned, live_model, waiting_words
from headbrush.server.stores.model.stored_pruning import stored_pruning
from headbrush.server.stores.redact_paths import said_of
from headbrush.server.tools.pending_answer import LatestQuestion


class LivePruning:
    """Asks the model whenever image or head change, first when the page is shown.

    Attributes
    ----------
    result
        Of the selected image and head; None while there is none.
    fault
        Why the model gave no answer, so that ``result`` is what the store holds.

    Parameters
    ----------
    draw
        Called when ``result`` has come.
    wait
        Called with what to say when it takes long.
    explain
        Called with the reason why there is none.
    """

    def __init__(
        self,
        session: Session,
        draw: Callable[[], None],
        wait: Callable[[str], None],
        explain: Callable[[str], None],
    ) -> None:
        self.result: Pruned | None = None
        self.fault = ""
        self._session = session
        self._draw, self._wait, self._explain = draw, wait, explain
        document = session.document
        self._question = LatestQuestion(document)
        session.history.subscribe(["image", "layer", "head"], self.react)
        # loading torch must not slow the first page
        document.on_event(DocumentReady, self._start)

    def react(self, _old: ViewState, new: ViewState) -> None:
        """Ask for the new selection; an answer for the old one is dropped."""
        self.result = None
        if new.image is None:
            self._question.drop()
            self._explain("Select an image to see what pruning parts of this head changes.")
            return
        model = live_model(self._session.data.store)
        future = model.partial_pruning(new.image, new.layer, new.head)
        self._question.ask(future, self._deliver, lambda: self._wait(waiting_words()))

    def _start(self, _event: DocumentReady) -> None:
        live_model(self._session.data.store).warm_up()
        self.react(self._session.state, self._session.state)

    def _deliver(self, result: Pruned | None, fault: str) -> None:
        data, state = self._session.data, self._session.state
        self.fault = said_of(fault, data.store)
        if result is None and state.image is not None:
            result = stored_pruning(data, state.image, self._session.head_number)
        self.result = result
        if result is None:
            self._explain(self.fault)
        else:
            self._draw()


def mode_labels(store: Store) -> dict[int, str]:
    """Every mode in few characters, ``3 CLS↔patch`` or ``5 = 2 + 3``."""
    only_class = store.num_prefix_tokens == 1 and store.attrs["has_class_token"]
    prefix = "CLS" if only_class else "prefix"
    words = ["none", "all", f"{prefix}→{prefix}", f"{prefix}↔patch", "patch→patch"]
    words += ["= " + " + ".join(map(str, REGIONS[mode])) for mode in list(MODES)[len(words) :]]
    return {mode: f"{mode} {word}" for mode, word in enumerate(words)}
