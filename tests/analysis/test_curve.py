"""Curves over pruned heads against full passes, and what a stopped or repeated run does."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import headbrush
from headbrush.analysis.doctor.examine import examine
from headbrush.analysis.doctor.findings import Finding
from headbrush.analysis.prune.curve import lines
from headbrush.analysis.prune.export.describing import costs, flops, parameters
from headbrush.analysis.prune.export.exporting import export
from headbrush.analysis.prune.orders import OrderError, chosen_order, halves
from headbrush.analysis.prune.stored_model import load_stored
from headbrush.analysis.prune.study import work
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.store.errors import InputError, StoreError
from headbrush.analysis.store.facts.studies.all_studies import study_facts
from headbrush.analysis.store.facts.studies.curve import (
    curve_words,
    load_curve,
    points_of,
    read_curve,
    save_curve,
)
from headbrush.analysis.store.store import Store
from headbrush.server.pages.figures.curve import draw_curve_figure
from tests.analysis import families, oracles
from tests.analysis.analyzed import analyzed
from tests.stores import make_named_store, make_store

HEADS = 2
ORDERS = ("random", "jsd", "gradient", "greedy")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(analyzed(tmp_path_factory.mktemp("curve"), 8, loud=True, depth=3))


@pytest.fixture(scope="module")
def drawn(store):
    return headbrush.curve(store, order=ORDERS, quiet=True)


@pytest.fixture(scope="module")
def stored(store):
    return load_stored(store)


def copied(store, place):
    """The store without its studies."""
    shutil.copytree(store.path, place, ignore=shutil.ignore_patterns("studies"))
    return Store(place)


def full_passes(stored, images, heads):
    """Probabilities ``(n, classes)`` in full passes without heads, by timm's own attention."""
    parts = [(*divmod(head, HEADS), 1) for head in heads]
    return oracles.softmax(
        oracles.naive_set_pass(stored.model, stored.batch(images), parts).numpy()
    )


def divergences(first, second):
    pairs = zip(first, second, strict=True)
    return [oracles.jensenshannon(p, q, base=2) ** 2 for p, q in pairs]


def test_the_two_halves_share_no_image_and_the_curve_begins_unpruned(store, drawn):
    curve = drawn.curve
    assert sorted((*curve.chosen, *curve.drawn)) == list(range(24))
    where = list(curve.drawn)
    right = store.read("probability")[where].argmax(1) == store.read("label")[where]
    for line in curve.lines:
        assert curve.accuracy(line)[0] == right.mean()
        assert line.jsd[0] == pytest.approx(0, abs=1e-12)
        assert line.flipped[0] == 0


@pytest.mark.parametrize("order", ORDERS)
def test_every_point_is_that_of_full_passes(stored, drawn, order):
    curve = drawn.curve
    line, images = curve.of(order)[-1], list(curve.drawn)
    before = full_passes(stored, images, [])
    assert any(line.flipped)
    assert len(set(line.right)) > 1
    for number, pruned in enumerate(curve.pruned):
        after = full_passes(stored, images, line.heads[:pruned])
        assert line.right[number] == (after.argmax(1) == stored.labels[images]).sum()
        assert line.flipped[number] == (after.argmax(1) != before.argmax(1)).sum()
        assert line.jsd[number] == pytest.approx(np.mean(divergences(before, after)), abs=1e-5)


def test_greedy_takes_the_head_that_changes_least_given_those_that_went(store, stored, drawn):
    curve = drawn.curve
    (line,) = curve.of("greedy")
    images = list(curve.chosen)
    number = store.read("metric").tolist().index("jsd")
    stored_means = store.read("importance")[number][images].mean(0).ravel()
    assert line.heads[0] == stored_means.argmin()
    for gone in range(1, 6):
        before = full_passes(stored, images, line.heads[:gone])
        change = {
            head: np.mean(
                divergences(before, full_passes(stored, images, (*line.heads[:gone], head)))
            )
            for head in line.heads[gone:]
        }
        assert change[line.heads[gone]] <= min(change.values()) + 1e-7


def test_stored_means_decide_the_other_orders(store, drawn):
    images = list(drawn.curve.chosen)
    for order in ("jsd", "gradient"):
        number = store.read("metric").tolist().index(order)
        mean = store.read("importance")[number][images].astype(float).mean(0).ravel()
        (line,) = drawn.curve.of(order)
        assert np.all(np.diff(mean[list(line.heads)]) >= 0)
    assert len({line.heads for line in drawn.curve.of("random")}) > 5


