"""The attention matrix that D2 to D5 share: loaded once, sent once, drawn by the browser.

The page holds the values as codes, the upper halves of their float32: a store keeps no more of
them, and T = 1370 tokens are 3.8 MB instead of 7.5.
"""

import math
from collections.abc import Callable
from typing import cast

import numpy as np
from bokeh.core.properties import Bool, Float, Int, Nullable, String
from bokeh.events import DocumentReady
from bokeh.model import DataModel
from bokeh.models import ColumnDataSource, CustomJS, Plot

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.attention.mean_matrices import MeanMatrix
from headbrush.server.stores.model.live_model import live_model, waiting_words
from headbrush.server.stores.redact_paths import said_of
from headbrush.server.tools.bokeh.bokeh_types import on_event
from headbrush.server.tools.pending_answer import PendingAnswer
from headbrush.server.tools.signal import Signal
from headbrush.server.views.tokens.hidden_sinks import without_sinks

SHARE = 0.01
"""Share of the values that is shown until a threshold is chosen."""
_TOP_SHARE = 0.005
_READING = "reading the store …"
_PREFIX_SHARE = 0.04
_WAITING: dict[str, str | None] = {"opacity": "0.3"}
_SHOWN: dict[str, str | None] = {"opacity": "1"}
"""Styles of the last picture while the next matrix is computed, and of what is shown. BokehJS only
sets what a style names, and never takes back what the last one named."""


class Tokens(DataModel):
    """Data of the shown matrix for the browser, besides the values.

    Attributes
    ----------
    prefix, rows, columns, has_class
        Geometry of the tokens.
    wide
        How many patch tokens wide a prefix token is drawn.
    top
        Attention value drawn in full colour.
    threshold
        Attention below it is not drawn.
    token
        Pinned token.
    hovered
        Token under the pointer; known only to the browser.
    message
        Why there is no matrix.
    """

    # read and set as values; Bokeh's stubs know that of its own models only
    prefix = cast(int, Int())
    rows = cast(int, Int())
    columns = cast(int, Int())
    has_class = cast(bool, Bool())
    wide = cast(int, Int())
    top = cast(float, Float(1.0))
    threshold = cast(float, Float(1.0))
    token = cast(int | None, Nullable(Int))
    hovered = cast(int | None, Nullable(Int))
    message = cast(str, String())


