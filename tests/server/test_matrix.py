"""The shown matrix and the views of its tokens, as far as the server knows them."""

import shutil
from concurrent.futures import Future
from unittest.mock import patch

import numpy as np
import pytest
from bokeh.events import PanEnd, Tap
from bokeh.server.callbacks import NextTickCallback

from headbrush.analysis.store.store import Store
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.tokens.attention_matrix import AttentionMatrix
from headbrush.server.views.tokens.description import MatrixWords
from headbrush.server.views.tokens.image_context import ImageContext
from headbrush.server.views.tokens.selected_matrix import (
    ShownMatrix,
    from_codes,
    prefix_width,
    strongest,
    to_codes,
)
from headbrush.server.views.tokens.threshold import Threshold
from headbrush.server.views.tokens.two_axes import TwoAxes
from tests.server.fakes import show_page
from tests.server.pages import columns, happen, image_state, note, plot_of
from tests.token_stores import make_token_store


@pytest.fixture
def matrix(session):
    return ShownMatrix(session)


def panels(session, matrix):
    return [
        ImageContext(session, matrix),
        TwoAxes(session, matrix),
        AttentionMatrix(session, matrix),
        Threshold(session, matrix),
    ]


def test_codes_keep_stored_values_exactly_and_others_to_the_stores_precision(data):
    stored = data.store.attention(8, 1, 0)
    np.testing.assert_array_equal(from_codes(to_codes(stored)), stored)
    values = np.random.default_rng(0).uniform(0, 1, (50, 50)).astype("f4")
    np.testing.assert_allclose(from_codes(to_codes(values)), values, rtol=2.0**-8)


def test_codes_sort_as_the_values_do():
    values = np.sort(np.random.default_rng(0).exponential(0.01, 1000).astype("f4"))
    assert (np.diff(to_codes(values).astype(int)) >= 0).all()
    assert from_codes(to_codes(np.array([0.0, 1.0], "f4"))).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("size", [1, 3, 10, 17])
def test_the_default_threshold_is_the_smallest_of_the_top_one_percent(size):
    values = np.random.default_rng(size).permutation(size * size).reshape(size, size) / 512
    codes = to_codes(values.astype("f4"))
    ordered = np.sort(from_codes(codes).ravel())[::-1]
    assert strongest(codes, 0.01) == ordered[int(np.ceil(0.01 * size * size)) - 1]


def test_the_browser_gets_the_selected_heads_matrix_once(session, matrix, data, document):
    panels(session, matrix)
    for root in (matrix.source, matrix.tokens):
        document.add_root(root)
    sent = []
    document.on_change(sent.append)
    session.history.change(image=8, layer=1, head=0)
    kept = data.store.attention(8, 1, 0)
    np.testing.assert_array_equal(from_codes(matrix.source.data["code"]), kept.ravel())
    assert sum(getattr(event, "model", None) is matrix.source for event in sent) == 1
    assert matrix.tokens.top == np.sort(kept.ravel())[-int(np.ceil(0.005 * kept.size))]


def test_moving_the_threshold_sends_one_number_and_reads_nothing(session, matrix, data, document):
    for view in panels(session, matrix):
        document.add_root(view.layout)
    sent = []
    document.on_change(sent.append)
    with patch.object(data.store, "attention") as read:
        session.history.change(threshold=0.02)
    told = session.summaries.channel  # words for screen readers
    changed = [(event.model, event.attr, event.new) for event in sent if event.model != told]
    assert changed == [(matrix.tokens, "threshold", 0.02)]
    assert not read.called


def test_a_chosen_threshold_stays_for_other_heads_and_the_default_follows_them(session, matrix):
    default = matrix.tokens.threshold
    session.history.change(layer=1, head=1)
    assert matrix.tokens.threshold == strongest(matrix.codes, 0.01) != default
    session.history.change(threshold=0.5)
    session.history.change(layer=2)
    assert matrix.tokens.threshold == 0.5
    session.history.change(threshold=None)
    assert matrix.tokens.threshold == strongest(matrix.codes, 0.01)


def test_a_drag_of_the_line_is_one_step_and_says_what_it_means(session, matrix):
    view = Threshold(session, matrix)
    before = session.state
    happen(PanEnd(plot_of(view), x=0.123456, y=1))
    assert session.state.threshold == 0.123
    session.history.undo()
    assert session.state == before
    happen(Tap(plot_of(view), x=7.0, y=1))
    assert session.state.threshold == 1.0


def test_pinning_is_a_step_to_undo(session, matrix):
    matrix.tokens.token = 4
    assert session.state.token == 4
    session.history.undo()
    assert session.state.token is matrix.tokens.token is None
    session.history.redo()
    assert matrix.tokens.token == 4
    session.step_out()
    assert matrix.tokens.token is None


@pytest.mark.parametrize("prefix", [0, 1, 2, 5])
def test_every_value_is_counted_once_in_the_histogram(tmp_path, prefix):
    store = Store(make_token_store(tmp_path / "s", (3, 5), prefix))
    data = StoreData(store)
    session = Session(data, image_state(data))
    view = Threshold(session, ShownMatrix(session))
    counts = columns(view, "counts")
    assert counts["patch_count"].sum() == 15**2
    assert counts["prefix_count"].sum() == (15 + prefix) ** 2 - 15**2
    stored = store.attention(session.state.image, session.state.layer, session.state.head)
    patches = stored[prefix:, prefix:]
    inside = (counts["left"][30] <= patches) & (patches < counts["right"][30])
    assert counts["patch_count"][30] == inside.sum()


