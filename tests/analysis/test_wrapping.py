"""Modules that users bring: analyzed exactly, whatever is around and inside, or refused truly."""

import numpy as np
import pytest
import torch
from torch import nn

from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.model.capture import self_check
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import wrap_model
from headbrush.analysis.store.errors import ModelError
from tests.analysis import families, own_modules, whole_passes
from tests.analysis.own_modules import ADAPTED, WRAPPED, Calls, Holds, Normalize, tiny


def wrapped(module, **options):
    return wrap_model(module, device="cpu", **options)


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_a_wrapped_model_is_analyzed_as_the_one_inside(wrapping):
    inside = wrapped(tiny())
    model = wrapped(WRAPPED[wrapping](tiny()))
    images = families.pictures(inside)
    self_check(model, images)
    one, other = trace(inside, images), trace(model, images)
    torch.testing.assert_close(other.probability, one.probability, rtol=0, atol=1e-6)
    found = leave_one_out(model, other, None)
    np.testing.assert_allclose(found, leave_one_out(inside, one, None), rtol=0, atol=2e-6)
    assert model.geometry == inside.geometry


@pytest.mark.parametrize("kind", ADAPTED)
def test_an_adapted_model_is_analyzed_as_it_computes(kind):
    model = wrapped(ADAPTED[kind]())
    images = families.pictures(model)
    self_check(model, images)
    traced = trace(model, images)
    found = leave_one_out(model, traced, None)[:, 0]
    for layer in range(len(model.sites)):
        for head in (0, 2):
            expected = whole_passes.metrics(model, images, layer, head)
            measured = found[:, :, layer, head]
            np.testing.assert_allclose(measured, expected, rtol=1e-4, atol=2e-6)


def test_a_head_counts_by_its_width_not_by_what_the_model_says():
    module = tiny()
    module.head = nn.Linear(24, 2)
    assert module.num_classes == 5
    model = wrapped(module)
    assert (model.num_classes, model.kind.activation) == (2, "softmax")


@pytest.mark.parametrize(
    "make",
    [
        lambda: tiny(num_classes=0),
        lambda: own_modules.changed(lambda m: setattr(m, "head", nn.Identity())),
        lambda: own_modules.changed(lambda m: setattr(m, "head", nn.Sequential())),
        lambda: own_modules.changed(lambda m: setattr(m, "head", nn.Dropout())),
        lambda: own_modules.changed(lambda m: m.reset_classifier(0)),
        lambda: own_modules.changed(lambda m: m.reset_classifier(0, "avg")),
        lambda: own_modules.changed(lambda m: m.reset_classifier(0, "")),
        lambda: nn.DataParallel(tiny(num_classes=0)),
        lambda: nn.Sequential(Normalize(), tiny(num_classes=0)),
        lambda: tiny("vit_base_patch16_siglip_224", num_classes=0),
    ],
)
def test_features_are_no_classes(make):
    model = wrapped(make())
    images = families.pictures(model)
    self_check(model, images)
    found = leave_one_out(model, trace(model, images), None)
    assert model.num_classes == 0
    assert np.isnan(found[:2]).all()
    assert np.isfinite(found[3]).all()


def test_what_normalizes_itself_gets_pictures_from_0_to_1():
    vit = tiny()
    model = wrapped(nn.Sequential(Normalize(), vit))
    own = wrapped(vit)
    assert (model.mean, model.std) == ((0.0,) * 3, (1.0,) * 3)
    assert "from 0 to 1" in model.notes[0]
    pictures = torch.rand(2, 3, 32, 32)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (own_modules.MEAN, own_modules.STD))
    found = trace(model, pictures).probability
    torch.testing.assert_close(found, trace(own, (pictures - mean) / std).probability)


