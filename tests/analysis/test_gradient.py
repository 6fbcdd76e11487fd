"""Gradient importance against the change of the loss under a slightly lowered mask."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from headbrush.analysis.measures.gradient import gradient_importance
from headbrush.analysis.model.pruning.modes import PRUNING_MODES
from headbrush.analysis.model.tracing import trace
from tests.analysis import families, oracles

LABELS = torch.tensor([1, 4])
_STEP = 1e-5


def loss(model, images, layer, head, mode, mask):
    """Cross-entropy of each image with a mode's regions of one head scaled by ``mask``."""
    prefix = model.geometry.num_prefix_tokens

    def change(index, attention):
        if index != layer:
            return attention
        kept = oracles.zero(attention, head, mode, prefix)
        return kept + mask * (attention - kept)

    with oracles.unfused(model, change), torch.inference_mode():
        return F.cross_entropy(model.module(images), LABELS, reduction="none").numpy()


@pytest.mark.parametrize("family", ["vit", "deit, distilled", "dinov3", "siglip", "eva02 clip"])
def test_it_is_the_slope_of_the_loss_by_the_mask(family):
    model = families.make(family)
    model.module.double()
    images = families.pictures(model).double()
    modes = [1, 3, 4]
    found = gradient_importance(model, images, trace(model, images), LABELS, modes)
    assert found.shape == (3, 2, 3, 3)
    for position, mode in enumerate(modes):
        for layer, head in ((0, 1), (2, 2)):
            above = loss(model, images, layer, head, mode, 1 + _STEP)
            below = loss(model, images, layer, head, mode, 1 - _STEP)
            slope = np.abs(above - below) / (2 * _STEP)
            np.testing.assert_allclose(found[position, :, layer, head], slope, rtol=1e-3, atol=1e-6)


def test_batches_larger_than_one_backward_pass_give_the_same():
    model = families.make("vit")
    images = families.pictures(model, 6)
    traced = trace(model, images)
    found = gradient_importance(model, images, traced, None, PRUNING_MODES)
    for row in range(6):
        one = images[row : row + 1]
        alone = gradient_importance(model, one, trace(model, one), None, PRUNING_MODES)
        np.testing.assert_allclose(found[:, row : row + 1], alone, rtol=1e-4, atol=1e-6)


def test_a_headless_model_has_none():
    model = families.make("vit", num_classes=0)
    images = families.pictures(model)
    assert np.isnan(gradient_importance(model, images, trace(model, images), None)).all()
