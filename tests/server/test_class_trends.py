"""Trends over classes: against scipy, planted effects, shuffled labels."""

import numpy as np
import pytest
from scipy import stats

from headbrush.server.stores.trends import classes
from headbrush.server.stores.trends.classes import LEVEL, class_trends

LABEL = np.repeat([0, 1, 2], [8, 10, 12])


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(5).gamma(1.0, size=(30, 4))


def test_hedges_g_is_that_of_the_definition(values):
    found = class_trends(values, LABEL, 3, 10).g
    for row in range(3):
        is_inside = np.equal(LABEL, row)
        a, b = values[is_inside], values[~is_inside]
        pooled = (a.var(0, ddof=1) * (len(a) - 1) + b.var(0, ddof=1) * (len(b) - 1)) / 28
        expected = (a.mean(0) - b.mean(0)) / np.sqrt(pooled) * (1 - 3 / (4 * 28 - 1))
        np.testing.assert_allclose(found[row], expected)


def test_p_is_that_of_scipy(values):
    found = class_trends(values, LABEL, 3, 4000).p
    a, b = values[LABEL == 1], values[LABEL != 1]
    expected = stats.permutation_test(
        (a, b),
        lambda a, b, axis: np.abs(a.mean(axis) - b.mean(axis)),
        vectorized=True, n_resamples=4000, alternative="greater",
    ).pvalue  # fmt: skip
    np.testing.assert_allclose(found[1], expected, atol=0.05)


def test_family_wise_p_is_that_of_an_obvious_loop(values):
    found = class_trends(values, LABEL, 3, 50, seed=3)
    random, largest = np.random.default_rng(3), []

    def correlations(label):
        belongs = [(label == c).astype(float) for c in range(3)]
        return [[abs(np.corrcoef(b, v)[0, 1]) for v in values.T] for b in belongs]

    for _ in range(50):
        largest.append(np.max(correlations(random.permutation(LABEL))))
    observed = correlations(LABEL)
    expected = [[(1 + sum(x >= o - 1e-9 for x in largest)) / 51 for o in row] for row in observed]
    np.testing.assert_allclose(found.family_p, expected)


def test_the_clearest_class_has_the_largest_t(values):
    found = class_trends(values, LABEL, 4, 10)

    def largest_t(row):
        return np.abs(stats.ttest_ind(values[row == LABEL], values[row != LABEL]).statistic).max()

    assert found.clearest.tolist() == sorted(range(3), key=largest_t, reverse=True)


def test_many_values_in_single_precision_have_the_same_result(values, monkeypatch):
    double = class_trends(values, LABEL, 3, 99)
    monkeypatch.setattr(classes, "MANY", 1)
    single = class_trends(values, LABEL, 3, 99)
    np.testing.assert_allclose(single.g, double.g, rtol=1e-5)
    np.testing.assert_array_equal(single.p, double.p)
    np.testing.assert_array_equal(single.family_p, double.family_p)


def test_a_planted_effect_is_found_and_nothing_else():
    random = np.random.default_rng(0)
    label = np.repeat(np.arange(5), 30)
    found = 0
    for seed in range(20):
        values = random.normal(size=(150, 12))
        values[label == 2, 7] += 1.5
        is_found = class_trends(values, label, 5, 200, seed).family_p[:, 7] <= LEVEL
        found += bool(is_found[2])
    assert found >= 19


def test_shuffled_labels_show_no_trend():
    random = np.random.default_rng(1)
    label = np.repeat(np.arange(3), 8)
    any_head = [
        (class_trends(random.gamma(0.5, size=(24, 6)), label, 3, 199, s).family_p <= LEVEL).any()
        for s in range(150)
    ]
    assert sum(any_head) <= stats.binom.ppf(0.999, 150, LEVEL)


def test_what_cannot_be_compared_has_no_result(values):
    values = np.c_[values, np.ones(30), np.full(30, np.nan)]
    label = np.where(LABEL == 0, -1, LABEL)
    label[-1] = 3
    found = class_trends(values, label, 5, 20)
    assert np.isfinite(found.g[1:3, :4]).all()
    for array in (found.g, found.p, found.fdr, found.family_p):
        assert np.isnan(array[[0, 3, 4]]).all()
        assert np.isnan(array[:, 4:]).all()
    np.testing.assert_array_equal(found.count, [0, 10, 11, 1, 0])
    assert np.isnan(class_trends(values, np.full(30, -1), 5, 20).g).all()
    with pytest.raises(ValueError, match="at least 1"):
        class_trends(values, label, 5, 0)


def test_a_seed_gives_the_same_result_again(values):
    first, again, other = (class_trends(values, LABEL, 3, 99, seed).p for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