def test_the_picture_is_the_selected_images_thumbnail_or_a_mean(session, matrix, data, document):
    view = ImageContext(session, matrix)
    session.select_image(8)
    shown = columns(view, "context_image")["image"][0].view(np.uint8).reshape(28, 28, 4)
    np.testing.assert_array_equal(shown[..., :3], data.store.read("thumbnail")[8])
    assert (shown[..., 3] == 255).all()
    show_page(document)
    session.select_image(None)
    (whole,) = columns(view, "context_image")["image"]
    mean = data.store.read("thumbnail")[data.store.kept_images].mean(0)
    seen = whole.view(np.uint8).reshape(28, 28, 4)[..., :3]
    np.testing.assert_allclose(seen, mean, atol=0.5)
    session.add_clause(Clause("images", Ids((1, 2))))
    (nothing,) = columns(view, "context_image")["image"]
    assert nothing.tolist() == [[0]]  # a pixel that is not seen


def test_without_an_image_the_panels_show_the_mean_over_the_brush(session, matrix, data, document):
    views = panels(session, matrix)
    show_page(document)
    session.select_image(None)
    asked = data.mean_matrices.ask(session.state.layer, session.state.head, np.ones(24, bool))
    np.testing.assert_array_equal(matrix.codes, to_codes(asked.result().matrix))
    assert note(views[2]).startswith(f"{session.head} · mean over 6 of 24 images: those whose")
    session.add_clause(Clause("images", Ids((4, 5))))
    alone = data.store.attention(4, session.state.layer, session.state.head)
    np.testing.assert_array_equal(from_codes(matrix.codes), alone)
    session.add_clause(Clause("images", Ids((1, 2))))
    said = "The attention of none of the 2 brushed images is stored."
    assert note(views[2]).startswith(said)
    assert matrix.tokens.message.startswith(said)
    assert matrix.source.data["code"].size == 0
    assert columns(views[3], "counts")["patch_count"].sum() == 0
    session.select_image(8)
    assert matrix.tokens.message == ""
    assert "from the store" in note(views[2])


def test_a_mean_is_read_after_the_page_is_shown(store_path, document):
    data = StoreData(Store(store_path))
    matrix = ShownMatrix(Session(data, default_state(data)))
    assert matrix.codes is None
    show_page(document)
    first = matrix.codes
    assert first is not None
    again = ShownMatrix(Session(data, default_state(data)))  # known, so with the page
    np.testing.assert_array_equal(again.codes, first)


def test_a_damaged_attention_file_is_named_in_these_panels_only(store_path, tmp_path):
    path = shutil.copytree(store_path, tmp_path / "damaged.headbrush")
    (path / "attention" / "00000.nc").write_bytes(b"damaged")
    data = StoreData(Store(path))
    session = Session(data, image_state(data))
    matrix = ShownMatrix(session)
    views = panels(session, matrix)
    assert "00000.nc: missing, damaged or foreign file" in note(views[2])
    assert matrix.tokens.message == note(views[2])


def answer(document, future, result):
    """Let the model, which is at work, answer, and the page's loop run."""
    future.set_result(result)
    for callback in document.session_callbacks:
        if isinstance(callback, NextTickCallback):
            callback.callback()


@pytest.fixture
def asked():
    """The model's answer to come, to whatever it is asked."""
    future = Future()
    with patch("headbrush.server.views.tokens.selected_matrix.live_model") as live:
        live.return_value.attention.return_value = future
        yield future


def test_the_last_matrix_stays_faint_while_the_model_computes(session, data, document, asked):
    missing = next(i for i in range(data.num_images) if i not in data.store.kept_images)
    matrix = ShownMatrix(session)
    views = panels(session, matrix)
    codes = matrix.codes
    session.select_image(missing)
    assert matrix.codes is codes
    assert all(plot_of(view).styles["opacity"] == "0.3" for view in views[1:])
    answer(document, asked, data.store.attention(8, 0, 0))
    assert all(plot_of(view).styles["opacity"] == "1" for view in views[1:])
    np.testing.assert_array_equal(from_codes(matrix.codes), data.store.attention(8, 0, 0))
    assert "live, computed by the model" in note(views[2])


def test_a_live_matrix_that_comes_too_late_is_dropped(session, data, document, asked):
    missing = next(i for i in range(data.num_images) if i not in data.store.kept_images)
    matrix = ShownMatrix(session)
    session.select_image(missing)
    asked.set_running_or_notify_cancel()  # too late to be cancelled
    session.select_image(8)
    codes = matrix.codes
    answer(document, asked, data.store.attention(0, 0, 0))
    assert matrix.codes is codes


def test_prefix_tokens_are_wide_enough_to_be_seen():
    assert [prefix_width(patches) for patches in (16, 196, 576, 1369)] == [2, 8, 23, 55]


def test_without_a_class_token_the_words_tell_of_the_mean(tmp_path):
    data = StoreData(Store(make_token_store(tmp_path / "s", (3, 5), 0)))
    session = Session(data, image_state(data))
    MatrixWords(session, ShownMatrix(session))
    assert "means over all tokens" in session.summaries["image_context"]
    session.history.change(token=0)
    assert "patch 0 (row 0, column 0), which looks" in session.summaries["image_context"]
