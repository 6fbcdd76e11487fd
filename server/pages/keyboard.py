"""Keyboard commands: the change of state for each key."""

from collections.abc import Sequence
from typing import cast

import numpy as np

from headbrush.analysis.model.pruning_modes import PRUNING_MODES
from headbrush.server.session.session import Session
from headbrush.server.session.state import Changes
from headbrush.server.stores.metrics import METRIC_NAMES


def press(session: Session, key: str) -> None:
    """Act as the key says; unknown keys do nothing."""
    act = _ACTS.get(key)
    if act is not None:
        act(session)


def _step_image(session: Session, by: int) -> None:
    brush = session.brush()
    chosen = np.flatnonzero(brush.images)
    session.select_image(_next(chosen, session.state.image, by))


def _step_head(session: Session, by: int) -> None:
    chosen = np.flatnonzero(session.brush().heads)
    number = _next(chosen, session.head.number, by)
    if number is not None:
        session.select_head(number)


def _next(numbers: np.ndarray, now: int | None, by: int) -> int | None:
    """The number after (``by`` 1) or before (-1) ``now`` in sorted ``numbers``, wrapping round."""
    if not len(numbers):
        return now
    if now is None:
        return int(numbers[0 if by > 0 else -1])
    if by > 0:
        return int(numbers[np.searchsorted(numbers, now, "right") % len(numbers)])
    return int(numbers[np.searchsorted(numbers, now, "left") - 1])


def _step_choice(session: Session, part: str, choices: Sequence[object], by: int) -> None:
    now = choices.index(getattr(session.state, part))
    session.history.change(**cast(Changes, {part: choices[(now + by) % len(choices)]}))


_ACTS = {
    "ArrowLeft": lambda session: _step_image(session, -1),
    "ArrowRight": lambda session: _step_image(session, 1),
    "ArrowUp": lambda session: _step_head(session, -1),
    "ArrowDown": lambda session: _step_head(session, 1),
    "[": lambda session: _step_choice(session, "metric", list(METRIC_NAMES), -1),
    "]": lambda session: _step_choice(session, "metric", list(METRIC_NAMES), 1),
    "m": lambda session: _step_choice(session, "mode", PRUNING_MODES, 1),
    "Escape": lambda session: session.clear(),
    "z": lambda session: session.history.undo(),
    "y": lambda session: session.history.redo(),
}
