"""Whole explanations, planted sinks, and their words."""

import numpy as np
import pytest
import torch

from headbrush.analysis.explain.explaining import explain
from headbrush.analysis.explain.sinks import outlying_tokens, sinks_of
from headbrush.analysis.explain.words import BROADCASTS, IDLE, MAPS, NONE, sink_words
from headbrush.analysis.model.modules.attention_calls import AttentionCall
from headbrush.analysis.model.tracing import trace
from tests.analysis import families, oracles


@pytest.mark.parametrize("family", ["vit", "eva02 clip", "siglip"])
def test_an_explanation_holds_every_map_and_the_effect_of_every_head(family):
    model = families.make(family)
    traced = trace(model, families.pictures(model, 1))
    found = explain(model, traced, 3, list(MAPS))
    exists = np.array([kind != "moves" or family != "eva02 clip" for kind in MAPS])
    np.testing.assert_array_equal(np.isfinite(found.maps).all(1), exists)
    np.testing.assert_array_equal(found.absent == "", exists)
    assert np.isfinite(found.deletion[exists]).all()
    logit = model.module(families.pictures(model, 1))[0, 3].detach()
    np.testing.assert_allclose(found.says.sum() + found.parts.sum(), logit, atol=1e-5)
    np.testing.assert_allclose(found.logit, logit, atol=1e-6)
    for layer, head in ((0, 1), (2, 2)):
        after, _ = oracles.naive_pass(model, families.pictures(model, 1), layer, head, 1)
        np.testing.assert_allclose(found.total[layer, head], logit - after[0, 3], atol=1e-5)


def planted(kind, draw, tokens=50, width=16):
    """A call with one head whose token 0 is a sink of a kind, or without a sink."""
    query, key, value = (draw.standard_normal((tokens, width)) for _ in range(3))
    if kind != NONE:
        direction = draw.standard_normal(width)
        direction /= np.linalg.norm(direction)
        query += 8 * direction
        key[0] += draw.uniform(4, 8) * direction
    if kind == IDLE:
        value[0] *= 0.01
    if kind == BROADCASTS:
        value[0] *= 10
    return AttentionCall(*(torch.tensor(one[None, None]).float() for one in (query, key, value)))


@pytest.mark.parametrize("kind", [NONE, IDLE, BROADCASTS])
def test_planted_sinks_are_recognised(kind):
    draw = np.random.default_rng(kind)
    for _ in range(40):
        found = sinks_of(planted(kind, draw))
        assert found.kind.item() == kind
        if kind != NONE:
            assert found.token.item() == 0


def test_a_token_of_high_norm_is_found_where_it_is_planted():
    model = families.make("vit")
    traced = trace(model, families.pictures(model, 2))
    assert not outlying_tokens(traced)[:, :, 1:].any()
    with torch.inference_mode():
        traced.layers[1].block_input[0, 7] *= 30
    found = outlying_tokens(traced)
    assert found[0, 1, 7]
    assert found[:, :, 1:].sum() == 1


def test_sinks_are_told_in_words():
    sinks = np.zeros((2, 3), np.int8)
    assert sink_words(sinks, np.zeros(2, int)) == "No tokens of high norm. No head has a sink."
    sinks[0, 1] = IDLE
    sinks[1] = BROADCASTS
    assert sink_words(sinks, np.array([0, 4])) == (
        "Tokens of high norm enter layer 1. Sinks in 4 of 6 heads: 1 do nothing, 3 broadcast."
    )
