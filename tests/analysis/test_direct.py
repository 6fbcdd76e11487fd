"""Direct contributions: they sum to the logit, and are those of the equations."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from headbrush.analysis.explain.direct import TOLERANCE, direct_contributions, source_map
from headbrush.analysis.explain.stored import stored_direct, why_inexact
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import wrap_model
from tests.analysis import families

CLASSES = torch.tensor([[0, 1, 4], [4, 2, 1]])


@pytest.fixture(scope="module", params=list(families.FAMILIES))
def explained(request):
    model = families.make(request.param)
    traced = trace(model, families.pictures(model))
    return SimpleNamespace(
        model=model, traced=traced, direct=direct_contributions(model, traced, CLASSES)
    )


def test_the_parts_sum_to_the_logit_in_every_family(explained):
    logits = explained.model.module(families.pictures(explained.model)).detach()
    apart = (explained.direct.total - logits.gather(1, CLASSES).T).abs() / (
        logits.amax(1) - logits.amin(1)
    )
    assert apart.max() <= TOLERANCE
    assert explained.direct.error.max() <= TOLERANCE
    assert explained.direct.head.abs().amax((0, 1)).min() > 0
    assert why_inexact(explained.model, families.pictures(explained.model)) == ""


def test_the_source_tokens_sum_to_their_head(explained):
    for layer in range(3):
        found = source_map(explained.direct, explained.traced, layer, 1, 2).sum(-1)
        torch.testing.assert_close(found, explained.direct.head[2, 1, layer], atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("family", ["vit", "deit3", "dinov2 with registers", "clip"])
def test_a_token_speaks_as_the_equation_says(family):
    """A[0,j]·v_j·W_O·LayerScale·C·g·w_y / σ, each factor written out."""
    model = families.make(family)
    traced = trace(model, families.pictures(model))
    found = direct_contributions(model, traced, CLASSES)
    module, classes = model.module, CLASSES.tolist()
    for layer, row, which in ((0, 0, 1), (2, 1, 2)):
        record, block = traced.layers[layer], module.blocks[layer]
        last = traced.layers[-1].block_output[row, 0].double()
        sigma = (last.var(correction=0) + module.norm.eps).sqrt()
        scale = getattr(block.ls1, "gamma", torch.ones(24)).double()
        classifier = module.head.weight[classes[row][which]].double()
        for head in range(3):
            attention = record.attention()[row, head, 0].double()
            said = []
            for token in range(model.geometry.num_tokens):
                value = record.call.value[row, head, token].double()
                added = block.attn.proj.weight[:, 8 * head : 8 * head + 8].double() @ value
                added = scale * attention[token] * added
                centred = added - added.mean()
                said.append((centred * module.norm.weight.double() / sigma) @ classifier)
            np.testing.assert_allclose(
                source_map(found, traced, layer, row, which)[head], said, atol=1e-6, rtol=1e-3
            )


def test_the_biases_are_those_of_projections_norm_and_classifier():
    model = families.make("vit")
    traced = trace(model, families.pictures(model))
    found = direct_contributions(model, traced, CLASSES)
    head = model.module.head
    with torch.no_grad():
        held = head.bias + (head.weight @ model.module.norm.bias)
    projections = torch.stack([block.attn.proj.bias for block in model.module.blocks]).sum(0)
    last = traced.layers[-1].block_output[:, 0]
    sigma = (last.var(-1, correction=0) + model.module.norm.eps).sqrt()
    centred = (projections - projections.mean()) / sigma[:, None] * model.module.norm.weight
    expected = (held + centred @ head.weight.T).gather(1, CLASSES).T
    torch.testing.assert_close(found.bias, expected.detach(), atol=1e-5, rtol=0)


def small(change):
    """A tiny ViT after ``change``, ready for analysis."""
    module = families.make("vit").module
    change(module)
    return wrap_model(module, name="changed", device="cpu")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m.reset_classifier(0), "no classifier"),
        (lambda m: setattr(m, "head", nn.Sequential(m.head, nn.Softmax(-1))), "ends with softmax"),
        (lambda m: setattr(m, "head", nn.Sequential(m.head, nn.Tanh())), "stands between"),
    ],
)
def test_a_model_whose_logits_are_no_sum_is_refused_with_the_reason(change, reason):
    model = small(change)
    assert reason in why_inexact(model, families.pictures(model))


def test_a_store_keeps_the_true_class_and_the_most_probable_ones():
    model = families.make("siglip")
    traced = trace(model, families.pictures(model, 3))
    labels = torch.tensor([3, -1, 0])
    kept = stored_direct(model, traced, labels)
    order = traced.probability.argsort(-1, descending=True)
    np.testing.assert_array_equal(kept["direct_class"][:, 1:], order)
    np.testing.assert_array_equal(kept["direct_class"][:, 0], [3, order[1, 0], 0])
    again = direct_contributions(model, traced, torch.from_numpy(kept["direct_class"]).long())
    np.testing.assert_allclose(kept["direct"], again.head.movedim(0, -1), atol=1e-6)
