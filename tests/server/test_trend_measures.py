"""Trends within classes, consistency, unlike and similar images: against plain computations."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from headbrush.server.stores.trends import consistency
from headbrush.server.stores.trends.classes import LEVEL
from headbrush.server.stores.trends.consistency import (
    MOST_OF_CLASS,
    MOST_OTHERS,
    class_consistency,
)
from headbrush.server.stores.trends.statistics.normal_scores import normal_scores
from headbrush.server.stores.trends.statistics.seriation import seriated
from headbrush.server.stores.trends.statistics.tail import permutation_p
from headbrush.server.stores.trends.unlike import nearest, unlike_their_class
from headbrush.server.stores.trends.within_class import within_class_trends

LABEL = np.repeat([0, 1, 2], [8, 10, 12])
WRONG = np.arange(30) % 3 == 0


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(5).gamma(1.0, size=(30, 4))


def test_wrong_against_right_is_hedges_g_within_the_class(values):
    found = within_class_trends(values, LABEL, WRONG, 3, 10).g
    for row in range(3):
        a, b = values[(row == LABEL) & WRONG], values[(row == LABEL) & ~WRONG]
        freedom = len(a) + len(b) - 2
        pooled = (a.var(0, ddof=1) * (len(a) - 1) + b.var(0, ddof=1) * (len(b) - 1)) / freedom
        expected = (a.mean(0) - b.mean(0)) / np.sqrt(pooled) * (1 - 3 / (4 * freedom - 1))
        np.testing.assert_allclose(found[row], expected)


def test_p_within_a_class_is_that_of_scipy(values):
    found = within_class_trends(values, LABEL, WRONG, 3, 4000).p
    a, b = values[(LABEL == 2) & WRONG], values[(LABEL == 2) & ~WRONG]
    expected = stats.permutation_test(
        (a, b),
        lambda a, b, axis: np.abs(a.mean(axis) - b.mean(axis)),
        vectorized=True, n_resamples=4000, alternative="greater",
    ).pvalue  # fmt: skip
    np.testing.assert_allclose(found[2], expected, atol=0.05)


def test_shuffled_mistakes_show_no_trend_in_classes_of_any_size():
    random, label, shown = np.random.default_rng(1), np.repeat([0, 1, 2], [6, 9, 40]), 0
    for seed in range(150):
        values, wrong = random.gamma(0.5, size=(55, 6)), random.random(55) < 0.4
        found = within_class_trends(values, label, wrong, 3, 199, seed)
        shown += bool((found.family_p <= LEVEL).any())
    assert shown <= stats.binom.ppf(0.999, 150, LEVEL)


def test_a_planted_difference_between_wrong_and_right_is_found():
    random, found = np.random.default_rng(0), 0
    label, wrong = np.repeat(np.arange(4), 40), np.arange(160) % 2 == 0
    for seed in range(20):
        values = random.normal(size=(160, 10))
        values[(label == 2) & wrong, 7] += 2
        result = within_class_trends(values, label, wrong, 4, 200, seed)
        found += bool(result.family_p[2, 7] <= LEVEL)
    assert found >= 19


def test_a_class_without_two_wrong_images_has_no_result(values):
    wrong = WRONG & (LABEL != 0)
    values = np.c_[values, np.ones(30)]
    found = within_class_trends(values, np.where(LABEL == 2, -1, LABEL), wrong, 3, 20)
    assert np.isnan(found.g[[0, 2]]).all()
    assert np.isfinite(found.family_p[1, :4]).all()
    assert np.isnan(found.g[1, 4])
    np.testing.assert_array_equal(found.count, [0, wrong[LABEL == 1].sum(), 0])


def test_consistency_is_that_of_all_pairs(values):
    found = class_consistency(values, LABEL, 3, 20)
    scores = stats.norm.ppf((stats.rankdata(values, axis=0) - 0.5) / 30)
    distance = cdist(scores, scores) / 2
    for row in range(3):
        ours, others = np.flatnonzero(row == LABEL), np.flatnonzero(row != LABEL)
        pairs = [distance[i, j] for i in ours for j in ours if i < j]
        across = distance[np.ix_(ours, others)]
        assert found.within[row] == pytest.approx(np.mean(pairs))
        assert found.between[row] == pytest.approx(across.mean())
        own, rest = distance[np.ix_(ours, ours)].mean(), distance[np.ix_(others, others)].mean()
        assert found.energy[row] == pytest.approx(2 * across.mean() - own - rest)


def test_the_energy_distance_of_one_column_is_that_of_scipy():
    values = np.random.default_rng(0).normal(size=(40, 1))
    label = np.repeat([0, 1], 20)
    found = class_consistency(values, label, 2, 5)
    scores = normal_scores(values)[:, 0]
    expected = stats.energy_distance(scores[:20], scores[20:]) ** 2
    np.testing.assert_allclose(found.energy, expected)


def test_a_class_that_uses_heads_alike_is_found_and_shuffled_labels_are_not():
    random = np.random.default_rng(2)
    label = np.repeat([0, 1, 2, 3], 15)
    values = random.gamma(0.5, size=(60, 8))
    values[label == 1] = values[label == 1] * 0.3 + 2
    found = class_consistency(values, label, 4, 999)
    assert found.is_alike[1]
    assert found.p[1] < 1 / 1000
    shown = 0
    for seed in range(60):
        noise = random.gamma(0.5, size=(60, 8))
        shown += bool((class_consistency(noise, label, 4, 99, seed).p <= 0.05).any())
    assert shown <= stats.binom.ppf(0.999, 60, 0.05 * 4)


def test_p_is_that_of_an_obvious_loop_over_shuffled_labels(values):
    label = np.repeat([0, 1, 2], [5, 10, 15])
    distance = cdist(*[normal_scores(values)] * 2)

    def energies(label):
        is_in = [label == one for one in range(3)]
        return np.array([
            2 * distance[np.ix_(a, ~a)].mean() - distance[np.ix_(a, a)].mean()
            - distance[np.ix_(~a, ~a)].mean() for a in is_in
        ])  # fmt: skip

    random, reached = np.random.default_rng(0), np.zeros(3)
    for _ in range(2000):
        reached += energies(random.permutation(label)) >= energies(label) - 1e-9
    found = class_consistency(values, label, 3, 2000)
    np.testing.assert_allclose(found.p, (1 + reached) / 2001, atol=0.05)
    assert not found.is_sampled


def test_samples_estimate_the_distances_of_all_pairs_and_each_class_is_compared():
    random = np.random.default_rng(0)
    label = np.r_[np.arange(1500) // 6, np.full(900, 250)]  # 250 small classes, and a large one
    values = random.normal(size=(2400, 12))
    values[label == 7] = values[label == 7] * 0.2 + 1
    found, again = (class_consistency(values, label, 252, 999, seed=4) for _ in range(2))
    np.testing.assert_array_equal(found.p, again.p)
    assert found.is_sampled
    assert (found.images, found.count[0], found.count[250], found.count[251]) == (
        2400, 6, MOST_OF_CLASS, 0,
    )  # fmt: skip
    assert np.flatnonzero(found.is_alike).tolist() == [7]
    scores = normal_scores(values) / np.sqrt(12)
    for one in (7, 8, 250):
        is_in = label == one
        inside, across = cdist(scores[is_in], scores[is_in]), cdist(scores[is_in], scores[~is_in])
        count = is_in.sum()
        assert found.within[one] == pytest.approx(inside.sum() / (count * (count - 1)), rel=0.05)
        assert found.between[one] == pytest.approx(across.mean(), rel=0.05)


def test_shuffled_labels_are_uniform_in_samples_too(monkeypatch):
    monkeypatch.setattr(consistency, "MOST_OTHERS", 20)
    monkeypatch.setattr(consistency, "MOST_OF_CLASS", 6)
    random, label = np.random.default_rng(1), np.repeat([0, 1, 2], [4, 16, 40])
    found = [
        class_consistency(random.gamma(0.5, size=(60, 5)), label, 3, 99, seed).p
        for seed in range(100)
    ]
    for of_class in np.transpose(found):
        assert stats.kstest(of_class, "uniform").pvalue > 1e-3


def test_beyond_all_permutations_p_is_that_of_many_more():
    random = np.random.default_rng(0)
    drawn = random.gamma([4.0, 40.0], size=(1000, 2)) * [1, -1]  # skewed to either side
    far = stats.gamma(4).isf(1e-5), -stats.gamma(40).ppf(1e-5)
    assert permutation_p(drawn, np.array(far), 0)[0] == pytest.approx(1e-5, rel=0.9)
    assert 1e-6 < permutation_p(drawn, np.array(far), 0)[1] < 1 / 1001
    usual = np.quantile(drawn, 0.9, axis=0)
    np.testing.assert_allclose(permutation_p(drawn, usual, 0), (1 + (drawn >= usual).sum(0)) / 1001)
    np.testing.assert_array_equal(permutation_p(np.ones((9, 1)), np.array([2.0]), 0), [0.1])


def test_classes_without_others_have_no_distance():
    values = np.random.default_rng(0).normal(size=(MOST_OTHERS, 3))
    assert np.isnan(class_consistency(values[:5], np.array([0, 0, 0, 0, 1]), 2, 3).energy).all()
    assert np.isnan(class_consistency(values[:5], np.full(5, -1), 2, 3).p).all()


def test_percentiles_are_ranks_within_the_class():
    random = np.random.default_rng(0)
    label = np.r_[np.zeros(12, int), np.ones(15, int), 2, -1]
    values = random.normal(size=(29, 5)).astype(np.float32)
    found = unlike_their_class(values, label)
    for image in range(27):
        own = values[label == label[image]]
        smaller = (own < values[image]).sum(0) + 0.5
        np.testing.assert_allclose(found.percentile[image], smaller / len(own), rtol=1e-6)
    assert np.isnan(found.percentile[27:]).all()
    away = np.abs(found.percentile[:27] - 0.5)
    np.testing.assert_array_equal(found.outer[:27], (away >= 0.45).sum(1))
    assert found.order[0] == np.lexsort((-away.mean(1), -found.outer[:27]))[0]
    assert sorted(found.order) == list(range(27))
    assert found.columns_of(3, 2) == np.argsort(-away[3], kind="stable")[:2].tolist()
    assert found.columns_of(28, 2) == []


def test_the_nearest_are_those_of_all_distances():
    values = np.random.default_rng(1).gamma(0.3, size=(40, 6))
    values = np.c_[values, np.ones(40), np.full(40, np.nan)]
    scores = normal_scores(values)
    images, distance = nearest(scores, 7, 5)
    assert scores.shape == (40, 6)
    every = cdist(scores[7:8], scores)[0] / np.sqrt(6)
    every[7] = np.inf
    np.testing.assert_array_equal(images, np.argsort(every)[:5])
    np.testing.assert_allclose(distance, np.sort(every)[:5])
    assert len(nearest(scores[:3], 0, 5)[0]) == 2
    assert len(nearest(np.ones((4, 0)), 0, 5)[0]) == 0


def test_seriation_puts_a_shuffled_gradient_in_order():
    order = np.random.default_rng(3).permutation(20)
    rows = np.stack([np.cos(np.linspace(0, 3, 9) + one / 8) for one in range(20)])
    found = order[seriated(rows[order])]
    assert found.tolist() in (list(range(20)), list(range(19, -1, -1)))
    np.testing.assert_array_equal(seriated(np.zeros((2, 3))), [0, 1])
