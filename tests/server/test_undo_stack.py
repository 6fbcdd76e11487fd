"""Undo and redo against a list of all states, walked at random."""

import random

import pytest

from headbrush.server.tools.undo_stack import UndoStack


def test_a_random_walk_shows_what_a_list_of_states_holds():
    chance = random.Random(0)
    stack, shown = UndoStack[int](), 0
    states, at = [(stack.number, shown)], 0
    for new in range(1, 2000):
        act = chance.choice(["step", "back", "forward", "toward"])
        if act == "step":
            stack.keep(shown)
            shown = new
            states, at = [*states[: at + 1], (stack.number, shown)], at + 1
        elif act == "toward":
            at = chance.randrange(len(states))
            found = stack.toward(states[at][0], shown)
            shown = shown if found is None else found
        else:
            at = max(at - 1, 0) if act == "back" else min(at + 1, len(states) - 1)
            found = stack.back(shown) if act == "back" else stack.forward(shown)
            shown = shown if found is None else found
        assert (stack.number, shown) == states[at]
        assert (stack.has_past, stack.has_future) == (at > 0, at < len(states) - 1)


@pytest.mark.parametrize("number", [-1, 7, None, "1", [0]])
def test_a_number_that_no_step_has_leads_nowhere(number):
    stack = UndoStack[str]()
    stack.keep("first")
    assert stack.toward(number, "second") is None
    assert stack.back("second") == "first"


def test_a_step_after_undo_drops_what_was_undone():
    stack = UndoStack[str]()
    stack.keep("a")
    undone = stack.number
    stack.back("b")
    stack.keep("a")
    assert stack.toward(undone, "c") is None
    assert stack.number not in {0, undone}
