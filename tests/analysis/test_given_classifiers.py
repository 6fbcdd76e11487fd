"""Probes and texts as classifiers: against their definitions, and whole passes by hand."""

import numpy as np
import pytest
import torch
from scipy.special import expit, logsumexp

from headbrush.analysis.explain.stored import why_inexact
from headbrush.analysis.measures.gradient import gradient_importance
from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.model.capture import self_check
from headbrush.analysis.model.modules.classifiers.given import PROBE, TEXTS, GivenClassifier
from headbrush.analysis.model.modules.classifiers.ridge import PENALTIES, fit_ridge
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import with_classifier
from headbrush.analysis.store.errors import ModelError
from tests.analysis import families, oracles

NAMES = ("cat", "dog", "owl", "cow", "bee")
WIDTH = 24


def given(kind, activation="softmax", width=WIDTH, order=slice(None)):
    """Random weights of a classifier; ``order`` of its classes."""
    rng = np.random.default_rng(7)
    weight, bias = rng.normal(size=(5, width)), rng.normal(size=5)
    if kind == TEXTS:
        weight, bias = 20 * weight / np.linalg.norm(weight, axis=1, keepdims=True), np.full(5, -3.0)
    names = tuple(np.array(NAMES)[order])
    return GivenClassifier(
        kind, weight[order].astype("f4"), bias[order].astype("f4"), activation, names, "made up"
    )


def by_hand(classifier, features):
    """The classifier's logits in float64, from the features of a model without it."""
    features = features.astype(float)
    if classifier.kind == TEXTS:
        features = features / np.linalg.norm(features, axis=1, keepdims=True)
    return features @ classifier.weight.T.astype(float) + classifier.bias


@pytest.fixture(scope="module", params=list(families.FAMILIES))
def body(request):
    return families.make(request.param, num_classes=0)


@pytest.mark.parametrize("kind", [PROBE, TEXTS])
def test_metrics_are_those_of_whole_passes_with_the_classifier_by_hand(body, kind):
    classifier, images = given(kind), families.pictures(body)
    model, labels = with_classifier(body, classifier), np.array([1, 4])
    self_check(model, images)
    assert why_inexact(model, images) == ""
    traced = trace(model, images)
    before, _ = oracles.naive_pass(body, images, 0, 0, 0)
    expected = by_hand(classifier, before)
    np.testing.assert_allclose(traced.output, expected, atol=1e-5 * np.ptp(expected))
    p = oracles.softmax(expected)
    found = leave_one_out(model, traced, torch.from_numpy(labels))[:2, 0]
    for layer, head in ((0, 2), (2, 1)):
        after, _ = oracles.naive_pass(body, images, layer, head, 1)
        q = oracles.softmax(by_hand(classifier, after))
        lost = p[[0, 1], labels] - q[[0, 1], labels]
        apart = [oracles.jensenshannon(one, other, base=2) ** 2
                 for one, other in zip(p, q, strict=True)]  # fmt: skip
        np.testing.assert_allclose(found[:, :, layer, head], [lost, apart], atol=1e-5)
    gradient = gradient_importance(model, images, traced, torch.from_numpy(labels))
    assert np.isfinite(gradient).all()
    assert gradient.max() > 0


def test_a_gradient_is_that_of_a_small_step():
    body = families.make("vit", num_classes=0)
    model, images = with_classifier(body, given(TEXTS)), families.pictures(body)
    found = gradient_importance(model, images, trace(model, images), torch.tensor([1, 4]))[0]

    def loss(mask):
        hook = body.sites[1].attention.attn_drop.register_forward_hook(
            lambda _m, _i, a: torch.cat([a[:, :1], a[:, 1:2] * mask, a[:, 2:]], 1)
        )
        with oracles.unfused(body, lambda _layer, a: a), torch.inference_mode():
            logits = by_hand(given(TEXTS), body.module(images).numpy())
        hook.remove()
        return logsumexp(logits, axis=1) - logits[[0, 1], [1, 4]]

    expected = abs(loss(1.01) - loss(0.99)) / 0.02
    np.testing.assert_allclose(found[:, 1, 1], expected, rtol=5e-3)


def test_siglip_takes_each_text_by_itself():
    body = families.make("siglip", num_classes=0)
    images = families.pictures(body)
    model = with_classifier(body, given(TEXTS, "sigmoid"))
    with torch.inference_mode():
        features = body.module(images).numpy()
    expected = expit(by_hand(given(TEXTS), features))
    np.testing.assert_allclose(trace(model, images).probability, expected, atol=1e-6)
    assert model.kind.is_multilabel


