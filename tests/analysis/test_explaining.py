"""Whole explanations, planted sinks, and their words."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from headbrush.analysis.explain.explaining import explain
from headbrush.analysis.explain.sinks import outlying_tokens, sinks_of
from headbrush.analysis.explain.words import (
    BROADCASTS,
    IDLE,
    MAPS,
    MIXED,
    NONE,
    faithful_words,
    sink_words,
)
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


NO_NORMS = "No token enters any of the 2 layers with a high norm."


@pytest.mark.parametrize(
    ("kinds", "outliers", "said"),
    [
        ([0] * 6, (0, 0), f"{NO_NORMS} None of the 6 heads has a sink in this image."),
        ([IDLE, *[0] * 5], (0, 4), "Tokens of high norm enter layer 1. 1 of 6 heads has a sink in "
         "this image: 1 does nothing with it."),
        ([0, BROADCASTS, BROADCASTS, MIXED, 0, 0], (1, 2), "Tokens of high norm enter layers 0, 1. "
         "3 of 6 heads have a sink in this image: 2 broadcast it, 1 uses it otherwise."),
        ([IDLE] * 2 + [MIXED] * 4, (0, 0), f"{NO_NORMS} 6 of 6 heads have a sink in this image: "
         "2 do nothing with it, 4 use it otherwise."),
    ],
)  # fmt: skip
def test_sinks_are_told_by_their_kinds_and_no_others(kinds, outliers, said):
    assert sink_words(np.reshape(kinds, (2, 3)), np.array(outliers)) == said


@pytest.mark.parametrize(
    ("deletion", "insertion", "said"),
    [
        ((0.1, 0.1), (0.9, 0.9), "both ways: each map."),
        ((0.1, 0.3), (0.9, 0.9), "both ways: only logit lens."),
        ((0.2, 0.2), (0.9, 0.9), "No map is better than all 2 random orders both ways."),  # as good
        ((0.1, 0.1), (0.6, 0.5), "No map is better"),
        ((0.1, np.nan), (0.9, np.nan), "both ways: the map."),
        ((np.nan, np.nan), (np.nan, np.nan), ""),
    ],
)
def test_a_map_is_called_better_than_chance_only_beyond_every_random_order(
    deletion, insertion, said
):
    found = SimpleNamespace(
        maps=np.where(np.isnan(deletion), np.nan, 0.0)[:, None],
        deletion=np.array(deletion),
        insertion=np.array(insertion),
        random_deletion=np.array([0.2, 0.4]),
        random_insertion=np.array([0.5, 0.6]),
    )
    told = faithful_words(found, ["lens", "ablation"])
    assert said in told
    assert bool(told) == bool(said)
