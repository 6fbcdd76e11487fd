"""Layouts: neighbours stay neighbours, samples are fair, odd inputs do not fail."""

import numpy as np
import pytest

from headbrush.analysis.measures.layouts.embedding import layout, stratified


def clusters(count=40, dims=8):
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(5), count)
    centres = rng.normal(size=(5, dims)) * 10
    return (centres[kinds] + rng.normal(size=(len(kinds), dims))).astype("f4"), kinds


def purity(xy, kinds):
    distance = np.linalg.norm(xy[:, None] - xy[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    return (kinds[np.argsort(distance, axis=1)[:, :5]] == kinds[:, None]).mean()


def test_clusters_stay_apart_and_the_seed_decides():
    features, kinds = clusters()
    first = layout(features, seed=0)
    assert purity(first.xy, kinds) > 0.99
    np.testing.assert_array_equal(first.xy, layout(features, seed=0).xy)


def test_rows_beyond_the_limit_are_placed_in_their_clusters():
    features, kinds = clusters()
    placed = layout(features, seed=0, groups=kinds, fit_limit=100)
    assert np.isfinite(placed.xy).all()
    assert purity(placed.xy, kinds) > 0.95


def test_a_sample_keeps_nearly_as_many_neighbours_as_all():
    features = np.random.default_rng(0).normal(size=(1_200, 3)).astype("f4")
    whole = layout(features, seed=0).fidelity.kept
    assert layout(features, seed=0, fit_limit=300).fidelity.kept > 0.9 * whole


def test_every_group_is_in_the_sample():
    groups = np.array([0] * 1000 + [1] * 3 + [2] * 50)
    chosen = stratified(groups, 30, np.random.default_rng(0))
    assert np.bincount(groups[chosen]).tolist() == [14, 3, 13]
    assert len(np.unique(chosen)) == 30


def test_rows_without_values_get_no_place():
    features, _ = clusters()
    features[7, 2] = np.nan
    xy = layout(features, seed=0).xy
    assert np.flatnonzero(np.isnan(xy).any(1)).tolist() == [7]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 12])
def test_few_rows_are_laid_out(count):
    features = np.random.default_rng(0).normal(size=(count, 60)).astype("f4")
    xy = layout(features, seed=0).xy
    assert xy.shape == (count, 2)
    assert np.isfinite(xy).all()


def test_equal_rows_are_laid_out():
    assert np.isfinite(layout(np.ones((30, 4), "f4"), seed=0).xy).all()
    half = np.repeat(np.eye(4, dtype="f4"), 10, axis=0)
    assert np.isfinite(layout(half, seed=0).xy).all()


def test_rows_of_one_value_lie_on_a_line_by_it():
    rows = np.random.default_rng(0).normal(size=(12, 1)).astype("f4")
    found = layout(rows, seed=0)
    np.testing.assert_array_equal(found.xy, np.pad(rows, ((0, 0), (0, 1))))


@pytest.mark.parametrize("width", [3, 80])
@pytest.mark.parametrize("count", [1, 2, 30])
def test_rows_that_are_all_alike_lie_on_one_point(count, width):
    found = layout(np.full((count, width), 0.5, np.float32), groups=None, seed=0)
    assert len(np.unique(found.xy, axis=0)) == 1
