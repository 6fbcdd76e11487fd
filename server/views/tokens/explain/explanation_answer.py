"""One prediction, explained as the model answers: first its maps, then how faithful they are.

The views of the workspace share it. The newest question wins: another image or class drops what was
asked.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np

from headbrush.analysis.explain.words import OF_HEADS, Sources, random_orders
from headbrush.server.session.session import Session
from headbrush.server.session.state import EXPLAINED_MAPS, ViewState
from headbrush.server.session.turn import Turn
from headbrush.server.stores.model.live_model import (
    LOADING_S,
    LiveModel,
    live_model,
    waiting_words,
)
from headbrush.server.stores.model.null_model import NullModel
from headbrush.server.stores.model.stored_direct import stored_says
from headbrush.server.stores.redact_paths import said_of
from headbrush.server.tools.pending_answer import PendingAnswer
from headbrush.server.tools.signal import Signal

WORKSPACE = "explain"
_PATIENCE_MS = 1000 * (LOADING_S + 120)
"""As long as the model may take to load and to answer: it says itself why it was stopped."""
_Order = tuple[int, ...]
"""Patches of an image, the first to be removed first."""
_Take = Callable[[Any, str], None]
_Question = tuple[Callable[[], "Future[Any]"], _Take]


class ExplanationAnswer:
    """Asks the model about the selected image, step by step.

    Attributes
    ----------
    changed
        Emitted whenever more is known, waited for, or missing.
    sources
        What each head does with each patch; None while unknown.
    total
        ``(L, H)``: how far the logit falls without each head; None while unknown.
    fault
        Why the model explains nothing; empty if it does.
    trouble
        Why it does not say how faithful maps are; empty if it does.
    waits_for
        Words on what the model does; empty if nothing is waited for.
    """

    name = "explanation_answer"

    def __init__(self, session: Session) -> None:
        self._session = session
        self.changed: Signal[[]] = Signal()
        self._question = PendingAnswer(session.document, _PATIENCE_MS)
        self._random_orders = random_orders(int(np.prod(session.data.store.grid)))
        self._forget()
        Turn(session.history, self._question.drop, self._resume)
        session.history.on_change(
            [
                "explained_map",
                "explained_heads",
                "explained_tile",
                "sinks",
                "clauses",
                "layer",
                "head",
            ],
            self.react_to_choice,
        )
        session.history.follow(["image", "explained_class"], self.react)

    def _forget(self) -> None:
        self.sources: Sources | None = None
        self.total: np.ndarray | None = None
        self.fault = self.trouble = self.waits_for = ""
        self._maps: dict[tuple[str, tuple[object, ...]], np.ndarray] = {}
        self._absent: dict[str, str] = {}
        self._faith: dict[_Order, np.ndarray] = {}
        self._steps: defaultdict[str, int] = defaultdict(int)
        self._finest: set[str] = set()

    @property
    def _model(self) -> LiveModel | NullModel:
        return live_model(self._session.data.store)

    @property
    def which(self) -> int:
        """The explained class of the selected image; -1 where there is none."""
        state, data = self._session.state, self._session.data
        if state.explained_class is not None:
            return state.explained_class
        return -1 if state.image is None else int(data.predicted[state.image])

    @property
    def class_name(self) -> str:
        """The explained class."""
        return self._session.data.class_name(self.which)

    @property
    def why_none(self) -> str:
        """Why there is no prediction to explain; empty if there is one."""
        if not self._session.data.has_classifier:
            return "This model has no classifier, so it makes no prediction to explain."
        if self._session.state.image is None:
            return "Select an image to explain its prediction."
        return "" if self.which >= 0 else "The prediction for this image is not stored."

    @property
    def instead(self) -> str:
        """What to say where there is nothing to show yet: why, or what is waited for."""
        return self.why_none or self.fault or self.waits_for or "asking the model …"

    @property
    def heads(self) -> np.ndarray | None:
        """``(L, H)`` bool: the heads that maps are of; None for all."""
        session, data = self._session, self._session.data
        shape = data.num_layers, data.heads_per_layer
        chosen = session.state.explained_heads
        if chosen == "selected":
            return (np.arange(data.num_heads) == session.head.number).reshape(shape)
        brushed = session.brush().heads
        return brushed.reshape(shape) if chosen == "brushed" and not brushed.all() else None

    @property
    def shown_sources(self) -> Sources | None:
        """The sources, without sinks if they are hidden."""
        if self.sources is None or self._session.state.sinks == "shown":
            return self.sources
        return self.sources.without_sinks(self._session.data.store.num_prefix_tokens)

    @property
    def says(self) -> np.ndarray | None:
        """``(L, H)``: what each head says for the class, by the model, else by the store."""
        if self.sources is not None and not str(self.sources.absent_parts):
            return self.sources.says
        image = self._session.state.image
        return None if image is None else stored_says(self._session.data, image, self.which)

    def map(self, kind: str) -> np.ndarray | None:
        """A map ``(P,)`` as far as it is known; None before, and where there is none."""
        if kind in OF_HEADS:
            found = self.shown_sources
            return None if found is None or self.absent(kind) else found.of(kind, self.heads)
        return self._maps.get((kind, self._of(kind)))

    def absent(self, kind: str) -> str:
        """Why a map does not exist; empty if it does, or is not known yet."""
        if kind in OF_HEADS:
            found = self.sources
            return "" if found is None else str(found.absent[OF_HEADS.index(kind)])
        return self._absent.get(kind, "")

    def faith(self, kind: str) -> np.ndarray | None:
        """``(2,)``: deletion and insertion of a map; None while unknown."""
        order = self._order(kind)
        return None if order is None else self._faith.get(order)

    @property
    def random(self) -> np.ndarray | None:
        """``(2, n)``: deletion and insertion of random orders; None while unknown."""
        found = [self._faith.get(order) for order in self._random_orders]
        known = [one for one in found if one is not None]
        return np.stack(known, 1) if len(known) == len(found) else None

    def react(self, state: ViewState) -> None:
        """Ask about another image or class; answers to older questions are dropped."""
        self._question.drop()
        self._forget()
        if state.workspace == WORKSPACE:  # a report of another one has no prediction to explain
            self._go_on()

    def _resume(self) -> None:
        if not self._question.is_open and next(self._missing(), None) is not None:
            self._go_on()

    @property
    def can_retry(self) -> bool:
        """Whether the model gave no answer, and may give one now."""
        return bool(self.fault or self.trouble or self._absent) and isinstance(
            self._model, LiveModel
        )

    def retry(self) -> None:
        """Ask again what the model did not answer."""
        self._question.drop()
        self.fault = self.trouble = ""
        self._absent = {}
        self._go_on()

    def react_to_choice(self, state: ViewState) -> None:
        """Ask what other heads, or another map first, need beyond what is known."""
        if state.workspace == WORKSPACE:
            self._question.drop()
            self._go_on()

    @property
    def _tile(self) -> str:
        return self._session.state.explained_tile

    def _of(self, kind: str) -> tuple[object, ...]:
        """What a map is of beside image and class: heads, or tiles."""
        return (self._tile,) if kind == "ablation" else self._heads_of(kind)

    def _heads_of(self, kind: str) -> tuple[bool, ...]:
        heads = self.heads if kind == "rollout" else None
        return () if heads is None else tuple(heads.ravel().tolist())

    def _order(self, kind: str) -> _Order | None:
        """The patches of a whole map, the highest first."""
        found = self.map(kind)
        if found is None or (kind == "ablation" and self._tile not in self._finest):
            return None
        return tuple(np.argsort(-found, kind="stable").tolist())

    def _go_on(self) -> None:
        """Ask the next question; take what is known at once."""
        while (question := next(self._missing(), None)) is not None:
            ask, take = question
            future = ask()
            if not future.done():
                self.changed.emit()
                self._question.ask(future, self._then(take), self._wait)
                return
            self._question.ask(future, take, self._wait)
        self.waits_for = ""
        self.changed.emit()

    def _then(self, take: _Take) -> _Take:
        def deliver(found: Any, fault: str) -> None:
            take(found, fault)
            self._go_on()

        return deliver

    def _wait(self) -> None:
        self.waits_for = waiting_words()
        self.changed.emit()

    def _missing(self) -> Iterator[_Question]:
        """Questions whose answers are missing, the most wanted first."""
        image, which, model = self._session.state.image, self.which, self._model
        if self.why_none or self.fault or self.trouble or image is None:
            return
        if self.sources is None:
            yield lambda: model.sources(image, which), self._take_sources
            return
        first = self._session.state.explained_map
        kinds = sorted(EXPLAINED_MAPS, key=lambda kind: kind != first)
        for kind in kinds:
            yield from self._missing_map(image, which, kind)
        orders = [self._order(kind) for kind in kinds]
        yield from self._missing_faith(image, which, [orders[0], *self._random_orders])
        if self.total is None:
            yield lambda: model.total_effects(image, which), self._take_total
        yield from self._missing_faith(image, which, orders)

    def _missing_map(self, image: int, which: int, kind: str) -> Iterator[_Question]:
        model, heads = self._model, self._heads_of(kind)
        if kind in OF_HEADS or kind in self._absent:
            return
        if kind == "ablation":
            tile, step = self._tile, self._steps[self._tile]
            if tile not in self._finest:
                take = self._ablation_of(tile)
                yield lambda: model.ablation(image, which, step, tile), take
        elif (kind, heads) not in self._maps:
            take = self._map_of(kind, heads)
            yield lambda: model.patch_map(image, which, kind, heads), take

    def _missing_faith(
        self, image: int, which: int, orders: Sequence[_Order | None]
    ) -> Iterator[_Question]:
        """All that is not known of some orders, as one question."""
        unknown = [one for one in dict.fromkeys(orders) if one and one not in self._faith]
        if unknown:
            ask = self._model.faithfulness
            yield lambda: ask(image, which, unknown), self._faith_of(unknown)

    def _take_sources(self, found: Sources | None, fault: str) -> None:
        self.sources, self.fault = found, said_of(fault, self._session.data.store)

    def _ablation_of(self, tile: str) -> _Take:
        def take(found: tuple[np.ndarray, bool] | None, fault: str) -> None:
            if found is None:
                self._absent["ablation"] = said_of(fault, self._session.data.store)
                return
            self._maps["ablation", (tile,)], is_finest = found
            self._steps[tile] += 1
            self._finest |= {tile} if is_finest else set()

        return take

    def _map_of(self, kind: str, heads: tuple[bool, ...]) -> _Take:
        def take(found: np.ndarray | None, fault: str) -> None:
            if found is None:
                self._absent[kind] = said_of(fault, self._session.data.store)
            else:
                self._maps[kind, heads] = found

        return take

    def _faith_of(self, orders: Sequence[_Order]) -> _Take:
        def take(found: np.ndarray | None, fault: str) -> None:
            self._fail(fault)
            if found is not None:  # of the first orders, at least one
                self._faith |= zip(orders, found.T, strict=False)

        return take

    def _take_total(self, found: np.ndarray | None, fault: str) -> None:
        self._fail(fault)
        self.total = found

    def _fail(self, fault: str) -> None:
        self.trouble = said_of(fault, self._session.data.store)