def test_heads_whose_pattern_another_has_too_go_first(tmp_path):
    names = [[0, 0], [1, 2], [0, -1]]  # heads 0, 1 and 4 share the first
    store = Store(make_named_store(tmp_path / "s", names))
    images, _ = halves(24, 24, 0)
    order = chosen_order(store, "repeated", images)
    number = store.read("metric").tolist().index("jsd")
    mean = store.read("importance")[number][images].mean(0).ravel()
    strongest = max((0, 1, 4), key=lambda head: mean[head])
    assert set(order[:2]) == {0, 1, 4} - {strongest}
    assert mean[order[0]] <= mean[order[1]]
    assert np.all(np.diff(mean[order[2:]]) >= 0)
    assert sorted(order) == list(range(6))
    alone = Store(make_named_store(tmp_path / "alone", [[0, 1], [2, 3], [-1, -1]]))
    with pytest.raises(OrderError, match="no two heads of this store have the same name"):
        chosen_order(alone, "repeated", images)
    with pytest.raises(OrderError, match="no names of patterns"):
        chosen_order(Store(make_store(tmp_path / "nameless")), "repeated", images)


def test_costs_are_those_of_an_exported_model(stored, tmp_path, drawn):
    curve, model = drawn.curve, stored.model
    pruned = lines.set_of(drawn.curve.of("jsd")[0].heads[:4], HEADS)
    proof = export(model, pruned, tmp_path / "smaller", stored.batch, 4)
    assert (curve.parameters[0], curve.flops[0]) == (proof.parameters[0], proof.flops[0])
    assert (curve.parameters[4], curve.flops[4]) == (proof.parameters[1], proof.flops[1])


@pytest.mark.parametrize("family", ["dinov3", "eva02", "siglip", "rotary"])
def test_costs_of_a_family_are_those_of_products_left_out(family):
    model = families.make(family)
    found = costs(model, [0, 9])
    images = families.pictures(model, 1)
    assert found[0][0] == parameters(model.module)
    assert found[1][0] == flops(model.module, images)
    attention = model.sites[0].attention
    fused = [p.numel() for n, p in attention.named_parameters() if "norm" not in n]
    assert found[0][0] - found[0][1] == 3 * (sum(fused) - attention.proj.bias.numel())


def test_a_stopped_run_goes_on_and_ends_the_same(store, drawn, tmp_path, monkeypatch):
    copy = copied(store, tmp_path / "s")
    saved, save, effect, asked = [], PartFiles.save, lines.Predictions.effect, []

    def failing(self, name, **arrays):
        save(self, name, **arrays)
        saved.append(name)
        if len(saved) == 20:
            raise RuntimeError("the power is gone")

    def counted(self, pruned):
        asked.append(pruned)
        return effect(self, pruned)

    monkeypatch.setattr(PartFiles, "save", failing)
    with pytest.raises(RuntimeError, match="power"):
        headbrush.curve(copy, order=ORDERS, quiet=True)
    assert load_curve(copy) is None
    monkeypatch.setattr(lines.Predictions, "effect", counted)
    headbrush.curve(copy, order=ORDERS, quiet=True)
    points = sum(len(line.right) for line in drawn.curve.lines)
    assert len(asked) < points
    assert contents(copy) == contents(store)


def contents(store):
    """Every file of the studies by its name."""
    files = (store.path / "studies").rglob("*")
    return {str(f.relative_to(store.path)): f.read_bytes() for f in files if f.is_file()}


def test_what_is_there_already_is_not_drawn_again(store, tmp_path, monkeypatch):
    copy = copied(store, tmp_path / "s")
    headbrush.curve(copy, order=["jsd"], images=10, quiet=True)
    before = contents(copy)
    monkeypatch.setattr(work, "load_stored", pytest.fail)
    again = headbrush.curve(copy, order=["jsd"], images=10, quiet=True)
    assert contents(copy) == before
    assert again.curve.orders == ["jsd"]
    monkeypatch.undo()
    wider = headbrush.curve(copy, order=["gradient"], images=10, quiet=True).curve
    assert wider.orders == ["jsd", "gradient"]
    assert wider.of("jsd") == list(again.curve.lines)
    assert load_curve(copy) == wider


def test_a_larger_step_has_fewer_points_and_ends_without_heads(store, tmp_path):
    copy = copied(store, tmp_path / "s")
    curve = headbrush.curve(copy, order=["greedy"], step=4, quiet=True).curve
    assert list(curve.pruned) == [0, 4, 6] == points_of(6, 4)
    assert sorted(curve.lines[0].heads) == list(range(6))


