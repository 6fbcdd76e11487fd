"""A ViT inside a module that puts out a map, against whole passes through timm's own attention."""

import copy

import numpy as np
import pytest
import timm
import torch
from scipy.spatial.distance import jensenshannon
from torch import nn

import headbrush
from headbrush.analysis.measures.importance import leave_one_out, map_change
from headbrush.analysis.model.capture import self_check
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import wrap_model
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.schema import METRICS, OUTPUT_MAP
from headbrush.server.stores.answer import answer_words
from headbrush.server.stores.store_data import StoreData

TINY = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 3, "num_heads": 3}


class Segmenter(nn.Module):
    """A linear segmenter on two depths of a ViT, which returns a dict."""

    def __init__(self, classes=4):
        super().__init__()
        self.backbone = nn.Module()
        self.backbone.vit = timm.create_model("vit_tiny_patch16_224", num_classes=0, **TINY)
        self.head = nn.Conv2d(48, classes, 1)

    def forward(self, images):
        """Logits of each pixel."""
        found = self.backbone.vit.forward_intermediates(
            images, indices=[1, 2], intermediates_only=True
        )
        coarse = self.head(torch.cat(found, 1))
        return {"out": nn.functional.interpolate(coarse, scale_factor=2, mode="bilinear")}


def segmenter(**changed):
    """One with random weights and visible biases."""
    torch.manual_seed(0)
    made = Segmenter(**changed).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return made


def full_pass(made, blocks, images, layer=-1, head=0):
    """What a module returns with a head of timm's own unfused attention at zero."""
    hooks = []
    for place, block in enumerate(blocks):
        block.attn.fused_attn = False

        def zeroed(_m, _i, a, place=place):
            a = a.clone()
            if place == layer:
                a[:, head] = 0
            return a

        hooks.append(block.attn.attn_drop.register_forward_hook(zeroed))
    with torch.inference_mode():
        found = made(images)
    for hook in hooks:
        hook.remove()
    return found


def change_of_map(before, after, sigmoid=False):
    """Mean over the places by SciPy, ``(B,)``."""
    bits = []
    for one, other in zip(before.double(), after.double(), strict=True):
        p, q = (
            torch.cat([1 - x.sigmoid(), x.sigmoid()]) if sigmoid else x.softmax(0)
            for x in (one, other)
        )
        pairs = zip(p.flatten(1).T, q.flatten(1).T, strict=True)
        bits.append(np.mean([jensenshannon(a, b, base=2) ** 2 for a, b in pairs]))
    return bits


INSIDE = {"vit": "backbone.vit"}
SIGMOID = {**INSIDE, "outputs": "sigmoid"}
IMAGES = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("classes", [4, 1])
def test_the_change_of_the_map_is_that_of_whole_passes(classes):
    made = segmenter(classes=classes)
    model = wrap_model(copy.deepcopy(made), name="seg", device="cpu", vit="backbone.vit")
    assert (model.num_classes, model.kind.is_map, model.kind.width) == (0, True, classes)
    assert model.geometry.grid_height == 4
    self_check(model, IMAGES)
    traced = trace(model, IMAGES)
    found = map_change(model, traced)[0]
    blocks = made.backbone.vit.blocks
    before = full_pass(made, blocks, IMAGES)["out"]
    for layer in range(3):
        for head in range(3):
            after = full_pass(made, blocks, IMAGES, layer, head)["out"]
            expected = change_of_map(before, after, sigmoid=classes == 1)
            np.testing.assert_allclose(found[:, layer, head], expected, atol=1e-5)
    assert np.isnan(leave_one_out(model, traced, None)[:2]).all()


class Backbone(nn.Module):
    """timm's own wrapper of features, and a segmentation head."""

    def __init__(self):
        super().__init__()
        self.net = timm.create_model(
            "vit_tiny_patch16_224", features_only=True, out_indices=(0, 2), **TINY
        )
        self.head = nn.Conv2d(48, 3, 1)

    def forward(self, images):
        """Logits of each patch."""
        return self.head(torch.cat(self.net(images), 1))


