"""The study of pairs: means and tests over images, its file, and what is said of it."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

import headbrush
from headbrush.analysis.doctor.examine import examine
from headbrush.analysis.doctor.findings import Finding
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.prune.interactions.groups import group_pairs, groups_of
from headbrush.analysis.prune.interactions.pairs import head_pairs
from headbrush.analysis.prune.study import work
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.store.errors import InputError, StoreError
from headbrush.analysis.store.facts.studies.interactions import (
    interaction_words,
    load_interactions,
    read_interactions,
    save_interactions,
)
from headbrush.analysis.store.store import Store
from tests.analysis.analyzed import analyzed
from tests.stores import make_named_store, make_store

ABOVE = np.triu_indices(6, 1)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(analyzed(tmp_path_factory.mktemp("interactions"), 4, loud=True, depth=3))


@pytest.fixture(scope="module")
def study(store):
    return headbrush.interactions(store, images=9, quiet=True)


def copied(store, place):
    shutil.copytree(store.path, place, ignore=shutil.ignore_patterns("studies"))
    return Store(place)


def measured(store, images, groups=None):
    """By one batch of all images."""
    stored = work.load_stored(store)
    traced = trace(stored.model, stored.batch(images))
    labels = torch.tensor(stored.labels[list(images)].tolist())
    if groups is None:
        return head_pairs(stored.model, traced, labels)
    return group_pairs(stored.model, traced, labels, groups)


def test_the_study_holds_means_and_tests_over_its_images(store, study):
    found = measured(store, study.chosen)
    np.testing.assert_allclose(study.effect, found.effect.mean(0), atol=1e-5)
    np.testing.assert_allclose(study.iota, found.iota.mean(0), atol=1e-5)
    np.testing.assert_allclose(study.size, found.size.mean(0), atol=1e-4)
    iota = found.iota[:, *ABOVE].numpy()
    expected = stats.ttest_1samp(iota, 0)
    corrected = stats.false_discovery_control(expected.pvalue)
    np.testing.assert_allclose(study.q[ABOVE], corrected, rtol=1e-3)
    ends = expected.confidence_interval(0.95)
    np.testing.assert_allclose(study.low[ABOVE], ends.low, atol=1e-5)
    np.testing.assert_allclose(study.high[ABOVE], ends.high, atol=1e-5)
    assert load_interactions(store) == study
    assert study.names[3] == "L1·H1"
    assert study.members == tuple((head,) for head in range(6))


def test_matrices_are_symmetric_and_a_head_has_no_interaction_with_itself(study):
    for matrix, diagonal in (
        (study.iota, 0), (study.low, 0), (study.high, 0), (study.q, 1), (study.size, 0),
        (study.within_noise, True), (study.significant, False),
    ):  # fmt: skip
        np.testing.assert_array_equal(matrix, matrix.T)
        assert np.all(matrix.diagonal() == diagonal)


def test_layers_and_names_are_pruned_as_one(store, tmp_path):
    copy = copied(store, tmp_path / "s")
    study = headbrush.interactions(copy, groups="layers", images=9, quiet=True)
    assert study.names == ("layer 0", "layer 1", "layer 2")
    assert study.members == ((0, 1), (2, 3), (4, 5))
    found = measured(copy, study.chosen, study.members)
    np.testing.assert_allclose(study.iota, found.iota.mean(0), atol=1e-5)
    assert load_interactions(copy) is None
    assert load_interactions(copy, "layers") == study
    number = [[0, 2], [-1, 0], [1, 2]]  # row above, self; no name, row above; 2 rows above, self
    named = Store(make_named_store(tmp_path / "named", number))
    expected = {"row above": (0, 3), "self": (1, 5), "2 rows above": (4,)}
    assert groups_of(named, "names") == expected


def test_heads_that_only_add_are_within_noise(store, tmp_path, monkeypatch):
    """Nothing but a linear map follows heads of the last layer."""
    loaded = work.load_stored

    def linear(store):
        stored = loaded(store)
        module = stored.model.module
        module.blocks[2].mlp.fc2.weight.data.zero_()
        module.norm = nn.Identity()
        stored.demand_same_prediction = lambda *_: None
        return stored

    monkeypatch.setattr(work, "load_stored", linear)
    study = headbrush.interactions(copied(store, tmp_path / "s"), images=4, quiet=True)
    assert abs(np.array(study.effect)[4:]).min() > 1e-3
    assert study.within_noise[4, 5]
    assert not study.significant[4, 5]
    assert not study.within_noise[0, 2:].any()


def test_a_stopped_study_goes_on_and_a_finished_one_is_not_made_again(
    store, study, tmp_path, monkeypatch
):
    copy, saved, save = copied(store, tmp_path / "s"), [], PartFiles.save

    def failing(self, name, **arrays):
        save(self, name, **arrays)
        saved.append(name)
        if len(saved) == 4:
            raise RuntimeError("the power is gone")

    monkeypatch.setattr(PartFiles, "save", failing)
    with pytest.raises(RuntimeError, match="power"):
        headbrush.interactions(copy, images=9, quiet=True)
    assert load_interactions(copy) is None
    assert headbrush.interactions(copy, images=9, quiet=True) == study
    assert len(saved) == len(set(saved)) == 9
    assert [path.name for path in (copy.path / "studies").iterdir()] == [
        "interactions-heads-9-0.json"
    ]
    monkeypatch.setattr(work, "load_stored", pytest.fail)
    assert headbrush.interactions(copy, images=9, quiet=True) == study


def test_pairs_are_measured_by_the_workers_of_a_cluster(store, tmp_path):
    distributed = pytest.importorskip("distributed")
    here, far = (copied(store, tmp_path / name) for name in ("here", "far"))
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with cluster:
        found = headbrush.interactions(
            far, groups="layers", images=4, scheduler=cluster.scheduler_address, quiet=True
        )
    assert found == headbrush.interactions(here, groups="layers", images=4, quiet=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": 13}, "--images 13: expected 2 to 12"),
        ({"images": 1}, "--images 1: expected 2 to 12"),
        ({"seed": -1}, "--seed -1"),
        ({"groups": "families"}, "--groups families: expected heads, layers, names"),
        ({"scheduler": "there"}, "expected tcp://HOST:PORT"),
        ({"out": "nowhere/at/all.csv"}, "nowhere"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(store, options, message):
    with pytest.raises(InputError, match=message):
        headbrush.interactions(store, quiet=True, **options)


def test_a_model_without_pairs_or_logits_is_refused(store, tmp_path, monkeypatch):
    headless = analyzed(tmp_path / "headless", 2, num_classes=0)
    with pytest.raises(InputError, match="no classifier"):
        headbrush.interactions(headless, images=2, quiet=True)
    single = make_store(tmp_path / "single", layers=1, heads=1)
    with pytest.raises(InputError, match="has 1 of these; a pair needs two"):
        headbrush.interactions(single, images=2, quiet=True)
    nameless = make_named_store(tmp_path / "nameless", -1)
    with pytest.raises(InputError, match="has 0 of these; a pair needs two"):
        headbrush.interactions(nameless, groups="names", quiet=True)
    loaded = work.load_stored

    def with_probabilities(store):
        stored = loaded(store)
        stored.model = replace(stored.model, kind=replace(stored.model.kind, applied=True))
        stored.demand_same_prediction = lambda *_: None
        return stored

    monkeypatch.setattr(work, "load_stored", with_probabilities)
    with pytest.raises(InputError, match="cannot be measured: its forward pass ends with softmax"):
        headbrush.interactions(copied(store, tmp_path / "s"), images=2, quiet=True)


def test_info_and_doctor_know_the_study(store, study):
    words = f"interactions-heads-9-0.json, 9 images: {len(study.pairs)} pairs"
    assert dict(headbrush.info(store))["interactions"] == words
    findings = [said for said in examine(store.path) if isinstance(said, Finding)]
    assert not any("studies" in str(said) for said in findings)


def test_a_study_of_a_stranger_is_checked(store, study, tmp_path):
    copy = copied(store, tmp_path / "s")
    path = save_interactions(copy.path, study)
    assert read_interactions(path) == study == load_interactions(copy)
    good = json.loads(path.read_text())
    rest = good["pairs"][1:]
    for change in (
        {"effect": [0.0]},
        {"effect": ["<script>"] * 6},
        {"names": ["x" * 300] * 6},
        {"names": ["one"], "members": [[0]], "effect": [0.0], "pairs": []},
        {"members": [[99]] * 6},
        {"members": [[0.5]] * 6},
        {"pairs": rest},
        {"pairs": [[0.0], *rest]},
        {"pairs": [[0, 0, 0, 1.5, 0, 0], *rest]},
        {"pairs": [[0, 0, 0, 1, -1, 0], *rest]},
        {"pairs": [[float("nan"), 0, 0, 1, 0, 0], *rest]},
        {"groups": "all"},
        {"chosen": [0]},
    ):
        path.write_text(json.dumps(good | change))
        with pytest.raises(StoreError, match="no readable interactions"):
            read_interactions(path)
    save_interactions(copy.path, replace(study, store_created="2020"))
    assert load_interactions(copy) is None


def told(study):
    """With one pair that stands in, one that overlaps, one within noise, and others by chance."""
    pairs = [[0.01 * one, -0.5, 0.5, 0.9, 0.0, 1e-6] for one in range(1, 16)]
    pairs[0] = [1e-7, 1e-8, 2e-7, 0.001, 0.0, 1e-6]
    pairs[2] = [0.3125, 0.25, 0.375, 0.0001, 0.5, 1e-6]
    pairs[14] = [-0.5, -0.75, -0.25, 0.04, 0.25, 1e-6]
    return replace(study, pairs=tuple(map(tuple, pairs)))


def test_words_name_the_strongest_pairs(study):
    found = told(study)
    first, *pairs = interaction_words(found)
    assert "9 images, 15 pairs of 6 heads." in first
    assert "(q up to 0.05): 2; stand in for each other" in first
    assert "than separately: 1; overlap, less is lost: 1; within the noise of rounding: 1." in first
    assert pairs[:4] == [
        "  L2·H0 and L2·H1 overlap: -0.5 logits [-0.75, -0.25], q = 0.04",
        "  L0·H0 and L1·H1 stand in for each other: +0.31 logits [0.25, 0.38], q = 0.0001",
        "Largest of what 9 images do not tell from chance:",
        "  L1·H1 and L2·H1: +0.14 logits [-0.5, 0.5], q = 0.9",
    ]
    assert len(pairs) == 11
    assert found.strongest(1) == [(4, 5)]
    named = interaction_words(replace(found, groups="names", names=tuple("abcdef")))
    assert named[1].startswith('  "e" and "f" overlap')
    sure = replace(found, pairs=tuple((*pair[:3], 0.01, *pair[4:]) for pair in found.pairs))
    assert len(interaction_words(sure)) == 11


def test_the_table_has_every_pair(store, study, tmp_path):
    headbrush.interactions(store, images=9, out=tmp_path / "pairs.csv", quiet=True)
    with (tmp_path / "pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 15
    sizes = [abs(float(row["iota"])) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    for row in rows:
        pair = study.names.index(row["first"]), study.names.index(row["second"])
        for column in ("iota", "low", "high", "q", "size"):
            assert float(row[column]) == pytest.approx(getattr(study, column)[pair], rel=1e-6)
        assert row["within_noise"] == str(int(study.within_noise[pair]))
        assert row["significant"] == str(int(study.significant[pair]))
