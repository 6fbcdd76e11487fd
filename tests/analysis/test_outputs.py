"""Outputs become probabilities as the model means them: softmax, sigmoid, or as they are."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from torch import nn

from headbrush.analysis.measures.gradient import gradient_importance
from headbrush.analysis.measures.importance import leave_one_out, partial_pruning
from headbrush.analysis.model.capture import self_check
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import wrap_model
from headbrush.analysis.store.errors import ModelError
from tests.analysis import families, whole_passes
from tests.analysis.own_modules import Calls, tiny

KINDS = {
    "classes": (lambda: tiny(), "auto", 5),
    "one logit": (lambda: tiny(num_classes=1), "auto", 2),
    "one logit, flat": (lambda: Calls(tiny(num_classes=1), lambda o: o[:, 0]), "auto", 2),
    "one logit, asked for": (lambda: tiny(num_classes=1), "sigmoid", 2),
    "labels": (lambda: tiny(), "sigmoid", 5),
    "two labels": (lambda: tiny(num_classes=2), "sigmoid", 2),
    "ends with softmax": (lambda: nn.Sequential(tiny(), nn.Softmax(-1)), "auto", 5),
    "ends with log softmax": (lambda: nn.Sequential(tiny(), nn.LogSoftmax(-1)), "auto", 5),
    "ends with a softmax by hand": (
        lambda: Calls(tiny(), lambda o: o.exp() / o.exp().sum(-1, keepdim=True)), "auto", 5,
    ),
    "ends with sigmoid": (lambda: nn.Sequential(tiny(), nn.Sigmoid()), "auto", 5),
    "ends with one sigmoid": (lambda: Calls(tiny(num_classes=1), torch.sigmoid), "auto", 2),
    "head with softmax": (
        lambda: _with_head(nn.Sequential(nn.Linear(24, 4), nn.Softmax(1))), "auto", 4,
    ),
}  # fmt: skip
LABELS = torch.tensor([1, 0])


def _with_head(head):
    module = tiny()
    module.head = head
    return module


def slow_probability(kind, raw):
    """What each kind means, image by image, in float64."""
    rows = []
    for row in np.asarray(raw, np.float64).reshape(len(raw), -1):
        if kind.startswith(("one logit", "ends with one")):
            p = row[0] if "sigmoid" in kind and "asked" not in kind else 1 / (1 + np.exp(-row[0]))
            rows.append([1 - p, p])
        elif "labels" in kind:
            rows.append([1 / (1 + np.exp(-value)) for value in row])
        elif kind == "classes" or "log softmax" in kind:
            rows.append(np.exp(row) / np.exp(row).sum())
        else:
            rows.append(row)
    return np.array(rows)


def slow_divergence(kind, p, q):
    """Bits between two predictions; of labels, the mean of their binary divergences."""
    if kind not in ("labels", "two labels", "ends with sigmoid"):
        return jensenshannon(p, q, base=2) ** 2
    pairs = zip(p, q, strict=True)
    return np.mean([jensenshannon([1 - a, a], [1 - b, b], base=2) ** 2 for a, b in pairs])


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def model(kind):
    make, outputs, _ = KINDS[kind]
    return wrap_model(make(), device="cpu", outputs=outputs)


def test_probabilities_are_what_the_outputs_mean(kind, model):
    images = families.pictures(model)
    self_check(model, images)
    traced = trace(model, images)
    with torch.no_grad():
        raw = model.module(images).numpy()
    expected = slow_probability(kind, raw)
    assert expected.shape == (2, KINDS[kind][2]) == (2, model.num_classes)
    np.testing.assert_allclose(traced.probability, expected, atol=1e-6)


def test_metrics_are_those_of_whole_passes(kind, model):
    images = families.pictures(model)
    traced = trace(model, images)
    found = leave_one_out(model, traced, LABELS)[:2, 0]
    for layer, head in ((0, 1), (2, 2)):
        p, _ = whole_passes.whole_pass(model, images, layer)
        q, _ = whole_passes.whole_pass(model, images, layer, head)
        lost = [p[row, label] - q[row, label] for row, label in enumerate(LABELS)]
        apart = [slow_divergence(kind, one, other) for one, other in zip(p, q, strict=True)]
        np.testing.assert_allclose(found[0, :, layer, head], lost, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found[1, :, layer, head], apart, rtol=1e-3, atol=1e-6)


def test_the_live_model_agrees(model):
    images = families.pictures(model, 1)
    traced = trace(model, images)
    pruned = partial_pruning(model, traced, 1, 2, 1)
    found = leave_one_out(model, traced, LABELS[:1])
    np.testing.assert_allclose(pruned.metrics[:2, 1], found[:2, 0, 0, 1, 2], atol=1e-6)
    np.testing.assert_allclose(pruned.probability[0], traced.probability[0], atol=1e-6)


def test_the_gradient_is_that_of_minus_the_logarithm_of_the_probability(model):
    images = families.pictures(model)
    found = gradient_importance(model, images, trace(model, images), LABELS)
    step = 1e-2
    losses = []
    for mask in (1 + step, 1 - step):
        p, _ = whole_passes.whole_pass(model, images, 1, 2, mask)
        losses.append([-np.log(p[row, label]) for row, label in enumerate(LABELS)])
    slope = abs(np.subtract(*losses)) / (2 * step)
    np.testing.assert_allclose(found[0, :, 1, 2], slope, rtol=0.05, atol=2e-4)


def test_one_label_is_two_classes():
    one, two = tiny(num_classes=1), tiny(num_classes=2)
    with torch.no_grad():
        two.load_state_dict(one.state_dict() | {
            "head.weight": torch.cat([torch.zeros_like(one.head.weight), one.head.weight]),
            "head.bias": torch.cat([torch.zeros_like(one.head.bias), one.head.bias]),
        })  # fmt: skip
    single, double = (wrap_model(module, device="cpu") for module in (one, two))
    images = families.pictures(single)
    np.testing.assert_allclose(
        leave_one_out(single, trace(single, images), LABELS),
        leave_one_out(double, trace(double, images), LABELS),
        atol=1e-6,
    )
    assert "single output" in single.notes[0]


@pytest.mark.parametrize(
    ("make", "outputs", "reason"),
    [
        (lambda: tiny(num_classes=1), "softmax", "would always be 1"),
        (lambda: nn.Sequential(tiny(), nn.Softmax(-1)), "sigmoid", "ends with softmax"),
        (lambda: nn.Sequential(tiny(), nn.Sigmoid()), "softmax", "ends with sigmoid"),
        (lambda: tiny(), "tanh", "expected auto, softmax, sigmoid"),
    ],
)
def test_what_does_not_fit_is_refused(make, outputs, reason):
    with pytest.raises(ModelError, match=reason):
        wrap_model(make(), device="cpu", outputs=outputs)


@pytest.mark.parametrize("count", [1, 3])
def test_names_of_another_number_of_classes_are_refused(count):
    with pytest.raises(ModelError, match=f"class_names has {count} names, and the model has 2"):
        wrap_model(tiny(num_classes=1), device="cpu", class_names=tuple("abc"[:count]))
