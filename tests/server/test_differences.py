"""Differences of two brushes by head, against SciPy's tests."""

import gzip
import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.brush.named_brushes import saved
from headbrush.server.stores.trends.statistics.differences import head_differences
from headbrush.server.stores.trends.statistics.false_discovery import adjusted
from headbrush.server.views.importance.difference_table import differences_csv
from headbrush.server.views.importance.head_importance import HeadImportance

PAIR = saved(
    saved((), "one", (Clause("images", Ids((0, 1, 2))),)),
    "two",
    (Clause("images", Ids((2, 5, 7))),),
)
RNG = np.random.default_rng(0)
PAIRS = {
    "unequal": (RNG.normal(0, 1, (9, 7)), RNG.normal(0.5, 3, (30, 7))),
    "two each": (RNG.normal(0, 1, (2, 7)), RNG.normal(1, 2, (2, 7))),
    "float32": (
        RNG.exponential(0.1, (40, 7)).astype("f4"),
        RNG.exponential(0.2, (5, 7)).astype("f4"),
    ),
}


@pytest.mark.parametrize(("first", "second"), PAIRS.values(), ids=PAIRS)
def test_differences_are_those_of_welchs_test(first, second):
    found = head_differences(first, second)
    expected: Any = stats.ttest_ind(first.astype(float), second.astype(float), equal_var=False)
    interval = expected.confidence_interval(0.95)
    np.testing.assert_allclose(found.p, expected.pvalue, rtol=1e-9)
    np.testing.assert_allclose(found.low, interval.low, rtol=1e-9)
    np.testing.assert_allclose(found.high, interval.high, rtol=1e-9)
    corrected = stats.false_discovery_control(expected.pvalue)
    np.testing.assert_allclose(found.adjusted, corrected, rtol=1e-9)
    np.testing.assert_allclose(found.difference, found.first - found.second)


@pytest.mark.parametrize("count", [0, 1])
def test_one_image_has_a_mean_but_no_interval(count):
    first, second = RNG.normal(size=(count, 3)), RNG.normal(size=(8, 3))
    found = head_differences(first, second)
    assert np.isfinite(found.difference).all() == bool(count)
    for values in (found.low, found.high, found.p, found.adjusted):
        assert np.isnan(values).all()


def test_heads_without_spread_are_not_tested_and_do_not_count_in_the_correction():
    first, second = RNG.normal(0, 1, (6, 3)), RNG.normal(2, 1, (6, 3))
    first[:, 1], second[:, 1] = 0.1, 0.7
    first[:, 2] = 0.1  # one brush alone
    found = head_differences(first, second)
    assert found.difference[1] == pytest.approx(-0.6)
    assert np.isnan([found.low[1], found.p[1], found.adjusted[1]]).all()
    alone: Any = stats.ttest_1samp(second[:, 2], 0.1)
    assert found.p[2] == pytest.approx(alone.pvalue)
    np.testing.assert_allclose(
        found.adjusted[[0, 2]], stats.false_discovery_control(found.p[[0, 2]])
    )
    assert np.isnan(adjusted(np.array([np.nan, np.nan]))).all()


def test_the_table_tells_every_head_of_two_compared_brushes(session, data):
    session.history.change(metric="jsd")
    view = HeadImportance(session)
    table, head = view.layout.tags
    session.history.change(importance_form="table")
    assert table.tags == []
    assert view.plot.visible
    session.reader.change_named(PAIR)
    (told,) = table.tags
    assert not view.plot.visible
    values = data.importance("jsd").astype(float)
    expected: Any = stats.ttest_ind(values[[0, 1, 2]], values[[2, 5, 7]], equal_var=False)
    shown = np.array(told["rows"])
    np.testing.assert_allclose(shown[:, 5], expected.pvalue)
    np.testing.assert_allclose(shown[:, 2], shown[:, 0] - shown[:, 1])
    assert (told["counts"], told["both"]) == ([3, 3], 1)
    session.select_head(4)
    assert head.tags == [4]
    rows = pd.read_csv(io.BytesIO(gzip.decompress(differences_csv(session))))
    assert (abs(rows["difference"]).diff().dropna() <= 0).all()
    number = rows["layer"] * data.heads_per_layer + rows["head"]
    np.testing.assert_allclose(rows["p"], expected.pvalue[number], rtol=1e-5)
    session.reader.change_named(PAIR[:1])
    assert table.tags == []
    assert view.plot.visible