@pytest.mark.parametrize(
    "before", [nn.Upsample((32, 32)), nn.Conv2d(3, 3, 1), nn.Tanh(), Normalize(255.0)]
)
def test_what_changes_pictures_otherwise_needs_a_transform(before):
    module = nn.Sequential(before, tiny())
    if not isinstance(before, nn.Upsample):
        with pytest.raises(ModelError, match="give transform="):
            wrapped(module)
    self_check(wrapped(module, transform=lambda _picture: None), torch.rand(2, 3, 32, 32))


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "mixed"])
def test_other_number_formats_are_analyzed_in_float32(kind):
    module = tiny()
    module = module.blocks.half() and module if kind == "mixed" else module.to(getattr(torch, kind))
    exact = wrapped(own_modules.copy.deepcopy(module).float())
    model = wrapped(module)
    images = families.pictures(model)
    torch.testing.assert_close(trace(model, images).output, trace(exact, images).output)
    assert "analyzed in float32" in model.notes[0]


def _broken(value):
    module = tiny()
    with torch.no_grad():
        module.blocks[1].mlp.fc1.weight[0, 0] = value
    return module


def _shared():
    module = tiny()
    module.blocks[2] = module.blocks[0]
    return module


def _meta():
    with torch.device("meta"):
        return tiny()


def _quantized():
    return torch.ao.quantization.quantize_dynamic(tiny(), {nn.Linear}, dtype=torch.qint8)


def _with_fewer_heads():
    module = tiny()
    module.blocks[1] = tiny(num_heads=2).blocks[1]
    return module


class FullyShardedDataParallel(Holds):
    """Stands for torch's, which needs a process group."""


REFUSED = {
    "None": (lambda: None, "of type NoneType"),
    "a number": (lambda: 3, "of type int"),
    "a class": (lambda: type(tiny()), "the class VisionTransformer;"),
    "a state dict": (lambda: tiny().state_dict(), "a state dict"),
    "a list": (lambda: [tiny(), tiny()], "a list of 2 models"),
    "a function": (lambda: tiny().forward_features, "of type method"),
    "a trainer": (lambda: own_modules.types.SimpleNamespace(model=tiny()), "found at `.model`"),
    "TorchScript": (lambda: torch.jit.script(nn.Linear(2, 2)), "TorchScript"),
    "exported": (
        lambda: torch.export.export(tiny(), (torch.rand(1, 3, 32, 32),)), "exported program",
    ),
    "FSDP": (lambda: FullyShardedDataParallel(inner=tiny()), "sharded over processes"),
    "meta": (_meta, "meta device"),
    "lazy": (lambda: nn.Sequential(tiny(), nn.LazyLinear(3)), "has no size yet"),
    "NaN": (lambda: _broken(float("nan")), "hold NaN or infinity.*blocks.1.mlp.fc1.weight"),
    "infinite": (lambda: _broken(float("inf")), "hold NaN or infinity"),
    "no forward, two members": (
        lambda: Holds(backbone=tiny(num_classes=0), head=nn.Linear(24, 2)),
        "found: `.backbone`, `.head`",
    ),
    "no forward, no member": (lambda: Holds(), "no member with weights"),
    "a tuple": (lambda: Calls(tiny(), lambda o: (o, o)), "returns a tuple of 2"),
    "a dict": (lambda: Calls(tiny(), lambda o: {"a": o, "b": o}), "a dict with a, b"),
    "nothing": (lambda: Calls(tiny(), lambda _o: None), "returns nothing"),
    "one row for all": (lambda: Calls(tiny(), lambda o: o[:1]), "a row of scores"),
    "always random": (
        lambda: Calls(tiny(), lambda o: nn.functional.dropout(o, 0.5)), "different outputs",
    ),
    "statistics over the batch": (
        lambda: Calls(tiny(), lambda o: o - o.mean(0)), "another output alone than beside",
    ),
    "dynamic quantization": (_quantized, "another output alone than beside"),
    "other numbers of heads": (_with_fewer_heads, "different numbers of heads .2, 3."),
    "shared layers": (_shared, "layers 0 and 2 share one attention module"),
    "prompts behind": (lambda: own_modules.prompted(in_front=False), "behind or between"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_what_cannot_be_analyzed_is_refused_in_one_true_sentence(kind):
    make, reason = REFUSED[kind]
    with pytest.raises(ModelError, match=reason) as refused:
        wrapped(make())
    assert "\n" not in str(refused.value)
