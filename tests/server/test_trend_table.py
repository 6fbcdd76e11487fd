"""The table of trends over classes, and what is said of it."""

import numpy as np
import pandas as pd
import pytest

import headbrush
from headbrush.analysis.store.errors import InputError
from headbrush.server.stores.trends.table import trend_table, trend_words


@pytest.fixture
def planted(data, monkeypatch):
    """The store as if head 1 mattered to the second class only, and to none else differently."""
    effects = np.random.default_rng(3).normal(size=(data.num_images, data.num_heads))
    effects[data.labels == 1, 1] += 6
    monkeypatch.setattr(data, "importance", lambda _metric: effects)
    return data, effects


def test_every_row_holds_the_means_and_counts_of_its_class_and_head(planted):
    data, effects = planted
    table = trend_table(data, "jsd", permutations=99)
    assert len(table) == len(data.class_names) * data.num_heads
    for row in table.to_dict("records"):
        number = row["layer"] * data.heads_per_layer + row["head"]
        belongs = data.labels == data.class_names.index(row["class"])
        assert (row["n"], row["n_rest"]) == (belongs.sum(), (~belongs).sum())
        assert row["mean"] == pytest.approx(effects[belongs, number].mean())
        assert row["mean_rest"] == pytest.approx(effects[~belongs, number].mean())
        assert np.sign(row["hedges_g"]) == np.sign(row["mean"] - row["mean_rest"])
    assert (abs(table.hedges_g).diff().dropna() <= 0).all()


def test_the_planted_trend_is_the_first_row_and_is_told(planted):
    data, _effects = planted
    table = trend_table(data, "jsd", permutations=199)
    first = table.iloc[0]
    assert (first["class"], first["layer"] * data.heads_per_layer + first["head"]) == (
        data.class_names[1], 1,
    )  # fmt: skip
    told = trend_words(table, 199)
    assert f"{table.significant.sum()} pairs" in told[0]
    assert f"matters more to {data.class_names[1]}" in told[1]
    none = table.assign(significant=False)
    assert trend_words(none, 199)[0].startswith("No head matters differently to any class")


def test_python_writes_what_it_returns(store_path, tmp_path):
    path = tmp_path / "trends.csv"
    table = headbrush.trends(store_path, permutations=19, seed=4, out=path)
    pd.testing.assert_frame_equal(pd.read_csv(path), table, rtol=1e-6, check_dtype=False)
    again = headbrush.trends(store_path, permutations=19, seed=4)
    pd.testing.assert_frame_equal(again, table)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"metric": "jsdd"}, "choose one of"), ({"permutations": 0}, "give at least 1")],
)
def test_what_cannot_be_compared_is_refused_in_one_line(data, options, words):
    with pytest.raises(InputError, match=words) as found:
        trend_table(data, **options)
    assert "\n" not in str(found.value)
