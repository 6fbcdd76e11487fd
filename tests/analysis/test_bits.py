"""What decides where a head looks, in bits, against sums that are written out and known cases."""

import numpy as np
import pytest
import scipy.stats

from headbrush.analysis.measures import memory_budget
from headbrush.analysis.measures.bits.groups import groups_of
from headbrush.analysis.measures.bits.measured import measure_bits
from headbrush.analysis.measures.bits.parts import Division
from headbrush.analysis.measures.bits.surprise import standing_out, steady_heads
from headbrush.analysis.measures.source_patches import SOURCES, source_patches
from headbrush.analysis.store.schema import PARTS

SHAPE = 2, 2, 3, 8
"""Layers, heads, source patches, patches."""


def random_attention(images, concentration=0.5, seed=0, shape=SHAPE):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(shape[-1], concentration), (images, *shape[:-1]))


def measured(attention, labels=None, size=5, seed=0):
    """Bits of attention ``(m, L, H, S, P)`` that was kept in shards of ``size`` images."""
    kept = attention.astype(np.float16)
    labels = np.full(len(kept), -1) if labels is None else np.asarray(labels)
    starts = range(0, len(kept), size)
    return measure_bits(
        lambda layer: (kept[at : at + size, layer] for at in starts), kept.shape[1], labels, seed
    )


def parts_of(found):
    return dict(zip(PARTS, found["bits"], strict=True))


def mean_entropy(rows):
    """Entropy in bits, mean over the source patches: ``(..., S, P)`` to ``(...)``."""
    return scipy.stats.entropy(rows, base=2, axis=-1).mean(-1)


def class_gain(attention, labels):
    """What classes seem to decide, ``(L, H)``."""
    within = [
        np.mean(labels == one) * mean_entropy(attention[labels == one].mean(0))
        for one in np.unique(labels)
    ]
    return mean_entropy(attention.mean(0)) - np.sum(within, 0)


def test_parts_are_those_of_the_sums_written_out():
    attention, labels = random_attention(14), np.arange(14) % 3
    kept = attention.astype(np.float16).astype(float)
    found = measured(attention, labels)
    surprise = np.empty((14, 2, 2))
    moved = np.empty((14, 2, 2))
    for image in range(14):
        others = np.delete(kept, image, 0).mean(0)
        surprise[image] = scipy.stats.entropy(kept[image], others, base=2, axis=-1).mean(-1)
        moved[image] = np.abs(kept[image] - others).sum(-1).mean(-1) / 2
    groups = groups_of(labels, 0)
    assert groups is not None
    gains = [class_gain(kept, one) for one in groups.arrangements]
    parts = parts_of(found)
    near = {"atol": 2e-3}
    np.testing.assert_allclose(found["surprise"], surprise, **near)
    np.testing.assert_allclose(found["moved"], moved.mean(0), **near)
    np.testing.assert_allclose(parts["spread"], mean_entropy(kept).mean(0), **near)
    np.testing.assert_allclose(parts["class"], gains[0] - np.mean(gains[1:], 0), **near)
    content = parts["class"] + parts["within class"]
    np.testing.assert_allclose(content, surprise.mean(0), **near)


@pytest.mark.parametrize("labels", [None, np.arange(30) % 4, np.zeros(30), np.arange(30)])
@pytest.mark.parametrize("concentration", [0.05, 1, 50])
def test_parts_add_up_to_all_bits(labels, concentration):
    found = measured(random_attention(30, concentration), labels)
    np.testing.assert_allclose(np.nansum(found["bits"], 0), 3, atol=1e-5)


def test_neither_shards_nor_pieces_of_heads_change_a_value(monkeypatch):
    attention, labels = random_attention(30), np.arange(30) % 4
    whole = measured(attention, labels, size=30)
    in_shards = measured(attention, labels, size=7)
    monkeypatch.setattr(memory_budget, "BUDGET_BYTES", 1)
    by_head = measured(attention, labels, size=7)
    for name in ("bits", "moved", "surprise", "anomaly"):
        np.testing.assert_allclose(in_shards[name], whole[name], atol=1e-5, err_msg=name)
        np.testing.assert_allclose(by_head[name], whole[name], atol=1e-5, err_msg=name)


def test_a_head_that_is_the_same_in_every_image_is_fixed():
    one = random_attention(1)
    found = measured(np.repeat(one, 20, 0), np.arange(20) % 2)
    parts = parts_of(found)
    np.testing.assert_allclose(parts["fixed"], 3 - mean_entropy(one[0]), atol=2e-3)
    for name in ("class", "within class"):
        np.testing.assert_allclose(parts[name], 0, atol=1e-4)
    np.testing.assert_allclose(found["moved"], 0, atol=1e-4)


