"""Two stores, head by head: matching against brute force, differences against scipy."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import headbrush
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.beside import beside_table, beside_words
from headbrush.server.stores.trends.matching import common_images, correlations, matched_heads
from tests.stores import make_store


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("beside")
    return [make_store(folder / f"{name}.headbrush") for name in ("first", "second")]


@pytest.fixture
def both(paths, monkeypatch):
    """The second store's heads are the first's in another order, with noise and a shift."""
    stores = [StoreData(Store(path)) for path in paths]
    random = np.random.default_rng(0)
    order = random.permutation(stores[0].num_heads)
    effects = random.gamma(1.0, size=(24, stores[0].num_heads))
    others = (effects + random.normal(scale=0.05, size=effects.shape))[:, order] + 0.5
    stores[1].names = [*stores[1].names[::-1][:20], "a.png", "b.png", "c.png", "d.png"]
    moved = np.r_[others[::-1][:20], random.gamma(1.0, size=(4, effects.shape[1]))]
    for data, values in zip(stores, (effects, moved), strict=True):
        monkeypatch.setattr(data, "importance", lambda _metric, values=values: values)
    return stores, order, effects, moved


def test_common_images_are_those_of_the_same_name(both):
    stores, *_ = both
    here, there = common_images(*stores)
    names = [stores[0].names[n] for n in here]
    assert names == [stores[1].names[n] for n in there]
    assert sorted(names) == sorted(set(stores[0].names) & set(stores[1].names))
    assert len(here) == 20


def test_correlations_are_those_of_scipy():
    random = np.random.default_rng(1)
    first, second = random.gamma(1.0, size=(15, 3)), random.gamma(1.0, size=(15, 4))
    second[:, 2] = 7
    found = correlations(first, second)
    for a in range(3):
        for b in (0, 1, 3):
            assert found[a, b] == pytest.approx(stats.spearmanr(first[:, a], second[:, b])[0])
    assert np.isnan(found[:, 2]).all()


def test_heads_are_found_again_in_another_order(both):
    stores, order, *_ = both
    found = matched_heads(*stores, "correlation", "jsd")
    np.testing.assert_array_equal(order[found], np.arange(len(order)))


def test_no_other_matching_has_a_larger_sum_of_correlations(both):
    stores, _, effects, moved = both
    random = np.random.default_rng(5)
    here, there = common_images(*stores)
    noise = random.normal(size=(24, 6)), random.normal(size=(24, 6))
    stores[0].importance, stores[1].importance = (lambda _m, v=v: v for v in noise)
    found = matched_heads(*stores, "correlation", "jsd")
    table = correlations(noise[0][here], noise[1][there])
    gain = np.where(table > 0, table, 0)
    best = max(sum(gain[a, b] for a, b in enumerate(one)) for one in permutations(range(6)))
    kept = np.flatnonzero(found >= 0)
    assert gain[kept, found[kept]].sum() == pytest.approx(best)
    assert len(set(found[kept].tolist())) == len(kept)
    assert effects.shape == moved.shape


def test_by_place_heads_beyond_the_other_model_have_no_match(paths, tmp_path):
    small = StoreData(Store(make_store(tmp_path / "small.headbrush", layers=2, heads=1)))
    large = StoreData(Store(paths[0]))
    np.testing.assert_array_equal(
        matched_heads(large, small, "place", "jsd"), [0, -1, 1, -1, -1, -1]
    )
    np.testing.assert_array_equal(matched_heads(small, large, "place", "jsd"), [0, 2])


def test_by_name_the_nearest_depth_of_the_same_name_is_taken(both):
    stores, *_ = both
    vars(stores[0])["head_families"] = ["row", "row", "CLS", "row", "spot", "CLS"]
    vars(stores[1])["head_families"] = ["CLS", "row", "row", "none", "none", "CLS"]
    found = matched_heads(*stores, "name", "jsd")
    np.testing.assert_array_equal(found[[2, 5]], [0, 5])
    assert sorted(found[[0, 1, 3]].tolist()) == [-1, 1, 2]
    assert found[4] == -1


@pytest.mark.parametrize("is_paired", [True, False])
def test_differences_are_those_of_scipy(both, is_paired):
    stores, _, effects, moved = both
    if not is_paired:
        stores[1].names = [f"{n}.jpg" for n in range(24)]
    table = beside_table(*stores, metric="jsd", match="place")
    here, there = common_images(*stores)
    assert table["paired"].all() == is_paired
    for row in table.to_dict("records"):
        head = row["layer"] * 2 + row["head"]
        if is_paired:
            test = stats.ttest_rel(moved[there, head], effects[here, head])
            assert row["mean"] == pytest.approx(effects[here, head].mean())
            rank = stats.spearmanr(effects[here, head], moved[there, head])[0]
            assert row["correlation"] == pytest.approx(rank)
        else:
            test = stats.ttest_ind(moved[:, head], effects[:, head], equal_var=False)
        interval = test.confidence_interval(0.95)
        assert row["p"] == pytest.approx(test.pvalue)
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
        assert row["difference"] == pytest.approx(row["mean_second"] - row["mean"])
    adjusted = stats.false_discovery_control(table["p"])
    np.testing.assert_allclose(table["p_adjusted"], adjusted)
    assert (abs(table["difference"]).diff().dropna() <= 0).all()


def test_what_differs_is_told_with_its_interval(both):
    stores, *_ = both
    table = beside_table(*stores, metric="jsd", match="correlation")
    told = beside_words(table, "correlation", ("a", "b"))
    differing = int((table["p_adjusted"] <= 0.05).sum())
    assert differing == 6  # every head is shifted by 0.5
    assert told[0].startswith(f"JSD of the prediction: {differing} of 6 heads differ")
    assert "20 images of both, in pairs" in told[0]
    row = table.iloc[0]
    assert f"{row['difference']:+.3g} [{row['low']:.3g}, {row['high']:.3g}]" in told[1]
    none = beside_words(table.assign(p_adjusted=0.2), "correlation", ("a", "b"))
    assert none == [told[0].replace("6 of 6", "0 of 6")]


def test_python_writes_the_table_of_all_metrics(paths, tmp_path):
    out = tmp_path / "beside.csv"
    table = headbrush.trends(paths[0], beside=paths[1], out=out)
    pd.testing.assert_frame_equal(pd.read_csv(out), table, rtol=1e-5, check_dtype=False)
    assert set(table["metric"]) == {"probability", "jsd", "cls", "patch", "gradient"}
    assert np.allclose(table["difference"], 0)  # one and the same store
    assert np.allclose(table["correlation"], 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"match": "size"}, "--match size: choose one of place, correlation, name"),
        ({"metric": "loss"}, "--metric loss: choose one of"),
        ({"match": "name"}, "no names of patterns"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(paths, options, words):
    with pytest.raises(InputError, match=words) as found:
        headbrush.trends(paths[0], beside=paths[1], **options)
    assert "\n" not in str(found.value)


def test_too_few_common_images_are_no_ground_for_a_match(both):
    stores, *_ = both
    stores[1].names = [*stores[1].names[:9], *(f"{n}.jpg" for n in range(15))]
    with pytest.raises(InputError, match="9 images of the same name, at least 10"):
        matched_heads(*stores, "correlation", "jsd")
