"""What follows from a store for the views."""

import netCDF4
import numpy as np
import pytest

from headbrush.analysis.store.checksums import CHECKSUM
from headbrush.analysis.store.schema import METRICS, NEIGHBOURS
from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.stores.answer import answer_words
from headbrush.server.stores.metrics import METRIC_NAMES
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.words import accuracy_words
from tests.stores import attributes, make_store, values


def changed(tmp_path, change):
    """The data of a store with another summary, and no checksums of the one it had."""
    path = make_store(tmp_path / "s.headbrush")
    with netCDF4.Dataset(path / "summary.nc", "a") as summary:
        for variable in summary.variables.values():
            if CHECKSUM in variable.ncattrs():
                variable.delncattr(CHECKSUM)
        change(summary)
    return StoreData(Store(path))


def without_pruning(summary):
    summary["importance"][:2] = np.nan


def headless(summary):
    summary["importance"][[0, 1, 4]] = np.nan
    summary["probability"][:] = np.nan
    summary["class_accuracy"][:] = np.nan


@pytest.mark.parametrize(
    ("change", "metric", "reason"),
    [(without_pruning, "gradient", "not pruned"), (headless, "patch", "has no classifier")],
)
def test_the_first_metric_is_one_that_the_store_has(tmp_path, change, metric, reason):
    data = changed(tmp_path, change)
    assert data.first.metric == metric
    assert reason in data.why_undefined("jsd")
    head = data.first.head
    mean = data.importance(metric).mean(0)
    assert mean[head.number] == mean.max()


def test_a_store_without_a_metric_gives_nan_for_it(tmp_path):
    path = make_store(tmp_path / "s.headbrush")
    content = values()
    fewer = {name: content[name][:4] for name in ("metric", "importance")}
    write_summary(path, content | fewer, attributes())
    data = StoreData(Store(path))
    assert np.isnan(data.importance("gradient")).all()
    assert "without the gradient" in data.why_undefined("gradient")
    assert set(METRIC_NAMES) >= {"jsd", "gradient"}


def test_a_headless_store_begins_with_the_neighbours_that_others_do_not_offer(tmp_path):
    path = make_store(tmp_path / "s.headbrush")
    content = values()
    classified = StoreData(Store(path))
    assert NEIGHBOURS not in classified.metric_titles
    assert "without a classifier" in classified.why_undefined(NEIGHBOURS)
    lost = np.random.default_rng(4).uniform(0, 1, (1, 24, 3, 2)).astype("f4")
    importance = np.concatenate([content["importance"], lost])
    importance[[0, 1, 4]] = np.nan
    nothing = np.full((24, 3), np.nan, "f4")
    more = {"metric": np.array((*METRICS, NEIGHBOURS), object), "importance": importance}
    write_summary(path, content | more | {"probability": nothing}, attributes())
    data = StoreData(Store(path))
    assert data.first.metric == NEIGHBOURS
    assert list(data.metric_titles)[-1] == NEIGHBOURS
    assert data.first.head.number == int(lost[0].mean(0).reshape(-1).argmax())
    whole = np.ones(24, bool)
    assert "changes which images are alike most" in answer_words(data, NEIGHBOURS, whole)


def test_classes_carry_their_accuracy_where_it_is_known(tmp_path):
    def measure(summary):
        summary["class_accuracy"][:] = [0.5, np.nan, 1]

    data = changed(tmp_path, measure)
    assert data.class_labels == ["class-0 50\u00a0%", "class-1", "class-2 100\u00a0%"]


def test_a_store_whose_classes_are_texts_says_so_in_fixed_words(tmp_path):
    path = make_store(tmp_path / "s.headbrush")
    words = "Classes of a class token: P′[true class], within-class"
    assert StoreData(Store(path)).worded(words) == words
    write_summary(path, values(), attributes(classifier="texts", classifier_words="3 texts"))
    data = StoreData(Store(path))
    assert data.worded(words) == "Texts of a class token: P′[true text], within-text"
    assert accuracy_words(data).startswith("3 texts; ")
