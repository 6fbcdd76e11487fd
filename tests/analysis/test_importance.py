"""Capture and importance against full passes through timm's own unfused attention."""

import numpy as np
import pytest
import torch

from headbrush.analysis.measures.importance import jensen_shannon, leave_one_out, partial_pruning
from headbrush.analysis.model.capture import self_check
from headbrush.analysis.model.pruning.modes import MODES
from headbrush.analysis.model.tracing import trace
from tests.analysis import families, oracles

LABELS = np.array([1, 4])


@pytest.fixture(scope="module", params=list(families.FAMILIES))
def model(request):
    return families.make(request.param)


@pytest.fixture(scope="module")
def traced(model):
    return trace(model, families.pictures(model))


def test_the_self_check_passes(model):
    self_check(model, families.pictures(model))


def test_attention_is_that_of_timm_itself(model, traced):
    expected = oracles.naive_attention(model, families.pictures(model))
    found = torch.stack([record.attention() for record in traced.layers])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert model.geometry.num_tokens == found.shape[-1]


def test_every_metric_is_that_of_full_passes(model, traced):
    found = leave_one_out(model, traced, torch.from_numpy(LABELS))[:, 0]
    images = families.pictures(model)
    for layer, head in ((0, 2), (1, 0), (2, 1)):
        expected = oracles.naive_metrics(model, images, LABELS, layer, head, 1)
        if not model.geometry.has_class_token:
            expected[2] = np.nan
        np.testing.assert_allclose(found[:, :, layer, head], expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize("family", ["vit", "dinov2 with registers", "siglip", "eva02 clip"])
def test_every_mode_is_that_of_full_passes(family, mode):
    model = families.make(family)
    images = families.pictures(model)
    found = leave_one_out(model, trace(model, images), torch.from_numpy(LABELS), [mode])[:, 0]
    for layer in (1, 2):
        expected = oracles.naive_metrics(model, images, LABELS, layer, 1, mode)
        if not model.geometry.has_class_token:
            expected[2] = np.nan
        np.testing.assert_allclose(found[:, :, layer, 1], expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("family", ["vit", "eva02 clip"])
def test_partial_pruning_is_leave_one_out_in_every_mode(family):
    model = families.make(family)
    one = trace(model, families.pictures(model, 1))
    modes = list(MODES)
    expected = leave_one_out(model, one, torch.tensor([3]), modes)[:, :, 0]
    for layer, head in ((0, 1), (2, 2)):
        found = partial_pruning(model, one, layer, head, 3)
        np.testing.assert_allclose(found.metrics, expected[:, :, layer, head], atol=1e-6)
        np.testing.assert_allclose(found.probability.sum(1), 1, rtol=1e-5)
        np.testing.assert_allclose(found.probability[0], one.probability[0], atol=1e-6)


def test_an_unknown_label_is_the_predicted_class():
    model = families.make("vit")
    images = families.pictures(model)
    found = trace(model, images)
    predicted = found.probability.argmax(1)
    for labels in (None, torch.tensor([-1, -1])):
        np.testing.assert_array_equal(
            leave_one_out(model, found, labels), leave_one_out(model, found, predicted)
        )


def test_a_headless_model_has_no_model_level_metrics():
    model = families.make("vit", num_classes=0)
    images = families.pictures(model)
    found = leave_one_out(model, trace(model, images), None)
    assert np.isnan(found[:2]).all()
    assert np.isfinite(found[2:]).all()
    assert trace(model, images).probability.shape == (2, 0)


def test_divergence_is_that_of_scipy_and_of_the_known_cases():
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(7), 5), rng.dirichlet(np.full(7, 0.1), 5)
    expected = [oracles.jensenshannon(a, b, base=2) ** 2 for a, b in zip(p, q, strict=True)]
    found = jensen_shannon(torch.from_numpy(p), torch.from_numpy(q))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    sure = torch.eye(2)
    assert jensen_shannon(sure[0], sure[1]).item() == 1
    assert jensen_shannon(sure[0], sure[0]).item() == 0


def test_chunks_do_not_change_the_result(monkeypatch):
    model = families.make("vit")
    found = trace(model, families.pictures(model, 3))
    whole = leave_one_out(model, found, None)
    monkeypatch.setattr("headbrush.analysis.measures.importance._CHUNK_BYTES", 1)
    np.testing.assert_allclose(leave_one_out(model, found, None), whole, atol=1e-6)