def test_texts_in_another_order_give_the_same_in_that_order():
    body = families.make("clip", num_classes=0)
    images, order = families.pictures(body), np.array([3, 0, 4, 2, 1])
    one, other = (with_classifier(body, given(TEXTS, order=o)) for o in (slice(None), order))
    a, b = trace(one, images), trace(other, images)
    np.testing.assert_allclose(a.probability[:, order], b.probability, atol=1e-6)
    assert [one.class_names[i] for i in order] == list(other.class_names)
    labels = torch.tensor([3, 4])
    moved = torch.from_numpy(np.argsort(order))[labels]
    np.testing.assert_allclose(
        leave_one_out(one, a, labels), leave_one_out(other, b, moved), atol=1e-6
    )


def test_clip_with_its_projection_takes_texts_of_the_size_of_what_it_puts_out():
    clip = families.make("clip", num_classes=16)
    images = families.pictures(clip)
    model = with_classifier(clip, given(TEXTS, width=16))
    with torch.inference_mode():
        expected = by_hand(given(TEXTS, width=16), clip.module(images).numpy())
    np.testing.assert_allclose(trace(model, images).output, expected, atol=1e-4)
    assert model.shortcuts.tail
    with pytest.raises(ModelError, match="puts out 16 numbers an image, and the texts are for 24"):
        with_classifier(clip, given(TEXTS))


def test_a_model_that_does_not_pool_its_tokens_is_refused():
    body = families.make("vit", num_classes=0, global_pool="")
    with pytest.raises(ModelError, match="17 × 24 numbers an image, expected one row"):
        with_classifier(body, given(PROBE))


def blobs(count=40, classes=4, width=6, seed=0):
    """Features of overlapping classes, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    return rng.normal(size=(classes, width))[labels] + 0.8 * rng.normal(size=(count, width)), labels


def solved(features, targets, penalty):
    """Weights and bias of a ridge regression by its normal equations, the bias not penalised."""
    ones = np.hstack([features, np.ones((len(features), 1))])
    free = np.diag([penalty] * features.shape[1] + [0])
    found = np.linalg.solve(ones.T @ ones + free, ones.T @ targets)
    return found[:-1], found[-1]


@pytest.mark.parametrize("width", [6, 70])
def test_leave_one_out_is_that_of_as_many_refits(width):
    features, labels = blobs(width=width)
    found, targets = fit_ridge(features, labels, 4), np.eye(4)[labels]
    weight, bias = solved(features, targets, found.penalty)
    np.testing.assert_allclose(found.weight, found.scale * weight.T, atol=1e-8)
    np.testing.assert_allclose(found.bias, found.scale * bias, atol=1e-8)
    for image in range(40):
        others = np.arange(40) != image
        weight, bias = solved(features[others], targets[others], found.penalty)
        expected = found.scale * (features[image] @ weight + bias)
        np.testing.assert_allclose(found.left_out[image], expected, atol=1e-8)


def test_the_penalty_has_the_least_error_of_the_refits():
    features, labels = blobs()
    targets = np.eye(4)[labels]
    scatter = ((features - features.mean(0)) ** 2).sum()

    def error(penalty):
        total = 0
        for image in range(40):
            others = np.arange(40) != image
            weight, bias = solved(features[others], targets[others], penalty)
            total += ((features[image] @ weight + bias - targets[image]) ** 2).sum()
        return total

    errors = [error(one * scatter) for one in PENALTIES]
    found = fit_ridge(features, labels, 4)
    assert found.penalty == pytest.approx(PENALTIES[np.argmin(errors)] * scatter)
    assert 0 < np.argmin(errors) < len(PENALTIES) - 1


def test_the_scale_has_the_least_cross_entropy_left_out():
    features, labels = blobs()
    found = fit_ridge(features, labels, 4)

    def entropy(factor):
        logits = factor * found.left_out
        return (logsumexp(logits, axis=1) - logits[np.arange(40), labels]).sum()

    assert entropy(1) < min(entropy(0.98), entropy(1.02))


def test_a_probe_of_features_apart_is_right_and_sure_and_of_equal_features_is_not():
    labels = np.arange(12) % 3
    apart = fit_ridge(10.0 * np.eye(3)[labels], labels, 3)
    assert (apart.left_out.argmax(1) == labels).all()
    assert oracles.softmax(apart.left_out).max(1).min() > 0.99
    same = fit_ridge(np.ones((12, 5)), labels, 3)
    np.testing.assert_allclose(same.weight, 0, atol=1e-9)
    assert np.isfinite(same.left_out).all()


def test_flipped_labels_flip_the_probe():
    features, labels = blobs(classes=2)
    one, other = fit_ridge(features, labels, 2), fit_ridge(features, 1 - labels, 2)
    np.testing.assert_allclose(one.weight, other.weight[::-1], atol=1e-8)
    np.testing.assert_allclose(one.left_out, other.left_out[:, ::-1], atol=1e-8)