def test_timms_wrapper_of_features_is_as_exact():
    torch.manual_seed(0)
    made = Backbone().eval()
    model = wrap_model(copy.deepcopy(made), name="timm", device="cpu", vit="net")
    self_check(model, IMAGES)
    found = map_change(model, trace(model, IMAGES))[0]
    blocks = made.net.model.blocks
    before = full_pass(made, blocks, IMAGES)
    after = full_pass(made, blocks, IMAGES, 1, 2)
    np.testing.assert_allclose(found[:, 1, 2], change_of_map(before, after), atol=1e-5)


class Detector(nn.Module):
    """Queries beside a ViT that attend to its patches: boxes, and logits of each query."""

    def __init__(self):
        super().__init__()
        self.vit = timm.create_model("vit_tiny_patch16_224", num_classes=0, **TINY)
        self.queries = nn.Parameter(torch.randn(1, 5, 24))
        self.attend = nn.MultiheadAttention(24, 3, batch_first=True)
        self.classes, self.boxes = nn.Linear(24, 4), nn.Linear(24, 4)

    def forward(self, images):
        """As DETR returns it."""
        tokens = self.vit.forward_features(images)
        found, _ = self.attend(self.queries.expand(len(images), -1, -1), tokens, tokens)
        return {"pred_logits": self.classes(found), "pred_boxes": self.boxes(found)}


def test_a_detector_is_measured_by_what_a_function_makes_of_its_output():
    torch.manual_seed(0)
    made = Detector().eval()
    model = wrap_model(
        copy.deepcopy(made), name="det", device="cpu", vit="vit",
        output=lambda found: found["pred_logits"].transpose(1, 2)[..., None],
    )  # fmt: skip
    assert model.geometry.num_layers == 3  # not the attention of the queries
    self_check(model, IMAGES)
    found = map_change(model, trace(model, IMAGES))[0]
    before, after = (
        full_pass(made, made.vit.blocks, IMAGES, *pruned)["pred_logits"].transpose(1, 2)
        for pruned in ((), (2, 0))
    )
    np.testing.assert_allclose(found[:, 2, 0], change_of_map(before, after), atol=1e-5)


def test_logits_that_a_function_makes_are_classes_as_usual():
    model = wrap_model(
        segmenter(), device="cpu", vit="backbone.vit",
        output=lambda found: found["out"].mean((2, 3)),
    )  # fmt: skip
    assert (model.num_classes, model.kind.is_map) == (4, False)
    self_check(model, IMAGES)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"vit": "backbone.vti"}, "no part 'backbone.vti'.*backbone.vit"),
        ({**INSIDE, "output": lambda found: found["out"][0, 0]}, "a row of scores an image"),
        ({**INSIDE, "output": lambda found: found["out"].flatten(2)}, "4 × 64 numbers"),
        ({**SIGMOID, "output": lambda found: found["out"].softmax(1)}, "ends with softmax"),
        ({**INSIDE, "probe": True}, "leave out vit="),
        ({"vit": 3}, "expected the path of a part"),
        ({"output": "logits"}, "expected a function"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(options, reason, tmp_path):
    images = [(torch.randn(3, 32, 32), 0), (torch.randn(3, 32, 32), 1)]
    with pytest.raises(InputError, match=reason) as caught:
        headbrush.analyze(segmenter(), images, tmp_path / "s", quiet=True, **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "s").exists()


def test_a_store_has_the_metric_and_pages_say_what_it_is(tmp_path):
    generator = torch.Generator().manual_seed(2)
    images = [(torch.randn(3, 32, 32, generator=generator), number % 2) for number in range(6)]
    store = headbrush.analyze(
        segmenter(), images, tmp_path / "s.headbrush", vit="backbone.vit", quiet=True
    )
    assert store.read("metric").tolist() == [*METRICS, OUTPUT_MAP]
    values = store.read("importance")[-1]
    assert np.isfinite(values).all()
    assert values.min() >= 0
    assert "the model puts out a map" in store.attrs["missing"]
    data = StoreData(store)
    assert data.first.metric == OUTPUT_MAP
    assert "puts out a map" in data.why_undefined("jsd")
    assert "changes the output map" in answer_words(data, OUTPUT_MAP, np.ones(6, bool))
    assert "--probe" not in data.no_prediction
