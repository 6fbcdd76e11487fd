"""What heads say for the true class as a metric: signed, and never an effect of pruning."""

import gzip
from dataclasses import replace
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from bokeh.models import LinearScale

from headbrush.analysis.store.store import Store
from headbrush.server.pages.figures.make_figure import make_figure
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.brush.csv_export import to_csv
from headbrush.server.session.prune.choosing import weakest
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state, from_query, to_query
from headbrush.server.stores.answer import answer_words
from headbrush.server.stores.metrics import DIRECT
from headbrush.server.stores.store_data import NO_DIRECT, StoreData
from headbrush.server.stores.trends.questions import compared_classes
from headbrush.server.stores.trends.table import trend_table
from headbrush.server.stores.trends.words import trend_words
from headbrush.server.views.importance.head_importance import HeadImportance
from headbrush.server.views.patterns.drawing import colouring
from tests.server.pages import columns, part
from tests.stores import make_speaking_store

KNOWN = [image for image in range(24) if image != 9]


@pytest.fixture(scope="module")
def speaking(tmp_path_factory):
    return StoreData(
        Store(make_speaking_store(tmp_path_factory.mktemp("speaking") / "s.headbrush"))
    )


@pytest.fixture(scope="module")
def said(speaking):
    """``(m, L·H)`` from the store, without the image whose logits are no sum."""
    return speaking.store.read("direct")[..., 0].reshape(24, 6).astype(float)[KNOWN]


@pytest.fixture
def session(speaking):
    return Session(speaking, replace(default_state(speaking), metric=DIRECT))


@pytest.fixture
def view(session):
    return HeadImportance(session)


def test_mean_and_band_have_both_signs_and_leave_out_what_is_not_known(view, said):
    band = columns(view, "importance_band")
    np.testing.assert_allclose(band["mean"], said.mean(0), rtol=1e-5)
    np.testing.assert_allclose(band["low"], said.mean(0) - said.std(0), rtol=1e-5)
    low, high = view.plot.y_range.start, view.plot.y_range.end
    assert low < (said.mean(0) - said.std(0)).min()
    assert high > (said.mean(0) + said.std(0)).max()
    zero = part(view, "importance_reference")
    assert (zero.visible, zero.location) == (True, 0)


def test_a_logarithmic_scale_is_not_offered_and_not_drawn(session, view):
    assert part(view, "importance_scale").disabled
    session.history.change(importance_scale="log", image=3)
    assert isinstance(view.plot.y_scale, LinearScale)
    assert view.plot.y_range.start < 0
    session.history.change(metric="jsd")
    assert not part(view, "importance_scale").disabled
    assert view.plot.y_range.start > 0


def test_heads_are_sorted_from_those_that_say_most_to_those_that_speak_against(session, view, said):
    session.history.change(importance_order="mean")
    places = columns(view, "importance_sorted")["value"]
    np.testing.assert_allclose(places, sorted(said.mean(0), reverse=True), rtol=1e-5)
    session.history.change(importance_fit="fit", clauses=(Clause("heads", Ids((0, 1))),))
    assert view.plot.y_range.end < said.mean(0).max() + 1


def test_it_is_called_what_heads_say_and_never_their_effect(session, view, speaking, said):
    words = view.help + session.summaries[view.name]
    assert "part of the logit, the mean over all 24 images" in words
    mean = said.mean(0)
    sentence = answer_words(speaking, DIRECT, np.ones(24, bool))
    first, last = (speaking.head_labels[at(mean)] for at in (np.argmax, np.argmin))
    assert f"{first} speaks most for the true class: +{mean.max():.2g}" in sentence
    assert f"{last} most against it: −{-mean.min():.2g}" in sentence
    for word in ("matter", "importance", "prun"):
        assert word not in sentence


def test_a_link_a_table_and_the_weakest_know_it(speaking, said):
    state = replace(default_state(speaking), metric=DIRECT, pattern_colour=DIRECT)
    query, _ = to_query(state, speaking)
    pairs = dict(pair.split("=") for pair in query.split("&"))
    assert from_query({k: [v.encode()] for k, v in pairs.items()}, speaking) == (state, "")
    brush = Session(speaking, state).brush()
    table = pd.read_csv(BytesIO(gzip.decompress(to_csv(speaking, brush, "patterns"))))
    np.testing.assert_allclose(table["direct"].to_numpy().reshape(24, 6)[KNOWN], said, rtol=1e-5)
    images = np.isin(np.arange(24), KNOWN)
    expected = sorted(range(6), key=lambda head: abs(said[:, head].mean()))[:2]
    assert weakest(speaking, DIRECT, images, 2) == expected


def test_patterns_are_coloured_around_zero(speaking, said):
    found = colouring(speaking, DIRECT)
    assert found.span[0] == -found.span[1]
    assert found.span[1] == pytest.approx(np.quantile(np.abs(said), 0.98), rel=1e-5)
    assert len(found.ramp) % 2


def test_trends_compare_what_is_said_for_the_true_class(speaking, said):
    label = speaking.labels[KNOWN]
    found = compared_classes(speaking, DIRECT, "class", permutations=10)
    inside, outside = said[label == 1, 4], said[label != 1, 4]
    assert np.sign(found.g[1, 4]) == np.sign(inside.mean() - outside.mean())
    told = trend_words(trend_table(speaking, DIRECT, permutations=200), 200)
    assert "what is said for the true class" in told[0]
    assert not any("matters" in sentence for sentence in told)


def test_a_figure_shows_zero_and_says_what_it_is(speaking):
    figure, _, _ = make_figure(
        speaking.store.path, None, "all", "B1", "one", 100, "?metric=direct", True
    )
    assert "What each head says for the true class" in figure.caption
    low, _ = figure.axes[0].get_ylim()
    assert low < 0


def test_without_labels_it_is_about_the_predicted_class(tmp_path):
    made = make_speaking_store(tmp_path / "s.headbrush", label_source="prediction")
    assert StoreData(Store(made)).metric_titles[DIRECT] == "Speaks for predicted class"


def test_where_it_is_not_stored_the_page_says_why(data):
    assert np.isnan(data.importance(DIRECT)).all()
    session = Session(data, replace(default_state(data), metric=DIRECT))
    assert part(HeadImportance(session), "importance_note").text == NO_DIRECT
    assert answer_words(data, DIRECT, np.ones(24, bool)) == NO_DIRECT
