"""What is assumed of a model is said before the analysis."""

import pytest
from torch import nn
from torchvision.models import VisionTransformer

from headbrush.analysis.model.wrapping import wrap_model
from tests.analysis import own_modules
from tests.analysis.own_modules import Calls, changed, tiny


def notes(module, **options):
    return " ".join(wrap_model(module, device="cpu", **options).notes)


def block_replaced(index, block):
    return changed(lambda module: module.blocks.__setitem__(index, block))


def torchvision(**changes):
    return VisionTransformer(32, 8, 2, 2, 24, 48, **({"num_classes": 5} | changes))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: block_replaced(0, nn.Identity()), "layer 0 is blocks.1.attn"),
        (lambda: block_replaced(1, nn.Linear(24, 24)), "layer 1 is blocks.2.attn"),
        (lambda: block_replaced(2, nn.Identity()), ""),
        (lambda: nn.DataParallel(block_replaced(1, nn.Identity())), "layer 1 is blocks.2.attn"),
        (lambda: Calls(block_replaced(1, nn.Identity())), "layer 1 is model.blocks.2.attn"),
        (lambda: tiny("vit_base_patch16_18x2_224", depth=2), "layer 2 is blocks.1.attns.0.attn"),
        (own_modules.ADAPTED["a block that is a Sequential"], ""),
        (tiny, ""),
        (lambda: tiny(depth=1), ""),
        (lambda: nn.Sequential(tiny(), nn.Linear(5, 3)), ""),
        (torchvision, ""),
    ],
)
def test_a_layer_whose_number_is_not_its_blocks_is_named(make, named):
    said = notes(make())
    assert named in said
    assert ("numbered by their attention modules" in said) == bool(named)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (torchvision, "cropped to 32 × 32, and normalized by ImageNet's mean"),
        (lambda: nn.Sequential(own_modules.Normalize(), torchvision()), "left from 0 to 1"),
        (tiny, ""),
        (lambda: nn.DataParallel(tiny()), ""),
    ],
)
def test_an_assumed_preprocessing_is_said(make, said):
    found = notes(make())
    assert said in found
    assert ("does not say how it takes pictures" in found) == bool(said)


def test_a_given_transform_is_not_assumed():
    assert notes(torchvision(), transform=lambda _picture: None) == ""


def test_a_thousand_outputs_are_taken_for_imagenets():
    assert "ImageNet's classes" in notes(torchvision(num_classes=1000))
    own = tuple(f"class {number}" for number in range(1000))
    assert "ImageNet's classes" not in notes(torchvision(num_classes=1000), class_names=own)
    assert "ImageNet's classes" not in notes(tiny(num_classes=1000))