def test_a_head_that_looks_by_class_has_the_bits_of_the_class():
    labels = np.arange(400) % 4
    attention = np.zeros((400, *SHAPE))
    attention[np.arange(400), ..., labels] = 1
    parts = parts_of(measured(attention, labels, size=64))
    np.testing.assert_allclose(parts["class"], 2, atol=0.04)
    np.testing.assert_allclose(parts["within class"], 0, atol=0.04)
    np.testing.assert_allclose(parts["fixed"], 1, atol=0.02)
    np.testing.assert_allclose(parts["spread"], 0, atol=1e-5)


def test_an_even_head_is_all_spread():
    found = measured(np.full((12, *SHAPE), 1 / 8), np.arange(12) % 3)
    np.testing.assert_allclose(parts_of(found)["spread"], 3, atol=1e-5)
    np.testing.assert_allclose(found["bits"][:3], 0, atol=1e-5)


def test_labels_that_mean_nothing_have_no_bits():
    attention = random_attention(240, 0.3, shape=(3, 4, 3, 8))
    labels = np.random.default_rng(5).integers(0, 40, 240)
    seeming = class_gain(attention, labels)
    found = parts_of(measured(attention, labels, size=64))["class"]
    assert seeming.min() > 0.1
    assert np.abs(found).max() < seeming.min() / 2
    assert abs(found.mean()) < 0.01


@pytest.mark.parametrize("labels", [[0] * 9, range(9), [-1] * 9])
def test_classes_that_cannot_be_told_from_images_have_no_part(labels):
    parts = parts_of(measured(random_attention(9), labels))
    assert np.isnan(parts["class"]).all()
    assert np.isfinite(parts["within class"]).all()


def test_many_classes_are_shuffled_less_often():
    few, many = (groups_of(np.arange(2 * count) % count, 0) for count in (3, 500))
    assert few is not None
    assert many is not None
    assert (len(few.arrangements), len(many.arrangements)) == (21, 2)
    for groups in (few, many):
        for arrangement in groups.arrangements:
            np.testing.assert_array_equal(np.bincount(arrangement), groups.sizes)


def test_a_single_image_is_compared_with_nothing():
    found = measured(random_attention(1), [0])
    assert np.isfinite(found["bits"][3]).all()
    for name in ("moved", "surprise", "anomaly"):
        assert np.isnan(found[name]).all()


def test_the_image_in_which_fixed_heads_look_elsewhere_stands_out():
    rng = np.random.default_rng(1)
    usual = random_attention(1, 0.2)[0]
    attention = 0.97 * usual + 0.03 * random_attention(40, 1, seed=2)
    attention[7] = 0.7 * usual + 0.3 * rng.dirichlet(np.ones(8), SHAPE[:-1])
    found = measured(attention)
    assert found["anomaly"].argmax() == 7
    others = np.delete(found["anomaly"], 7)
    assert found["anomaly"][7] > 3 * others.max()


def test_where_nothing_is_fixed_no_image_stands_out():
    alone = np.zeros((8, *SHAPE))
    alone[np.arange(8), ..., np.arange(8)] = 1  # every image looks elsewhere
    found = measured(alone)
    assert found["bits"][0].max() < 0
    assert np.isnan(found["anomaly"]).all()


def test_only_the_steadiest_heads_count():
    parts = np.array([[3, 3, 3, 3, -1, 0.1, 3, 3, 3], [0.3, 2, 0.1, 1, 0, 0.1, 2, 2, 2.0]])
    division = Division(parts[0], np.full(9, np.nan), parts[1], np.zeros(9))
    assert steady_heads(division).tolist() == [2, 0, 3]
    surprises = np.random.default_rng(0).gamma(2, size=(30, 4))
    scores = scipy.stats.zscore(surprises, 0)
    expected = np.sort(scores, 1)[:, 1:].mean(1)
    np.testing.assert_allclose(standing_out(surprises, surprises), expected)


@pytest.mark.parametrize("grid", [(1, 1), (2, 3), (4, 4), (7, 7), (14, 14), (37, 37), (2, 30)])
def test_source_patches_are_few_and_lie_all_over_the_grid(grid):
    found = source_patches(grid)
    assert len(set(found.tolist())) == len(found) <= SOURCES
    if grid[0] * grid[1] <= SOURCES:
        assert len(found) == grid[0] * grid[1]
    places = np.stack(np.divmod(found, grid[1]), 1)
    assert places.min() >= 0
    for side in (0, 1):
        centre = (grid[side] - 1) / 2
        assert places[:, side].max() < grid[side]
        assert abs(places[:, side].mean() - centre) <= 0.1 * grid[side]
        if len(found) < grid[0] * grid[1]:
            assert len(set(places[:, side].tolist())) >= min(grid[side], len(found) // 2)