class ShownMatrix:
    """The matrix of the selected head and image, from the store or else from the model.

    Without a selected image it is the mean over those of the brushed images that are stored.

    Attributes
    ----------
    source
        The codes, row after row, for the browser.
    tokens
        The rest of what the browser needs.
    codes
        ``(T, T)`` uint16, None without a matrix.
    mean
        The images that a mean is of; None if an image is selected.
    remark
        Source of the matrix, or why there is none.
    waiting
        The model is at work, and the last matrix is still shown.
    """

    name = "shown_matrix"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._document = session.document
        self._question = PendingAnswer(self._document)
        self._changed: Signal[[]] = Signal()
        store = session.data.store
        rows, columns = store.grid
        self.source = ColumnDataSource({"code": np.empty(0, np.uint16)}, name="codes")
        self.tokens = Tokens(
            name="tokens",
            prefix=store.num_prefix_tokens,
            rows=rows,
            columns=columns,
            has_class=bool(store.attrs["has_class_token"]),
            wide=prefix_width(rows * columns),
            token=session.state.token,
        )
        self.codes: np.ndarray | None = None
        self.mean: MeanMatrix | None = None
        self.remark = ""
        self._given: tuple[np.ndarray | None, str] = (None, "")
        self._brushed, self._is_page_shown = np.zeros(0, bool), False
        self.waiting = False
        self.tokens.on_change("token", session.history.setter("token"))
        session.history.follow(["image", "layer", "head"], self.react)
        session.history.on_change(["clauses"], self.react_to_brush)
        session.history.on_change(["sinks"], self.react_to_sinks)
        session.history.follow(["threshold"], self.react_to_threshold)
        session.history.follow(["token"], self.react_to_token)
        on_event(session.document, DocumentReady, self._on_page_shown)

    def follow(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` now, and whenever a matrix comes, is waited for or is missing."""
        self._changed.follow(callback)

    def draw(self, code: str, parts: tuple[str, ...] = (), **args: object) -> CustomJS:
        """Run ``code`` in the browser for every matrix and when one of ``parts`` changes.

        Parameters
        ----------
        code
            A script of ``static/views``, which is given ``source``, ``tokens`` and ``args``.
        parts
            Attributes of :class:`Tokens`.
        """
        drawing = self.script(code, **args)
        self._document.js_on_event(DocumentReady, drawing)
        self.source.js_on_change("data", drawing)
        for part in ("message", *parts):
            self.tokens.js_on_change(part, drawing)
        return drawing

    def script(self, code: str, **args: object) -> CustomJS:
        """Code for the browser that sees the matrix."""
        return CustomJS(args={"source": self.source, "tokens": self.tokens, **args}, code=code)

    def choose_on(self, plot: Plot, token_at: str) -> None:
        """Let the pointer over ``plot`` choose the token, and a tap pin it.

        Parameters
        ----------
        token_at
            JavaScript expression of the token at ``cb_obj.x``, ``cb_obj.y``; null for none.
        """
        plot.js_on_event("mousemove", self.script(f"headbrush.matrix.hover(tokens, {token_at})"))
        plot.js_on_event("mouseleave", self.script("headbrush.matrix.hover(tokens, null)"))
        plot.js_on_event("tap", self.script(f"headbrush.matrix.pin(tokens, {token_at})"))

    def fade(self, *plots: Plot) -> None:
        """Show ``plots`` faint while a matrix is waited for."""
        for plot in plots:
            plot.styles = _WAITING if self.waiting else _SHOWN

    def react(self, new: ViewState) -> None:
        """Read the matrix from the store, or ask the model for it."""
        self._question.drop()
        self.mean = None
        if new.image is None:
            self._ask_mean()
            return
        future = self._session.data.matrices.ask(new.image, new.layer, new.head)
        self._question.ask(future, self._deliver_stored, lambda: self._wait(_READING))

    def react_to_brush(self, new: ViewState) -> None:
        """Read the mean over the images that are brushed now, unless an image is selected."""
        if new.image is None and not np.array_equal(self._brushed, self._now_brushed()):
            self.react(new)

    def _now_brushed(self) -> np.ndarray:
        return self._session.brush("heads").images

    def _ask_mean(self) -> None:
        """Ask for the mean; it is read after the page is shown, if it is not known."""
        self._brushed, head = self._now_brushed(), self._session.head
        means = self._session.data.mean_matrices
        if self._is_page_shown or means.known(head.layer, head.head, self._brushed) is not None:
            future = means.ask(head.layer, head.head, self._brushed)
            self._question.ask(future, self._deliver_mean, lambda: self._wait(_READING))

    def _on_page_shown(self, _event: DocumentReady) -> None:
        self._is_page_shown = True
        if self._session.state.image is None and self.mean is None:
            self._ask_mean()

    def _deliver_mean(self, mean: MeanMatrix | None, fault: str) -> None:
        self.mean = mean
        if mean is not None:
            self._show(mean.matrix, mean.words)
        else:
            self._show(None, said_of(fault, self._session.data.store) or self._why_no_mean())

    def _why_no_mean(self) -> str:
        count, data = int(self._brushed.sum()), self._session.data
        if not count:
            return "No image is brushed."
        if not len(data.store.kept_images):
            return "This store keeps no attention. Select an image to have its attention computed."
        return (
            f"The attention of none of the {grouped(count)} brushed images is stored. Select an "
            "image to have its attention computed."
        )

    def react_to_sinks(self, _new: ViewState) -> None:
        """Show the same matrix with its sinks, or without."""
        if not self.waiting and self._given[0] is not None:
            self._show(*self._given)

    def react_to_threshold(self, new: ViewState) -> None:
        """Tell the browser what not to draw."""
        if new.threshold is not None:
            self.tokens.threshold = new.threshold
        elif self.codes is not None:
            self.tokens.threshold = strongest(self.codes, SHARE)

    def react_to_token(self, new: ViewState) -> None:
        """Tell the browser which token is pinned."""
        self.tokens.token = new.token

    def _deliver_stored(self, stored: np.ndarray | None, fault: str) -> None:
        if stored is not None or fault:
            fault = said_of(fault, self._session.data.store)
            self._show(stored, fault or "from the store")
            return
        state = self._session.state
        if state.image is None:  # then the store is not read
            return
        self._wait("computing with the model …")
        future = live_model(self._session.data.store).attention(
            state.image, state.layer, state.head
        )
        self._question.ask(future, self._deliver, lambda: self._wait(waiting_words()))

    def _wait(self, remark: str) -> None:
        self.remark, self.waiting = remark, True
        self._changed.emit()

    def _deliver(self, matrix: np.ndarray | None, fault: str) -> None:
        self._show(
            matrix, said_of(fault, self._session.data.store) or "live, computed by the model"
        )

    def _show(self, matrix: np.ndarray | None, remark: str) -> None:
        self._given = matrix, remark
        if matrix is not None and self._session.state.sinks == "hidden":
            matrix, sinks = without_sinks(matrix)
            remark = f"{remark}, {_sinks_words(len(sinks))}"
        self.remark, self.waiting = remark, False
        if matrix is None:
            self.codes = None
            self.tokens.message = remark
            self.source.data = {"code": np.empty(0, np.uint16)}
        else:
            self.codes = to_codes(matrix)
            self.tokens.message = ""
            self.tokens.top = strongest(self.codes, _TOP_SHARE)
            self.react_to_threshold(self._session.state)
            self.source.data = {"code": self.codes.ravel()}
        self._changed.emit()


def _sinks_words(count: int) -> str:
    return f"without {count} sink{'s' * (count > 1)}" if count else "no sink"


def prefix_width(patches: int) -> int:
    """How many patch tokens wide a prefix token is drawn, so that it is seen."""
    return max(2, round(_PREFIX_SHARE * patches))


def to_codes(matrix: np.ndarray) -> np.ndarray:
    """Upper halves of float32, rounded to nearest; exact for values that a store kept."""
    bits = np.ascontiguousarray(matrix, np.float32).view(np.uint32)
    return ((bits + 0x8000) >> 16).astype(np.uint16)


def from_codes(codes: np.ndarray) -> np.ndarray:
    """The float32 that the codes stand for."""
    return (codes.astype(np.uint32) << 16).view(np.float32)


def strongest(codes: np.ndarray, share: float) -> float:
    """The smallest of the ceil(share · n) largest values."""
    last = codes.size - math.ceil(share * codes.size)
    return float(from_codes(np.partition(codes.ravel(), last)[last : last + 1])[0])
