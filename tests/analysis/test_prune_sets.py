"""Sets of pruned heads against full passes through timm's own unfused attention."""

from functools import reduce

import numpy as np
import pytest
import torch

from headbrush.analysis.measures.gradient import gradient_importance
from headbrush.analysis.measures.importance import leave_one_out, partial_pruning
from headbrush.analysis.model.capture import self_check
from headbrush.analysis.model.pruning.modes import MODES, PRUNING_MODES
from headbrush.analysis.model.pruning.prune_set import NOTHING, PrunedPart, PruneSet
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.store.errors import InputError
from tests.analysis import families, oracles


def drawn(model, rng, whole):
    """A random set of any size, and its parts as tuples."""
    heads = [(layer, head) for layer in range(3) for head in range(model.geometry.num_heads)]
    size = int(rng.integers(1, len(heads) + 1))
    chosen = [heads[i] for i in rng.permutation(len(heads))[:size]]
    modes = np.ones(size, int) if whole else rng.choice(PRUNING_MODES, size)
    parts = [(*place, int(mode)) for place, mode in zip(chosen, modes, strict=True)]
    return PruneSet(tuple(PrunedPart(*part) for part in parts)), parts


@pytest.mark.parametrize("family", families.FAMILIES)
def test_everything_under_a_set_is_that_of_full_passes(family):
    model, rng = families.make(family), np.random.default_rng(3)
    images = families.pictures(model)
    for number in range(6):
        pruned, parts = drawn(model, rng, whole=number < 3)
        traced = trace(model, images, pruned)
        expected = oracles.naive_set_pass(model, images, parts)
        torch.testing.assert_close(traced.output, expected, rtol=0, atol=1e-5)
    head, mode = int(rng.integers(3)), int(rng.choice([1, 2, 3, 4]))
    self_check(model, images, pruned)
    found = leave_one_out(model, traced, torch.tensor([1, 4]), [mode])[0, 0]
    before = expected.softmax(-1)
    for layer in range(3):
        after = oracles.naive_set_pass(model, images, [*parts, (layer, head, mode)]).softmax(-1)
        lost = (before - after)[[0, 1], [1, 4]]
        np.testing.assert_allclose(found[:, layer, head], lost, atol=1e-5)


def test_on_top_of_a_set_partial_pruning_is_leave_one_out_and_the_gradient_is_its_slope():
    model = families.make("eva02 clip")
    image = families.pictures(model, 1)
    traced = trace(model, image, PruneSet.parse("0.0,1.1:3,2.2:4"))
    expected = leave_one_out(model, traced, torch.tensor([3]), list(MODES))[:, :, 0]
    for layer, head in ((0, 1), (1, 1), (2, 2)):
        found = partial_pruning(model, traced, layer, head, 3)
        np.testing.assert_allclose(found.metrics, expected[:, :, layer, head], atol=1e-6)
    np.testing.assert_allclose(expected[0, :, 0, 0], 0, atol=1e-7)
    slope = gradient_importance(model, image, traced, torch.tensor([3]))[0, 0]
    assert slope[0, 0] == 0
    assert (np.delete(slope.ravel(), 0) > 0).all()


def test_the_empty_set_changes_no_bit():
    model = families.make("deit, distilled")
    images = families.pictures(model)
    plain, empty = trace(model, images), trace(model, images, NOTHING)
    assert torch.equal(plain.output, model.outputs(images))
    assert torch.equal(plain.output, empty.output)
    for one, other in zip(plain.layers, empty.layers, strict=True):
        assert torch.equal(one.head_output, other.head_output)
        assert one.attention().equal(other.call.weights())


def test_text_and_set_are_the_same_thing():
    parts = [(3, 4, 1), (0, 11, 1), (5, 1, 6), (2, 0, 7)]
    pruned = PruneSet(tuple(PrunedPart(*part) for part in parts))
    assert str(pruned) == "0.11,2.0:7,3.4,5.1:6"
    assert PruneSet.parse(str(pruned)) == pruned
    assert PruneSet.parse(" 5.1:6, 3.4:whole,2.0:7,0.11:1,") == pruned
    assert PruneSet.parse("") == NOTHING
    assert not NOTHING
    assert pruned.layers == (0, 2, 3, 5)
    assert PruneSet.parse("1.0:2,1.0:4") == PruneSet.parse("1.0:6")
    every = (PruneSet.parse(f"1.0:{mode}") for mode in (2, 3, 4))
    assert reduce(PruneSet.__or__, every) == PruneSet.of_heads([(1, 0)])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2", "'2' is not a head; expected LAYER.HEAD"),
        ("1.2.3", "'1.2.3' is not a head"),
        ("-1.0", "'-1.0' is not a head"),
        ("1.0;2.0", "'1.0;2.0' is not a head"),
        ("1.0:0", "pruning mode '0'; expected whole, or 1 to 7."),
        ("1.0:half", "pruning mode 'half'"),
        ("³.0", "is not a head"),
        ("9" * 200_000, "200000 characters"),
    ],
)
def test_a_wrong_text_is_refused_in_one_line(text, words):
    with pytest.raises(InputError, match=words.replace(".", r"\.")) as error:
        PruneSet.parse(text)
    assert len(str(error.value)) < 200


def test_a_head_that_the_model_does_not_have_is_refused():
    model = families.make("vit")
    with pytest.raises(InputError, match=r"head 3\.0 is not in this model: layers are 0 to 2"):
        trace(model, families.pictures(model), PruneSet.parse("1.0,3.0"))
    with pytest.raises(InputError, match="pruning mode 8"):
        PruneSet((PrunedPart(0, 0, 8),))
