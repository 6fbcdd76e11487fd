"""The fidelity of a layout is that of brute force."""

import numpy as np
import pytest

from headbrush.analysis.measures.layouts.fidelity import fidelity


def slow_nearest(space, nearest):
    """The nearest others of every row, one by one."""
    found = []
    for row in range(len(space)):
        order = np.argsort(np.linalg.norm(space - space[row], axis=1), kind="stable").tolist()
        found.append([other for other in order if other != row][:nearest])
    return found


@pytest.fixture
def spaces():
    rng = np.random.default_rng(1)
    return rng.normal(size=(80, 6)), rng.normal(size=(80, 2)), rng.integers(0, 4, 80)


def test_it_is_that_of_brute_force(spaces):
    features, xy, heads = spaces
    found = fidelity(features, xy, heads, seed=0, nearest=7)
    of_features, of_layout = slow_nearest(features, 7), slow_nearest(xy, 7)
    kept = [len(set(a) & set(b)) / 7 for a, b in zip(of_features, of_layout, strict=True)]
    assert found.kept == pytest.approx(np.mean(kept))
    for near, share in ((of_layout, found.same_group), (of_features, found.same_group_features)):
        same = [heads[other] == heads[row] for row in range(80) for other in near[row]]
        assert share == pytest.approx(np.mean(same))


def test_a_layout_that_is_its_features_keeps_all(spaces):
    _, xy, heads = spaces
    found = fidelity(xy, xy * 3, heads, seed=0)
    assert found.kept == 1
    assert found.same_group == found.same_group_features


def test_groups_that_lie_apart_are_among_themselves():
    heads = np.repeat([0, 1], 20)
    xy = heads[:, None] * 100 + np.random.default_rng(0).normal(size=(40, 2))
    assert fidelity(xy, xy, heads, seed=0).same_group == 1


def test_groups_at_random_are_met_as_often_as_chance_says():
    rng = np.random.default_rng(0)
    xy, heads = rng.normal(size=(3_000, 2)), np.tile(np.arange(10), 300)
    found = fidelity(rng.normal(size=(3_000, 2)), xy, heads, seed=0)
    assert found.same_group == pytest.approx(299 / 2_999, abs=0.01)
    assert found.kept == pytest.approx(15 / 2_999, abs=0.002)


def test_a_sample_is_near_the_whole():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2_500, 3))
    sampled = fidelity(features, features[:, :2], seed=0)
    near = (slow_nearest(space, 15) for space in (features, features[:, :2]))
    whole = np.mean([len(set(a) & set(b)) / 15 for a, b in zip(*near, strict=True)])
    assert sampled.kept == pytest.approx(whole, abs=0.01)
    assert np.isnan(sampled.same_group)


def test_equal_points_are_others():
    found = fidelity(np.zeros((40, 3)), np.zeros((40, 2)), np.zeros(40, int), seed=0)
    assert found.same_group == 1
    assert 0 <= found.kept <= 1


@pytest.mark.parametrize(("count", "kept"), [(0, np.nan), (1, np.nan), (2, 1.0), (5, 1.0)])
def test_of_few_points_all_others_are_near(count, kept):
    space = np.arange(2.0 * count).reshape(count, 2)
    assert fidelity(space, space, seed=0).kept == pytest.approx(kept, nan_ok=True)
