"""The effect of a pruned head taken apart: exact, and made of what full passes show."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import headbrush
from headbrush.analysis.doctor.examine import examine
from headbrush.analysis.doctor.findings import Finding
from headbrush.analysis.explain.direct import direct_contributions
from headbrush.analysis.explain.refusal import InexactError
from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import wrap_model
from headbrush.analysis.prune.interactions.compensation import compensation
from headbrush.analysis.prune.study import work
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.store.errors import InputError, StoreError
from headbrush.analysis.store.facts.studies.compensation import (
    compensation_words,
    load_compensation,
    read_compensation,
    save_compensation,
)
from headbrush.analysis.store.store import Store
from tests.analysis import families, oracles
from tests.analysis.analyzed import analyzed

HEADS, LAYERS = 3, 3
LABELS = torch.tensor([2, -1])
INSIDE = ("vit, averaged patches", "eva02 clip")
"""Families with norms that stand within their layers."""


@pytest.fixture(scope="module", params=list(families.FAMILIES))
def family(request):
    return request.param


def logits_without(model, images, classes, pruned):
    output = oracles.naive_set_pass(model, images, pruned)
    return output.gather(1, classes[:, None])[:, 0].double().numpy()


def classes_of(traced):
    return torch.where(LABELS >= 0, LABELS, traced.probability.argmax(-1))


def test_the_parts_sum_to_what_full_passes_lose_in_every_family(family):
    model = families.make(family)
    images = families.pictures(model)
    traced = trace(model, images)
    found = compensation(model, traced, LABELS)
    classes = classes_of(traced)
    span = (traced.output.amax(-1) - traced.output.amin(-1)).numpy()
    before = logits_without(model, images, classes, [])
    for head in range(LAYERS * HEADS):
        lost = before - logits_without(model, images, classes, [(*divmod(head, HEADS), 1)])
        parts = found.parts[:, head]
        said = parts[:, -1] - parts[:, :-1].sum(-1)
        assert np.all(abs(said - lost) <= 1e-5 * span)
        np.testing.assert_allclose(found.total[:, head], lost, atol=1e-5)
    assert found.error.max() <= 1e-5
    direct = direct_contributions(model, traced, classes[:, None])
    assert direct.norms_inside is (family in INSIDE)
    np.testing.assert_array_equal(found.parts[..., -1], direct.head[0].flatten(1))


def test_a_head_answers_what_it_puts_out_in_a_pass_without_the_other(family):
    model = families.make(family)
    images = families.pictures(model)
    traced = trace(model, images)
    direct = direct_contributions(model, traced, classes_of(traced)[:, None])
    found = compensation(model, traced, LABELS).parts
    for head in (0, 4, 8):
        after = trace(model, images, PruneSet.of_heads([divmod(head, HEADS)]))
        expected = np.zeros((2, LAYERS, HEADS))
        for layer in range(head // HEADS + 1, LAYERS):
            weights = direct.weights[layer][0]
            moved = after.layers[layer].head_output - traced.layers[layer].head_output
            expected[:, layer] = (weights * moved[:, :, : weights.shape[2]]).sum((-2, -1)).numpy()
        np.testing.assert_allclose(found[:, head, :9], expected.reshape(2, 9), atol=1e-5)


def test_mlps_and_norm_are_those_of_the_equations():
    """LayerScale is none and the norm one: each factor written out."""
    model = families.make("vit")
    images = families.pictures(model)
    traced = trace(model, images)
    classes = classes_of(traced)
    found = compensation(model, traced, LABELS).parts
    module = model.module
    direction = module.head.weight[classes].double() * module.norm.weight.double()
    mlps, ends = {}, {}
    for layer, block in enumerate(module.blocks):
        block.mlp.register_forward_hook(
            lambda _m, _i, out, layer=layer: mlps.update({layer: out[:, 0].double()})
        )
    module.norm.register_forward_pre_hook(lambda _m, given: ends.update(last=given[0][:, 0]))

    def passed(pruned):
        oracles.naive_set_pass(model, images, pruned)
        last = ends["last"].double()
        centred = last - last.mean(-1, keepdim=True)
        scale = (centred.square().mean(-1) + module.norm.eps).rsqrt()
        return dict(mlps), centred, scale

    before, _, scale = passed([])
    for head in (0, 3, 7):
        after, centred, now = passed([(*divmod(head, HEADS), 1)])
        for layer in range(LAYERS):
            moved = after[layer] - before[layer]
            moved = moved - moved.mean(-1, keepdim=True)
            expected = (direction * moved).sum(-1) * scale
            np.testing.assert_allclose(found[:, head, 9 + layer], expected, atol=1e-5)
        rescaled = (direction * centred).sum(-1) * (now - scale)
        np.testing.assert_allclose(found[:, head, -2], rescaled.detach(), atol=1e-5)


def test_where_nothing_can_answer_total_and_direct_are_one():
    module = families.make("vit").module
    with torch.no_grad():
        module.norm = nn.Identity()
        for block in module.blocks[1:]:
            block.attn.proj.weight.zero_()
        for block in module.blocks:
            block.mlp.fc2.weight.zero_()
    model = wrap_model(module, name="silent", device="cpu")
    found = compensation(model, trace(model, families.pictures(model)), None)
    assert abs(found.total[:, :HEADS]).min() > 1e-5
    np.testing.assert_allclose(found.total, found.parts[..., -1], atol=1e-6)
    np.testing.assert_allclose(found.parts[..., :-1], 0, atol=1e-6)


def test_a_model_whose_logits_are_no_sum_is_refused(tmp_path):
    module = families.make("vit").module
    module.head = nn.Sequential(module.head, nn.Tanh())
    model = wrap_model(module, name="bent", device="cpu")
    with pytest.raises(InexactError, match="stands between the layers and its logits"):
        compensation(model, trace(model, families.pictures(model)), None)
    store = analyzed(tmp_path, 2, num_classes=0)
    with pytest.raises(InputError, match="no classifier"):
        headbrush.compensation(store, images=2, quiet=True)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(analyzed(tmp_path_factory.mktemp("compensation"), 4, loud=True, depth=3))


@pytest.fixture(scope="module")
def study(store):
    return headbrush.compensation(store, images=9, quiet=True)


def copied(store, place):
    shutil.copytree(store.path, place, ignore=shutil.ignore_patterns("studies"))
    return Store(place)


def test_the_study_holds_means_over_its_images(store, study):
    stored = work.load_stored(store)
    traced = trace(stored.model, stored.batch(study.chosen))
    labels = torch.tensor(stored.labels[list(study.chosen)].tolist())
    found = compensation(stored.model, traced, labels)
    np.testing.assert_allclose(study.total, found.total.mean(0), atol=1e-6)
    np.testing.assert_allclose(np.array(study.parts), found.parts.mean(0), atol=1e-6)
    answers = study.by_heads.sum(1) + study.by_mlps.sum(1) + study.norm
    np.testing.assert_allclose(study.total, study.direct - answers, atol=1e-5)
    assert study.error <= 1e-5
    assert load_compensation(store) == study


def test_a_stopped_study_goes_on_and_a_finished_one_is_not_made_again(
    store, study, tmp_path, monkeypatch
):
    copy, saved, save = copied(store, tmp_path / "s"), [], PartFiles.save

    def failing(self, name, **arrays):
        save(self, name, **arrays)
        saved.append(name)
        if len(saved) == 1:
            raise RuntimeError("the power is gone")

    monkeypatch.setattr(PartFiles, "save", failing)
    with pytest.raises(RuntimeError, match="power"):
        headbrush.compensation(copy, images=9, quiet=True)
    assert load_compensation(copy) is None
    assert headbrush.compensation(copy, images=9, quiet=True) == study
    assert len(saved) == len(set(saved)) == 3  # parts of 4, 4 and 1 images
    assert [path.name for path in (copy.path / "studies").iterdir()] == ["compensation-9-0.json"]
    monkeypatch.setattr(work, "load_stored", pytest.fail)
    assert headbrush.compensation(copy, images=9, quiet=True) == study


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": 13}, "--images 13: expected 1 to 12"),
        ({"images": 0}, "--images 0: expected 1 to 12"),
        ({"seed": -1}, "--seed -1"),
        ({"scheduler": "there"}, "expected tcp://HOST:PORT"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(store, options, message):
    with pytest.raises(InputError, match=message):
        headbrush.compensation(store, quiet=True, **options)


@pytest.mark.usefixtures("study")
def test_info_and_doctor_know_the_study(store):
    assert dict(headbrush.info(store))["compensation"] == "compensation-9-0.json, 9 images"
    findings = [said for said in examine(store.path) if isinstance(said, Finding)]
    assert not any("studies" in str(said) for said in findings)


def test_a_study_of_a_stranger_is_checked(store, study, tmp_path):
    copy = copied(store, tmp_path / "s")
    path = save_compensation(copy.path, study)
    assert read_compensation(path) == study == load_compensation(copy)
    good = json.loads(path.read_text())
    for change in (
        {"total": [0.0]},
        {"total": ["<script>"] * 6},
        {"parts": [[0.0]] * 6},
        {"parts": good["parts"][:1]},
        {"chosen": [0]},
        {"error": -1},
        {"layers": "3"},
    ):
        path.write_text(json.dumps(good | change))
        with pytest.raises(StoreError, match="no readable compensation"):
            read_compensation(path)
    save_compensation(copy.path, replace(study, store_created="2020"))
    assert load_compensation(copy) is None


def test_words_say_what_answers_most(study):
    rows = np.zeros((6, 11))
    rows[1, [4, 6, 9, 10]] = 0.25, -0.125, 0.5, 1.0
    told = replace(study, parts=tuple(map(tuple, rows.tolist())), total=(0, 0.375, 0, 0, 0, 0))
    assert compensation_words(told)[2] == (
        "  0.1: direct +1, total +0.375; answers of heads +0.25, most of all 2.0 (+0.25), of MLPs "
        "-0.125, of the norm +0.5"
    )
