"""How exactly a mean is known, against scipy's own interval and by drawing again."""

import numpy as np
import pytest
from scipy import stats

from headbrush.server.stores.trends.statistics.mean_interval import (
    interval_words,
    mean_interval,
    told_means,
)
from headbrush.server.tools.loops.means import mean_and_deviation


@pytest.mark.parametrize("count", [2, 7, 300])
def test_the_interval_is_scipys(count):
    values = np.random.default_rng(count).gamma(0.5, size=(count, 4))
    low, high = mean_interval(*mean_and_deviation(values), count)
    for column in range(4):
        own = values[:, column]
        expected = stats.t.interval(0.95, count - 1, own.mean(), stats.sem(own))
        assert (low[column], high[column]) == pytest.approx(expected)


def test_19_of_20_intervals_hold_the_mean():
    draws = np.random.default_rng(0).normal(3, 2, size=(12, 4000))
    low, high = mean_interval(*mean_and_deviation(draws), 12)
    assert ((low < 3) & (high > 3)).mean() == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_equal_values_and_too_few_have_none(rows):
    values = np.full((rows, 3), 0.1, "f4")
    ends = mean_interval(*mean_and_deviation(values), rows)
    assert np.isnan(ends).all()
    assert interval_words(*(end[0] for end in ends)) == ""


def test_it_is_told_beside_the_mean_with_a_true_minus():
    told = told_means(np.array([0.02, 0.5]), np.array([0.2, 0.0]), 10, "all 10 images")
    assert told == [
        "mean 0.02 (95\u00a0%: −0.13 to 0.17), all 10 images",
        "mean 0.5, all 10 images",
    ]
