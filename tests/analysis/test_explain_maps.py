"""Maps, ablation and faithfulness against plain implementations of the papers' equations."""

import numpy as np
import pytest
import torch

from headbrush.analysis.explain import maps
from headbrush.analysis.explain.ablation import (
    can_delete,
    outputs_masked,
    outputs_without,
    patch_ablation,
)
from headbrush.analysis.explain.faithfulness import STEPS, faithfulness
from headbrush.analysis.model.tracing import trace
from tests.analysis import families, oracles

CLASS = 3


def one(family):
    """A model of the family, and the trace of one picture."""
    model = families.make(family)
    return model, trace(model, families.pictures(model, 1))


@pytest.fixture(scope="module")
def vit():
    return one("vit")


def test_what_is_moved_is_the_size_of_the_vector(vit):
    model, traced = vit
    found = maps.moved(model, traced, 1)
    record, weight = traced.layers[1], model.module.blocks[1].attn.proj.weight
    for head, source, target in ((0, 0, 3), (2, 5, 16)):
        value = record.call.value[0, head, target]
        vector = record.attention()[0, head, source, target] * (
            weight[:, 8 * head : 8 * head + 8] @ value
        )
        np.testing.assert_allclose(found[head, source, target], vector.norm().item(), rtol=1e-5)


def test_rollout_is_the_product_of_the_paper(vit):
    model, traced = vit
    attention = oracles.naive_attention(model, families.pictures(model, 1))[:, 0].double().numpy()
    same = np.eye(17)
    whole = np.linalg.multi_dot([0.5 * a.mean(0) + 0.5 * same for a in attention[::-1]])
    np.testing.assert_allclose(maps.rollout(model, traced), whole[0], atol=1e-6)
    heads = torch.zeros(3, 3, dtype=torch.bool)
    heads[1, 2] = heads[2, 0] = True
    some = (0.5 * attention[2, 0] + 0.5 * same) @ (0.5 * attention[1, 2] + 0.5 * same)
    np.testing.assert_allclose(maps.rollout(model, traced, heads), some[0], atol=1e-6)


def test_generic_attention_is_that_of_the_paper(vit):
    model, traced = vit
    images = families.pictures(model, 1)
    attention = oracles.naive_attention(model, images)
    model.module.double()
    slopes = torch.zeros(3, 3, 17, 17, dtype=torch.double)
    with torch.no_grad():
        for layer in range(3):
            for head in range(3):
                slopes[layer, head] = _slope(model, images.double(), layer, head)
    model.module.float()
    relevance = torch.eye(17, dtype=torch.double)
    for layer in range(3):
        relevance = (
            relevance + (attention[layer, 0] * slopes[layer]).clamp(min=0).mean(0) @ relevance
        )
    found = maps.generic_attention(model, traced, CLASS)
    np.testing.assert_allclose(found, relevance[0], atol=1e-5)


def _slope(model, images, layer, head):
    """Derivative of the logit by one head's A, by a full pass with timm's A as a variable."""
    change = torch.zeros(1, 3, 17, 17, dtype=torch.double)
    with torch.enable_grad():
        change.requires_grad_(True)
        masked = torch.zeros(3, dtype=torch.double)
        masked[head] = 1
        with oracles.unfused(
            model, lambda at, a: a + masked[:, None, None] * change if at == layer else a
        ):
            logit = model.module(images)[0, CLASS]
        (slope,) = torch.autograd.grad(logit, change)
    return slope[0, head]


@pytest.mark.parametrize("family", ["vit", "vit, averaged patches", "siglip"])
def test_the_lens_reads_each_token_in_place_of_all(family):
    model, traced = one(family)
    module = model.module
    with torch.no_grad():
        states = module.norm(traced.layers[-1].block_output)[0]
        for token in (1, 9):
            alone = states[token].expand(1, model.geometry.num_prefix_tokens + 1, -1)
            expected = module.forward_head(alone)[0, CLASS]
            np.testing.assert_allclose(
                maps.logit_lens(model, traced, CLASS)[token], expected, atol=1e-5
            )


