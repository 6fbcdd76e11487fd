"""Pairs of heads on the page: the matrix, the arcs, and a click that prunes a pair."""

import numpy as np
import pytest
from bokeh.events import Tap

from headbrush.analysis.store.facts.studies.compensation import (
    MeanCompensation,
    save_compensation,
)
from headbrush.analysis.store.facts.studies.interactions import save_interactions
from headbrush.analysis.store.store import Store
from headbrush.server.pages.report.make_report import make_report
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.what_if.relations.head_pairs import HeadPairs
from tests.server.pages import columns, happen, note, part
from tests.server.studies import HEADS, interactions
from tests.stores import make_store


@pytest.fixture(scope="module")
def with_pairs(tmp_path_factory):
    path = make_store(tmp_path_factory.mktemp("pairs") / "small.headbrush")
    attrs = Store(path).attrs
    study = interactions(attrs)
    save_interactions(path, study)
    layers = tuple(f"layer {n}" for n in range(3))
    save_interactions(path, interactions(attrs, "layers", layers, ((0, 1), (2, 3), (4, 5))))
    return StoreData(Store(path)), study


@pytest.fixture
def shown(with_pairs):
    session = Session(with_pairs[0], default_state(with_pairs[0]))
    session.select_head(1)
    return session, HeadPairs(session)


def tap(view, name, x, y):
    happen(Tap(part(view, name), x=x, y=y))


def test_the_matrix_is_that_of_the_study_and_grey_within_noise(shown, with_pairs):
    _, view = shown
    study = with_pairs[1]
    cells = columns(view, "pair_cells")
    expected = study.iota.copy()
    expected[0, 1] = expected[1, 0] = np.nan
    np.testing.assert_allclose(cells["image"][0], expected, rtol=1e-6)
    for name in ("low", "high", "q", "size"):
        np.testing.assert_allclose(cells[name][0], getattr(study, name), rtol=1e-6)
    dots = columns(view, "pair_dots")
    assert set(zip(dots["x"], dots["y"], strict=True)) == {(1, 4), (4, 1), (1, 2), (2, 1)}
    assert columns(view, "pair_row")["y"] == [1]


def test_arcs_lead_to_what_the_selected_head_interacts_with(shown, with_pairs):
    session, view = shown
    study = with_pairs[1]
    ends, arcs = columns(view, "pair_ends"), columns(view, "pair_arcs")
    assert list(ends["x"]) == [1, 2, 3, 4, 5]  # itself; all others but the one within noise
    assert [bool(a > 0.5) for a in arcs["alpha"]] == [True, False, True, False]
    for x, xs, ys in zip(ends["x"][1:], arcs["xs"], arcs["ys"], strict=True):
        assert (xs[0], ys[0]) == pytest.approx((1, 0))
        assert (xs[-1], ys[-1]) == pytest.approx((x, 0), abs=1e-9)
        assert np.sign(ys[len(ys) // 2]) == np.sign(study.iota[1, x])
    assert "2 pairs interact beyond chance, 1 of them stand in" in note(view)
    assert "L0·H1 stands in most for L2·H0: +0.6 logits" in note(view)
    tap(view, "arcs_plot", 4, 0)
    assert session.head.number == 4
    assert "L2·H0 stands in most for L0·H1" in note(view)
    session.select_head(5)
    assert "L2·H1 interacts with none beyond chance" in note(view)


def test_a_click_on_a_cell_prunes_both_heads_as_one_step(shown):
    session, view = shown
    tap(view, "pair_plot", 4, 1)
    assert session.state.pruned.places == {(0, 1), (2, 0)}
    assert (session.state.layer, session.state.head) == (0, 1)
    session.history.undo()
    assert not session.state.pruned
    tap(view, "pair_plot", 3, 3)
    assert not session.state.pruned


def test_layers_are_pairs_too(shown):
    session, view = shown
    part(view, "pairs_groups").value = "layers"
    assert columns(view, "pair_cells")["image"][0].shape == (3, 3)
    assert columns(view, "pair_row")["y"] == [0]  # the layer of the selected head
    assert "3 layers, 24 images" in note(view)
    tap(view, "pair_plot", 2, 0)
    assert session.state.pruned.places == {(0, 0), (0, 1), (2, 0), (2, 1)}


def test_a_store_without_pairs_says_how_to_get_them(session):
    view = HeadPairs(session)
    assert "headbrush interactions small.headbrush" in note(view)
    assert not part(view, "pairs_body").visible


def test_a_report_of_a_prune_set_shows_pairs_only_where_there_are(with_pairs, data, model):
    assert model
    for one, is_there in ((with_pairs[0], True), (data, False)):
        made = make_report(one, views=["prune_heads", "head_pairs"], prune="0.1")
        shown = [panel.view for panel in made.sections["what_if"]]
        assert ("head_pairs" in shown) == is_there


def compensation(attrs, heads=HEADS, layers=3):
    """Random responses, of which total is what they add up to."""
    rng = np.random.default_rng(1)
    parts = rng.normal(size=(heads, heads + layers + 2))
    total = parts[:, -1] - parts[:, :-1].sum(1)
    return MeanCompensation(
        images=24, seed=0, layers=layers, heads=2, chosen=tuple(range(24)),
        total=tuple(total.tolist()), parts=tuple(map(tuple, parts.tolist())), error=1e-7,
        store_created=str(attrs["created"]), checkpoint_sha256=str(attrs["checkpoint_sha256"]),
    )  # fmt: skip


@pytest.fixture
def answering(tmp_path):
    path = make_store(tmp_path / "small.headbrush")
    study = compensation(Store(path).attrs)
    save_compensation(path, study)
    data = StoreData(Store(path))
    session = Session(data, default_state(data))
    session.select_head(3)
    return session, HeadPairs(session), study


def test_what_answers_is_the_matrix_of_the_study_and_adds_up(answering):
    session, view, study = answering
    cells = columns(view, "answer_cells")["image"][0]
    expected = np.c_[study.by_heads, study.by_mlps, study.norm]
    np.testing.assert_allclose(cells, expected, rtol=1e-6)
    bars = columns(view, "answer_bars")
    assert list(bars["part"]) == ["direct", "later heads", "MLPs", "final norm", "total"]
    np.testing.assert_allclose(bars["left"][1:4], bars["right"][:3])  # each begins where one ends
    assert bars["right"][3] == pytest.approx(study.total[3])
    assert (bars["left"][4], bars["right"][4]) == (0, pytest.approx(study.total[3]))
    assert bars["right"][0] == pytest.approx(study.direct[3])
    assert f"L1·H1 says {study.direct[3]:+.2g} logits directly" in note(view)
    tap(view, "answer_plot", 7, 5)
    assert session.head.number == 5
    assert columns(view, "answer_bars")["right"][4] == pytest.approx(study.total[5])


def test_one_menu_chooses_between_pairs_and_answers(answering):
    session, _, _ = answering
    path = session.data.store.path
    save_interactions(path, interactions(Store(path).attrs))
    view = HeadPairs(session)
    assert part(view, "pair_plot").visible
    assert not part(view, "answers_body").visible
    part(view, "pairs_groups").value = "answers"
    assert part(view, "answers_body").visible
    assert not part(view, "pair_plot").visible
    assert not part(view, "arcs_plot").visible
    assert "directly" in note(view)
    part(view, "pairs_groups").value = "nothing like it"
    assert "directly" in note(view)
    part(view, "pairs_groups").value = "heads"
    assert "interact beyond chance" in note(view)
