"""Interactions of pairs: full passes with both gone, and models whose answer is known."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import wrap_model
from headbrush.analysis.prune.interactions.groups import group_pairs
from headbrush.analysis.prune.interactions.pairs import head_pairs
from tests.analysis import families, oracles, own_modules

HEADS, LAYERS = 3, 3
CLASSES = torch.tensor([2, 4])


@pytest.fixture(params=list(families.FAMILIES))
def family(request):
    return families.make(request.param)


def logits_without(model, images, heads):
    pruned = [(*divmod(head, HEADS), 1) for head in heads]
    logits = oracles.naive_set_pass(model, images, pruned).double().numpy()
    return logits - logits.mean(-1, keepdims=True)


def by_full_passes(model, images, groups):
    """Effects, ι on the class, its length and the effects' lengths of groups, one pass a set."""
    before, count = logits_without(model, images, ()), len(groups)
    lost = [before - logits_without(model, images, group) for group in groups]
    rows = np.arange(len(images))
    iota, length, norms = np.zeros((3, len(images), count, count))
    for a, b in itertools.combinations(range(count), 2):
        both = before - logits_without(model, images, (*groups[a], *groups[b]))
        vector = both - lost[a] - lost[b]
        iota[:, a, b] = iota[:, b, a] = vector[rows, CLASSES]
        length[:, a, b] = length[:, b, a] = np.linalg.norm(vector, axis=1)
        both = np.linalg.norm(lost[a], axis=1) + np.linalg.norm(lost[b], axis=1)
        norms[:, a, b] = norms[:, b, a] = both
    effect = np.stack([one[rows, CLASSES] for one in lost], 1)
    return effect, iota, length, norms, np.ptp(before, axis=1).min()


def assert_same(found, expected):
    effect, iota, length, norms, span = expected
    np.testing.assert_allclose(found.effect, effect, atol=1e-5 * span)
    np.testing.assert_allclose(found.iota, iota, atol=1e-5 * span)
    np.testing.assert_allclose(found.size.numpy() * norms, length, atol=1e-5 * span)
    np.testing.assert_array_equal(found.iota, found.iota.transpose(1, 2))
    assert not found.iota.diagonal(dim1=1, dim2=2).any()


def of_all(count):
    return [(head,) for head in range(count)]


def test_pairs_are_those_of_full_passes_in_every_family(family):
    images = families.pictures(family)
    shares = []
    found = head_pairs(family, trace(family, images), CLASSES, shares.append)
    assert_same(found, by_full_passes(family, images, of_all(LAYERS * HEADS)))
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_pairs_of_groups_are_those_of_full_passes_in_every_family(family):
    images, groups = families.pictures(family), [(0, 1, 2), (4,), (3, 8), (5, 6)]
    shares = []
    found = group_pairs(family, trace(family, images), CLASSES, groups, shares.append)
    assert_same(found, by_full_passes(family, images, groups))
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize("wrapper", ["normalised", "with an own last step"])
def test_pairs_of_a_users_own_module_are_those_of_full_passes(wrapper):
    vit = own_modules.tiny()
    module = {
        "normalised": nn.Sequential(own_modules.Normalize(), vit),
        "with an own last step": own_modules.Calls(vit, lambda output: 2 * output.tanh()),
    }[wrapper]
    model = wrap_model(module, name=wrapper, device="cpu")
    assert not model.shortcuts.tail
    images = families.pictures(model)
    traced, groups = trace(model, images), [(0, 1, 2), (4,), (3, 8)]
    found = head_pairs(model, traced, CLASSES)
    assert_same(found, by_full_passes(model, images, of_all(LAYERS * HEADS)))
    found = group_pairs(model, traced, CLASSES, groups)
    assert_same(found, by_full_passes(model, images, groups))


def writing_alike(last):
    """Heads 0 and 1 of the first layer each add 1 to what the first class reads; no other does."""
    module = families.make("vit").module
    with torch.no_grad():
        for block in module.blocks:
            block.mlp.fc2.weight.zero_()
            block.mlp.fc2.bias.zero_()
            for part in (block.attn.qkv.weight, block.attn.proj.weight, block.attn.proj.bias):
                part.zero_()
            block.attn.qkv.bias.fill_(1)  # so A·V of each head is 1 everywhere
        module.blocks[0].attn.proj.weight[0, :16] = 1 / 8
        for tokens in (module.cls_token, module.pos_embed):
            tokens[..., 0] = 0
        module.norm = last
        module.head.weight.zero_()
        module.head.weight[0, 0] = 1
    model = wrap_model(module, name="alike", device="cpu")
    images = families.pictures(model)
    return head_pairs(model, trace(model, images), torch.zeros(2, dtype=torch.long))


def test_heads_that_write_alike_stand_in_for_each_other_where_more_changes_nothing():
    found = writing_alike(nn.Hardtanh())
    expected = np.zeros((9, 9))
    expected[0, 1] = expected[1, 0] = 0.8  # 1, less the mean over five classes
    np.testing.assert_allclose(found.effect, 0, atol=1e-6)
    np.testing.assert_allclose(found.iota, np.stack([expected] * 2), atol=1e-6)


def test_heads_that_add_do_not_interact():
    found = writing_alike(nn.Identity())
    np.testing.assert_allclose(found.effect[:, :2], 0.8, atol=1e-6)
    np.testing.assert_allclose(found.iota, 0, atol=1e-6)
    np.testing.assert_allclose(found.size, 0, atol=1e-6)


def test_a_head_that_only_passes_on_what_another_wrote_overlaps_with_it():
    """Without norms and MLPs, and with even attention: what both lose is the way through both."""
    module = families.make("vit").module
    with torch.no_grad():
        module.norm = nn.Identity()
        for block in module.blocks:
            block.norm1 = nn.Identity()
            block.mlp.fc2.weight.zero_()
            block.mlp.fc2.bias.zero_()
            block.attn.qkv.weight[:48].zero_()
            block.attn.qkv.bias[:48].zero_()
        module.blocks[2].attn.proj.weight.zero_()
    model = wrap_model(module, name="linear", device="cpu")
    images = families.pictures(model)
    traced = trace(model, images)
    found = head_pairs(model, traced, CLASSES)
    first, second = (block.attn for block in module.blocks[:2])
    read = module.head.weight - module.head.weight.mean(0)
    for a, b in itertools.product(range(HEADS), repeat=2):
        mine, its = slice(8 * a, 8 * a + 8), slice(48 + 8 * b, 56 + 8 * b)
        said = traced.layers[0].head_output[:, a, 0] @ first.proj.weight[:, mine].T
        said = said @ second.qkv.weight[its].T @ second.proj.weight[:, 8 * b : 8 * b + 8].T
        way = (said @ read.T)[[0, 1], CLASSES]
        np.testing.assert_allclose(found.iota[:, a, HEADS + b], -way.detach(), atol=1e-5)