def test_lines_are_drawn_by_the_workers_of_a_cluster(store, drawn, tmp_path):
    distributed = pytest.importorskip("distributed")
    copy = copied(store, tmp_path / "s")
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with cluster:
        found = headbrush.curve(
            copy, order=["jsd", "greedy"], scheduler=cluster.scheduler_address, quiet=True
        ).curve
    for order in ("jsd", "greedy"):
        assert found.of(order) == drawn.curve.of(order)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": ["best"]}, "--order best: unknown; choose from random"),
        ({"images": 25}, "--images 25: expected 2 to 24"),
        ({"draws": 3}, "--draws 3: expected at least 10"),
        ({"step": 7}, "--step 7: expected 1 to 6 heads"),
        ({"seed": -1}, "--seed -1"),
        ({"scheduler": "there"}, "expected tcp://HOST:PORT"),
        ({"out": "curve.gif"}, "gif"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_before_computing(
    store, monkeypatch, options, message
):
    monkeypatch.setattr(work, "load_stored", pytest.fail)
    with pytest.raises(InputError, match=message):
        headbrush.curve(store, quiet=True, **options)


def test_a_study_of_a_stranger_is_checked(store, drawn, tmp_path):
    copy = copied(store, tmp_path / "s")
    path = save_curve(copy.path, drawn.curve)
    assert read_curve(path) == drawn.curve == load_curve(copy)
    good = json.loads(path.read_text())
    first = good["lines"][0]
    for change in (
        {"lines": [first | {"heads": [0] * 6}]},
        {"lines": [first | {"right": [1e9] * 7}]},
        {"lines": [first | {"jsd": ["<script>"] * 7}]},
        {"pruned": [0, 6]},
        {"flops": [1]},
        {"version": 2},
        {"lines": 3},
    ):
        path.write_text(json.dumps(good | change))
        with pytest.raises(StoreError, match="no readable curve"):
            read_curve(path)
        assert load_curve(copy) is None
    findings = [said for said in examine(copy.path) if isinstance(said, Finding)]
    assert any("no readable curve" in str(said) for said in findings)
    path.write_text("[" * 100_000)
    assert load_curve(copy) is None
    other = replace(drawn.curve, store_created="2020")
    save_curve(copy.path, other)
    assert load_curve(copy) is None
    assert "another analysis" in study_facts(copy)[0][1]


@pytest.mark.usefixtures("drawn")
def test_info_and_doctor_know_the_studies(store):
    rows = dict(headbrush.info(store))
    assert rows["pruning curve"] == "curve-24-0.json, 24 images: random, jsd, gradient, greedy"
    findings = [said for said in examine(store.path) if isinstance(said, Finding)]
    assert not any("studies" in str(said) for said in findings)


def test_words_say_how_many_heads_can_go(drawn):
    curve = drawn.curve
    line = replace(curve.of("jsd")[0], right=(12, 12, 11, 12, 12, 3, 3))
    one = replace(curve, labelled=12, lines=(line,))
    assert one.spared(line) == 1
    assert one.spared(line, loss=0.1) == 4
    assert curve_words(one) == [
        "At most 8.33 % of accuracy is lost without:",  # one of 12 images
        "  jsd: 4 of 6 heads, smallest mean divergence first.",
    ]
    assert "no accuracy" in curve_words(replace(one, labelled=0))[0]


@pytest.mark.parametrize("ending", ["svg", "pdf", "png"])
def test_the_figure_shows_the_orders_and_the_random_band(store, drawn, tmp_path, ending):
    path = tmp_path / f"curve.{ending}"
    headbrush.curve(store, order=ORDERS, out=path, quiet=True)
    assert path.stat().st_size > 1000
    if ending == "svg":
        text = path.read_text(encoding="utf-8")
        for words in ("10 random orders, least to most", "heads left", "FLOPs an image"):
            assert words in text
    band = drawn.figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    accuracy = [drawn.curve.accuracy(line) for line in drawn.curve.of("random")]
    assert set(np.unique(band)) == set(np.unique([np.min(accuracy, 0), np.max(accuracy, 0)]))


def test_without_labels_the_divergence_is_drawn_alone(store, drawn):
    curve = drawn.curve
    blind = [replace(line, right=(0,) * len(line.right)) for line in curve.lines]
    blind = replace(curve, labelled=0, lines=tuple(blind), parameters=(), flops=(), inexact="why")
    figure = draw_curve_figure(blind, store)
    above, below = figure.axes
    assert all(np.isnan(line.get_ydata()).all() for line in above.lines)
    assert any(np.ptp(line.get_ydata()) > 0 for line in below.lines)
    assert figure.content("svg")
    assert "Cost is not known: why" in figure.caption


def test_a_set_is_predicted_as_full_passes_do(store, stored):
    found = headbrush.prune(store, "0.1,2.0")
    before = full_passes(stored, range(24), [])
    after = full_passes(stored, range(24), [1, 4])
    assert found.count == found.labelled == 24
    assert found.accuracy == (after.argmax(1) == stored.labels).mean()
    assert sorted(found.flipped) == np.flatnonzero(after.argmax(1) != before.argmax(1)).tolist()
    assert found.jsd == pytest.approx(np.mean(divergences(before, after)), abs=1e-6)
    assert not torch.is_inference_mode_enabled()
    with pytest.raises(InputError, match=r"head 0\.9 is not in this model"):
        headbrush.prune(store, "0.9")