@pytest.mark.parametrize(
    "family",
    ["vit", "vit, averaged patches", "deit, distilled", "deit3", "dinov2 with registers", "siglip"],
)
def test_a_removed_patch_is_as_if_its_token_were_deleted(family):
    model, traced = one(family)
    module, prefix = model.module, model.geometry.num_prefix_tokens
    removed = np.random.default_rng(0).random((5, model.geometry.num_patches)) < 0.4
    removed[0] = False
    assert can_delete(model, traced.images)
    found = outputs_without(model, traced.images, removed)
    masked = outputs_masked(model, traced.images, removed)
    torch.testing.assert_close(masked, found, atol=1e-5, rtol=0)
    for row, gone in enumerate(removed):
        kept = np.r_[np.arange(prefix), prefix + np.flatnonzero(~gone)]
        with torch.no_grad():
            states = traced.layers[0].block_input[:, kept]
            for block in module.blocks:
                states = block(states)
            expected = module.forward_head(module.norm(states))[0]
        torch.testing.assert_close(found[row], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", ["beit", "rotary", "relative position", "eva02 clip"])
def test_nothing_removed_changes_nothing_and_something_does(family):
    model, traced = one(family)
    assert not can_delete(model, traced.images)
    removed = np.zeros((2, model.geometry.num_patches), bool)
    removed[1, 4:] = True
    found = outputs_without(model, traced.images, removed)
    torch.testing.assert_close(found[0], traced.output[0], atol=1e-5, rtol=0)
    assert not torch.allclose(found[1], traced.output[0], atol=1e-4)


def test_ablation_becomes_finer_and_ends_with_what_single_patches_do(vit):
    model, traced = vit
    steps = list(patch_ablation(model, traced.images, CLASS))
    assert [step.is_done for step in steps] == [*[False] * (len(steps) - 1), True]
    assert (steps[0].tile == 16).all()  # all patches are not removed
    assert np.isfinite(steps[0].effect).all()
    last = steps[-1]
    whole = traced.output[0, CLASS]
    single = np.argwhere(last.tile == 1)
    assert len(single)
    for row, column in single:
        removed = np.zeros((1, 16), bool)
        removed[0, 4 * row + column] = True
        lost = whole - outputs_without(model, traced.images, removed)[0, CLASS]
        np.testing.assert_allclose(last.effect[row, column], lost, atol=1e-5)


@pytest.mark.parametrize("side", [1, 2])
def test_tiles_of_one_size_are_not_divided(vit, side):
    model, traced = vit
    *_, last = patch_ablation(model, traced.images, CLASS, side)
    assert last.is_done
    assert (last.tile == side**2).all()
    for row in range(0, 4, side):
        removed = np.zeros((4, 4), bool)
        removed[row : row + side, :side] = True
        without = outputs_without(model, traced.images, removed.reshape(1, -1))[0, CLASS]
        lost = traced.output[0, CLASS] - without
        np.testing.assert_allclose(last.effect[row : row + side, :side], lost / side**2, atol=1e-5)


def test_faithfulness_is_the_mean_probability_of_each_step(vit):
    model, traced = vit
    values = np.random.default_rng(2).random(16)
    found = faithfulness(model, traced.images, CLASS, [values, -values])
    order = sorted(range(16), key=lambda patch: -values[patch])
    for name, gone in (
        ("deletion", [order[: -(-16 * step // 10)] for step in range(STEPS)]),
        ("insertion", [order[-(-16 * step // 10) :] for step in range(1, STEPS + 1)]),
    ):
        chances = []
        for patches in gone:
            removed = np.zeros((1, 16), bool)
            removed[0, patches] = True
            chances.append(outputs_without(model, traced.images, removed).softmax(1)[0, CLASS])
        np.testing.assert_allclose(getattr(found, name)[0], np.mean(chances), atol=1e-6)
    assert found.random_deletion.shape == (5,)
    assert np.ptp(found.random_deletion) > 0
