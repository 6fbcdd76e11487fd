"""What keys do to the state."""

import numpy as np

from headbrush.server.pages.keyboard import press
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.state import ViewState


def test_arrows_step_through_images_and_heads_round_the_end(session, data):
    session.history.change(image=0, layer=0, head=0)
    press(session, "ArrowLeft")
    assert session.state.image == data.num_images - 1
    press(session, "ArrowRight")
    press(session, "ArrowRight")
    assert session.state.image == 1
    press(session, "ArrowUp")
    assert session.head.number == data.num_heads - 1
    press(session, "ArrowDown")
    assert session.head.number == 0


def test_arrows_stay_in_the_brush(session):
    session.add_clause(Clause("images", Ids((3, 7, 20))))
    session.history.change(image=5)
    seen = []
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        press(session, key)
        seen.append(session.state.image)
    assert seen == [7, 20, 3, 20]


def test_without_a_selected_image_an_arrow_selects_one(session, data):
    session.select_image(None)
    press(session, "ArrowLeft")
    assert session.state.image == data.num_images - 1


def test_brackets_step_through_metrics_and_m_through_modes(session, data):
    names = list(data.metric_titles)
    start = names.index(session.state.metric)
    seen = []
    for key in "]" * len(names) + "[":
        press(session, key)
        seen.append(session.state.metric)
    assert seen == [*names[start + 1 :], *names[: start + 1], names[start - 1]]
    modes = []
    for _ in range(7):
        press(session, "m")
        modes.append(session.state.mode)
    assert modes == [2, 3, 4, 5, 6, 7, 1]


def test_escape_goes_one_step_out_at_a_time(session):
    session.add_clause(Clause("heads", Ids((1,))))
    session.history.change(token=2)
    press(session, "Escape")
    assert session.state.token is None
    assert session.state.image is not None
    press(session, "Escape")
    assert session.state.image is None
    assert session.state.clauses
    press(session, "Escape")
    assert session.state.clauses == ()


def test_a_click_on_the_selected_image_returns_to_all(session):
    session.toggle_image(5)
    assert session.state.image == 5
    session.toggle_image(5)
    assert session.state.image is None


def test_escape_undo_redo_and_unknown_keys(session):
    session.select_image(None)
    start = session.state
    session.add_clause(Clause("heads", Ids((1,))))
    brushed = session.state
    press(session, "Escape")
    assert session.state.clauses == ()
    press(session, "z")
    assert session.state == brushed
    press(session, "y")
    assert session.state == start
    for key in ("", "a", "__class__", "Enter"):
        press(session, key)
    assert isinstance(session.state, ViewState)
    assert session.state == start


def test_every_brushed_image_is_reached_once_in_a_round(session):
    session.add_clause(Clause("images", Ids((2, 4, 9))))
    session.history.change(image=2)
    reached = []
    for _ in range(3):
        press(session, "ArrowRight")
        reached.append(session.state.image)
    assert np.unique(reached).tolist() == [2, 4, 9]
