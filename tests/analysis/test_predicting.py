"""Predictions of many images under a prune set, and their summary, against the plain way."""

from itertools import chain

import numpy as np
import pytest
import torch

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.prune.predicting import conditional_importance
from headbrush.analysis.prune.side_by_side import SideBySide
from headbrush.analysis.prune.summary import RunningEffect, divergence, wilson
from tests.analysis import families, oracles


@pytest.mark.parametrize("family", ["vit", "rotary", "eva02 clip", "siglip"])
@pytest.mark.parametrize(("most_bytes", "copies"), [(0, 1), (9000, 2), (2**20, 1), (2**20, 3)])
def test_a_stream_is_the_full_pass_of_each_image_whatever_is_kept(family, most_bytes, copies):
    model = families.make(family)
    images, loaded = families.pictures(model, 9), []

    def load(places):
        loaded.append(list(places))
        return images[list(places)]

    predictor = SideBySide(model, load, most_bytes, copies)
    for text in ("1.0,2.1", "2.2:4", "", "0.1:3,2.0", "2.0,2.1,2.2", "1.0,2.1"):
        pruned = PruneSet.parse(text)
        found = list(predictor.stream(range(9), pruned))
        assert [len(batch.images) for batch in found] == [1, 4, 4]
        assert np.concatenate([batch.images for batch in found]).tolist() == list(range(9))
        parts = [(part.layer, part.head, part.mode) for part in pruned]
        expected = oracles.naive_set_pass(model, images, parts)
        output = np.concatenate([batch.output for batch in found])
        np.testing.assert_allclose(output, expected, atol=1e-5)
    predictor.close()
    if most_bytes == 2**20 and model.shortcuts.tail:
        assert sorted(chain.from_iterable(loaded)) == list(range(9))


def test_conditional_importance_is_a_difference_of_full_passes():
    model = families.make("vit")
    image = families.pictures(model, 1)
    found = conditional_importance(model, trace(model, image, PruneSet.parse("0.1,2.0:2")), 3)
    parts = [(0, 1, 1), (2, 0, 2)]
    before = oracles.naive_set_pass(model, image, parts).softmax(-1)[0, 3]
    for layer, head in ((0, 0), (1, 2), (2, 0), (2, 1), (0, 1)):
        after = oracles.naive_set_pass(model, image, [*parts, (layer, head, 1)]).softmax(-1)[0, 3]
        assert found[0, layer, head] == pytest.approx(float(before - after), abs=1e-5)
    assert not found[:, 0, 1].any()
    of_two = conditional_importance(
        model, trace(model, image, PruneSet.parse("0.1,2.0:2")), 3, [0, 2]
    )
    np.testing.assert_array_equal(of_two[:, [0, 2]], found[:, [0, 2]])
    assert np.isnan(of_two[:, 1]).all()


def test_a_running_effect_is_counted_by_hand():
    rng = np.random.default_rng(0)
    before, after = rng.dirichlet(np.ones(3), 40), rng.dirichlet(np.ones(3), 40)
    labels = rng.integers(-1, 3, 40)
    running = RunningEffect(before, labels)
    for part in np.array_split(rng.permutation(40), 7):
        running.add(part, after[part])
    known = [i for i in range(40) if labels[i] >= 0]
    right = sum(after[i].argmax() == labels[i] for i in known)
    effect = running.effect
    assert (effect.count, effect.labelled) == (40, len(known))
    assert effect.accuracy == pytest.approx(right / len(known))
    assert sorted(effect.flipped) == [
        i for i in range(40) if before[i].argmax() != after[i].argmax()
    ]
    distances = [
        oracles.jensenshannon(a, b, base=2) ** 2 for a, b in zip(before, after, strict=True)
    ]
    assert effect.jsd == pytest.approx(np.mean(distances))
    low, high = effect.interval
    for bound in (low, high):  # both solve |share − p| = z √(p(1−p)/n)
        error = abs(effect.accuracy - bound) / np.sqrt(bound * (1 - bound) / len(known))
        assert error == pytest.approx(1.96, abs=1e-3)


def test_the_edges_of_an_interval_and_of_a_divergence():
    assert wilson(0, 5)[0] == 0
    assert wilson(5, 5)[1] == 1
    assert np.isnan(wilson(0, 0)).all()
    sure = np.eye(2)
    np.testing.assert_array_equal(divergence(sure, sure[::-1]), [1, 1])
    np.testing.assert_array_equal(divergence(sure, sure), [0, 0])
    assert torch.is_inference_mode_enabled() is False
