"""The table of trends over classes, and what is said of it."""

import numpy as np
import pandas as pd
import pytest

import headbrush
from headbrush.analysis.store.errors import InputError
from headbrush.server.stores.trends.table import trend_table
from headbrush.server.stores.trends.words import trend_words


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
    assert told[0].startswith(f"{table.significant.sum()} pair")
    assert len(told) == 1 + table.significant.sum()
    assert f"matters more to {data.class_names[1]}" in told[1]


def told_of(permutations=999, metric="jsd", **changed):
    """Sentences on two rows, of which the first is one of a class and stands out."""
    row = {
        "class": "cat", "n": 10, "n_rest": 20, "layer": 1, "head": 0, "metric": metric,
        "mean": 0.3, "mean_rest": 0.1, "hedges_g": 2.0, "p_family": 0.002, "significant": True,
    }  # fmt: skip
    other = row | {"class": "dog", "p_family": 0.2, "significant": False}
    return trend_words(pd.DataFrame([row | changed, other]), permutations)


@pytest.mark.parametrize(
    ("changed", "said", "unsaid"),
    [
        ({}, "L1·H0 matters more to cat: mean 0.3 (n = 10) against 0.1 in the rest (n = 20), "
         "g = 2.00, p = 0.002.", "less"),
        ({"mean": 0.05, "hedges_g": -2.0}, "L1·H0 matters less to cat: mean 0.05", "more"),
        ({"mean": 0.3, "mean_rest": -0.2}, "matters more to cat", "less"),
        ({"mean": -0.3, "mean_rest": 0.2}, "matters less to cat", "more"),
        ({"mean": -0.1, "mean_rest": -0.3}, "L1·H0: mean -0.1 in cat (n = 10)", "matters"),
    ],
)  # fmt: skip
def test_a_head_matters_more_or_less_only_where_pruning_it_does_harm(changed, said, unsaid):
    first, second = told_of(**changed)
    assert said in second
    assert unsaid not in second
    assert first.startswith("1 pair of class and head stands out (JSD of the prediction, 30 label")
    assert "2 pairs of class and head, 999 permutations, family-wise p ≤ 1\u00a0%" in first


@pytest.mark.parametrize(
    ("permutations", "said"),
    [
        (999, "No pair of class and head stands out"),
        (99, "No pair of class and head stands out"),
        (98, "Whether any pair stands out is unknown"),
        (1, "Whether any pair stands out is unknown"),
    ],
)
def test_that_nothing_stands_out_is_said_only_where_something_could(permutations, said):
    (told,) = told_of(permutations, significant=False, p_family=0.2)
    assert told.startswith(said)
    assert ("--permutations 99 or more" in told) == (permutations < 99)
    assert ("the least p is 0.2" in told) == (permutations >= 99)


def test_a_loss_of_probability_is_called_one():
    assert "(loss of true-class probability," in told_of(metric="probability")[0]


def test_python_writes_what_it_returns(store_path, tmp_path):
    path = tmp_path / "trends.csv"
    table = headbrush.trends(store_path, permutations=19, seed=4, out=path)
    pd.testing.assert_frame_equal(pd.read_csv(path), table, rtol=1e-6, check_dtype=False)
    again = headbrush.trends(store_path, permutations=19, seed=4)
    pd.testing.assert_frame_equal(again, table)


def test_a_way_to_match_needs_a_second_store(store_path, tmp_path):
    with pytest.raises(InputError, match="name without --beside"):
        headbrush.trends(store_path, match="name", out=tmp_path / "trends.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metric": "jsdd"}, "choose one of"),
        ({"permutations": 0}, "give at least 1"),
        ({"seed": -1}, "--seed -1: expected 0 or more"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(data, options, words):
    with pytest.raises(InputError, match=words) as found:
        trend_table(data, **options)
    assert "\n" not in str(found.value)
