"""The curve on the page: its lines, the band, and points that are prune sets."""

from dataclasses import replace

import numpy as np
import pytest
from bokeh.events import Tap

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.store.facts.studies.curve import save_curve
from headbrush.analysis.store.store import Store
from headbrush.server.pages.report.make_report import make_report
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.what_if.pruning_curve import PruningCurve
from headbrush.server.views.what_if.set_answer import SetAnswer
from tests.server.fakes import FakeModel, live_models, run
from tests.server.pages import columns, happen, part, plot_of, words
from tests.server.studies import LINES, POINTS, curve_study
from tests.stores import make_store


@pytest.fixture(scope="module")
def with_curve(tmp_path_factory):
    path = make_store(tmp_path_factory.mktemp("curve") / "small.headbrush")
    attrs = Store(path).attrs
    curve = curve_study(attrs)
    save_curve(path, curve)
    return StoreData(Store(path)), curve


@pytest.fixture
def shown(with_curve):
    data, _ = with_curve
    model = FakeModel()
    with live_models(lambda _store: model):
        session = Session(data, default_state(data))
        yield session, PruningCurve(session, SetAnswer(session)), model


def test_lines_and_band_are_those_of_the_study(shown, with_curve):
    _, view, _ = shown
    _, curve = with_curve
    for order in ("jsd", "greedy"):
        (wanted,) = curve.of(order)
        drawn = columns(view, f"curve_{order}")
        assert drawn["pruned"].tolist() == POINTS
        assert drawn["value"].tolist() == [right / 12 for right in wanted.right]
    at_random = np.array([one.right for one in LINES[:4]]) / 12
    band = columns(view, "curve_band")
    for name, expected in (("low", at_random.min(0)), ("high", at_random.max(0)),
                           ("middle", at_random.mean(0))):  # fmt: skip
        np.testing.assert_allclose(band[name], expected)
    part(view, "curve_measure").active = 1
    assert columns(view, "curve_jsd")["value"].tolist() == list(LINES[4].jsd)


def test_a_click_on_a_point_prunes_the_heads_that_are_gone_there(shown):
    session, view, _ = shown
    first, second = (columns(view, f"curve_{order}")["value"] for order in ("jsd", "greedy"))
    apart = np.flatnonzero(np.abs(first - second) > 0.05)
    assert len(apart)
    for place in apart:
        for values, wanted in ((first, LINES[4]), (second, LINES[5])):
            happen(Tap(plot_of(view), x=POINTS[place], y=values[place]))
            heads = wanted.heads[: POINTS[place]]
            assert session.state.pruned.places == {divmod(head, 2) for head in heads}


def test_the_shown_set_is_marked_where_it_lies(shown, document):
    session, view, model = shown
    data = session.data
    session.history.change(pruned=PruneSet.parse("0.0,2.1"))
    assert columns(view, "curve_here")["pruned"] == []
    after = np.random.default_rng(3).dirichlet(np.ones(3), data.num_images)
    while waiting := [one for one in model.asked if not one[1].done()]:
        (_, about, *_), future = waiting[0]
        future.set_result(after[list(about)])
        run(document)
    right = np.mean(after.argmax(1) == data.labels)
    here = columns(view, "curve_here")
    assert (here["pruned"], here["value"]) == ([2], [pytest.approx(right)])
    session.history.change(pruned=PruneSet.parse("0.0:4"))  # a part of a head is on no such curve
    assert columns(view, "curve_here")["pruned"] == []


def test_the_sentence_says_how_many_heads_can_go(shown, with_curve):
    _, view, _ = shown
    _, curve = with_curve
    spared = {order: curve.spared(curve.of(order)[0]) for order in ("jsd", "greedy")}
    chance = [curve.spared(one) for one in curve.of("random")]
    said = words(view, "curve_note")
    assert f"For 1 point of accuracy {max(spared.values())} heads can go" in said
    assert f"at random {min(chance)} to {max(chance)}" in said


def test_without_a_curve_the_command_is_said_and_a_report_has_no_such_panel(data, with_curve):
    session = Session(data, default_state(data))
    view = PruningCurve(session, SetAnswer(session))
    told = f'headbrush prune {data.store.path.name} <span style="white-space:nowrap">--curve</span>'
    assert told in words(view, "curve_note")
    with live_models(lambda _store: FakeModel()):
        views = [panel.view for panel in make_report(data, prune="0.0").sections["what_if"]]
        others = [
            panel.view for panel in make_report(with_curve[0], prune="0.0").sections["what_if"]
        ]
    assert set(others) - set(views) == {"pruning_curve"}


def test_a_curve_of_another_analysis_is_not_shown(with_curve, tmp_path):
    _, curve = with_curve
    path = make_store(tmp_path / "other.headbrush")
    save_curve(path, replace(curve, store_created="2020-01-01T00:00:00+00:00"))
    data = StoreData(Store(path))
    session = Session(data, default_state(data))
    assert "has no curve yet" in words(PruningCurve(session, SetAnswer(session)), "curve_note")
