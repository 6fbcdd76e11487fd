"""Keyboard commands: the change of state for each key."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np

from headbrush.analysis.model.pruning.modes import PRUNING_MODES
from headbrush.analysis.model.pruning.prune_set import PrunedPart
from headbrush.server.session.session import Session
from headbrush.server.session.state import WORKSPACES, Changes


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


def _step_metric(session: Session, by: int) -> None:
    _step_choice(session, "metric", list(session.data.metric_titles), by)


@dataclass(frozen=True)
class KeyRow:
    """A line in the list of keys.

    Attributes
    ----------
    acts
        What each key does, by its name in the browser.
    labels
        The keys as the list shows them.
    words, words_of_pair
        What they do on the page of one store, and of two; empty where they do nothing there.
    """

    acts: Mapping[str, Callable[[Session], None]]
    labels: tuple[str, ...]
    words: str
    words_of_pair: str


def _prune(session: Session) -> None:
    """Prune the selected head, or give it back, where that can be seen."""
    state = session.state
    if state.workspace == "what_if":
        pruned = state.pruned.toggled(PrunedPart(state.layer, state.head))
        session.history.change(pruned=pruned)


def _show_workspace(session: Session, workspace: str) -> None:
    session.history.change(workspace=workspace)


TABS = {str(n): partial(_show_workspace, workspace=w) for n, w in enumerate(WORKSPACES, 1)}
KEYS = (
    KeyRow(
        {"ArrowLeft": partial(_step_image, by=-1), "ArrowRight": partial(_step_image, by=1)},
        ("←", "→"),
        "previous, next image (of the brushed ones, if any)",
        "previous, next image, in both stores by name",
    ),
    KeyRow(
        {"ArrowUp": partial(_step_head, by=-1), "ArrowDown": partial(_step_head, by=1)},
        ("↑", "↓"),
        "previous, next head (of the brushed ones, if any)",
        "previous, next head",
    ),
    KeyRow(
        {
            "[": partial(_step_metric, by=-1),
            "]": partial(_step_metric, by=1),
        },
        ("[", "]"),
        "previous, next importance metric",
        "previous, next importance metric",
    ),
    KeyRow(
        {"m": partial(_step_choice, part="mode", choices=PRUNING_MODES, by=1)},
        ("m",),
        "next pruning mode",
        "",
    ),
    KeyRow({"x": _prune}, ("x",), "in What if: prune the selected head, or give it back", ""),
    KeyRow(
        {"z": lambda session: session.history.undo(), "y": lambda session: session.history.redo()},
        ("z", "y", "Ctrl+Z", "Ctrl+Y"),
        "undo, redo",
        "undo, redo",
    ),
    KeyRow(
        {"Escape": lambda session: session.step_out()},
        ("Esc",),
        "let go of the pinned token, then of the image, then of the brush",
        "let go of the image, then of the brush",
    ),
    KeyRow(TABS, (*TABS,), "workspaces", ""),
)
TABS_OF_PAIR = KeyRow(
    {
        "1": partial(_show_workspace, workspace="explore"),
        "2": partial(_show_workspace, workspace="trends"),
    },
    ("1", "2"),
    "",
    "side by side, head by head",
)
"""Further keys of the page of two stores."""
_ACTS = {key: act for row in KEYS for key, act in row.acts.items()}


def key_variables(words: Callable[[KeyRow], str]) -> dict[str, object]:
    """Template variables of a page's list of keys: those with ``words``, and what they press."""
    rows = [row for row in (*KEYS, TABS_OF_PAIR) if words(row)]
    return {
        "keys": [(row.labels, words(row)) for row in rows],
        "keys_heard": [key for row in rows for key in row.acts],
    }
