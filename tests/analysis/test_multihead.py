"""Models that attend by torch.nn.MultiheadAttention, as those of torchvision and open_clip do.

The oracle is torch's own forward pass: a head is pruned where the columns of ``out_proj`` that read
it are zero, and its attention is what torch returns with ``need_weights``.
"""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import VisionTransformer

from headbrush.analysis.measures.gradient import gradient_importance
from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.model.capture import self_check
from headbrush.analysis.model.modules.borrowing import borrowed
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import wrap_model
from headbrush.analysis.store.errors import ModelError

WIDTH, HEADS = 24, 4


class Block(nn.Module):
    """open_clip's block; ``attend`` calls its attention."""

    def __init__(self, attend, **options):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.attn = nn.MultiheadAttention(WIDTH, HEADS, **({"batch_first": True} | options))
        self.mlp = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.GELU())
        self.attend = attend

    def forward(self, tokens):
        tokens = tokens + self.attend(self.attn, self.norm(tokens))
        return tokens + self.mlp(tokens)


class OwnViT(nn.Module):
    """A ViT as people write one, with the class token in front."""

    def __init__(self, encoder):
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, 8, 8)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.position = nn.Parameter(torch.zeros(1, 17, WIDTH))
        self.encoder = encoder
        self.fc = nn.Linear(WIDTH, 5)
        self.image_size = 32

    def forward(self, pictures):
        patches = self.patches(pictures).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], 1)
        return self.fc(self.encoder(tokens + self.position)[:, 0])


def without_weights(attention, tokens):
    return attention(tokens, tokens, tokens, need_weights=False)[0]


def with_weights(attention, tokens):
    return attention(tokens, tokens, tokens)[0]


def blocks(attend=without_weights, **options):
    return OwnViT(nn.Sequential(*(Block(attend, **options) for _ in range(3))))


def layers(**options):
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 48, batch_first=True, **options)
    return OwnViT(nn.TransformerEncoder(layer, 3, enable_nested_tensor=False))


MAKE = {
    "torchvision": lambda: VisionTransformer(32, 8, 3, HEADS, WIDTH, 48, num_classes=5),
    "torchvision, a single layer": lambda: VisionTransformer(
        32, 8, 1, HEADS, WIDTH, 48, num_classes=5
    ),
    "without weights": blocks,
    "weights that nobody reads": lambda: blocks(with_weights),
    "without biases": lambda: blocks(bias=False),
    "TransformerEncoder, norm behind": layers,
    "TransformerEncoder, norm in front": lambda: layers(norm_first=True, activation="gelu"),
}


def noisy(module):
    """The module with weights that make every part matter, in evaluation mode."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.3 * torch.randn_like(parameter))
    return module.eval()


def attentions(module):
    return [part for part in module.modules() if isinstance(part, nn.MultiheadAttention)]


@torch.no_grad()
def without_head(module, images, layer, head):
    """Probabilities of a copy in which nothing reads a head."""
    pruned = copy.deepcopy(module)
    size = WIDTH // HEADS
    attentions(pruned)[layer].out_proj.weight[:, head * size : (head + 1) * size] = 0
    return pruned(images).softmax(-1)


@pytest.fixture(params=MAKE)
def module(request):
    return noisy(MAKE[request.param]())


@pytest.fixture
def images():
    return torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def test_importance_is_that_of_torchs_own_pass_without_the_head(module, images):
    with torch.no_grad():
        before = module(images).softmax(-1)
    chosen = before.argmax(-1)
    expected = {
        (layer, head): without_head(module, images, layer, head)
        for layer in range(len(attentions(module)))
        for head in (0, 3)
    }
    model = wrap_model(module, device="cpu")
    self_check(model, images)
    traced = trace(model, images)
    torch.testing.assert_close(traced.probability, before, rtol=0, atol=1e-6)
    found = leave_one_out(model, traced, None)[0, 0]
    for (layer, head), after in expected.items():
        lost = (before - after).gather(1, chosen[:, None])[:, 0]
        assert lost.abs().max() > 1e-5
        np.testing.assert_allclose(found[:, layer, head], lost, atol=1e-6)


@torch.no_grad()
def test_attention_is_what_torch_returns(module, images):
    seen = []
    hooks = [
        part.register_forward_pre_hook(lambda _m, args: seen.append(args[0]))
        for part in attentions(module)
    ]
    with torch.enable_grad():  # without its fused step, which calls no hooks
        module.requires_grad_(True)(images)
    for hook in hooks:
        hook.remove()
    expected = [
        part(tokens, tokens, tokens, average_attn_weights=False)[1]
        for part, tokens in zip(attentions(module), seen, strict=True)
    ]
    traced = trace(wrap_model(module, device="cpu"), images)
    for record, attention in zip(traced.layers, expected, strict=True):
        torch.testing.assert_close(record.attention(), attention, rtol=0, atol=5e-6)


def test_geometry_is_found(module):
    geometry = wrap_model(module, device="cpu").geometry
    assert geometry.num_heads == HEADS
    assert geometry.num_layers == len(attentions(module))
    assert (geometry.num_prefix_tokens, geometry.has_class_token) == (1, True)
    assert (geometry.grid_height, geometry.grid_width) == (4, 4)


def test_the_gradient_is_that_of_the_probability_without_a_part_of_the_head(module, images):
    with torch.no_grad():
        before = module(images).softmax(-1)
    label = before.argmax(-1)
    step = 1e-2
    size = WIDTH // HEADS

    @torch.no_grad()
    def loss(mask):
        changed = copy.deepcopy(module)
        attentions(changed)[0].out_proj.weight[:, :size] *= mask
        return -changed(images).log_softmax(-1).gather(1, label[:, None])[:, 0]

    slope = abs(loss(1 + step) - loss(1 - step)) / (2 * step)
    model = wrap_model(module, device="cpu")
    found = gradient_importance(model, images, trace(model, images), None)[0, :, 0, 0]
    np.testing.assert_allclose(found, slope, rtol=0.02, atol=1e-4)


def test_it_comes_back_with_its_own_attention():
    module = noisy(layers())
    before = [dict(vars(part)) for part in module.modules()]
    with borrowed(module):
        wrap_model(module, device="cpu")
    after = [vars(part) for part in module.modules()]
    assert [list(one) for one in before] == [list(other) for other in after]
    assert module.encoder.layers[0].activation_relu_or_gelu


def test_features_of_torchvision_are_no_classes():
    module = noisy(MAKE["torchvision"]())
    module.heads = nn.Identity()
    assert wrap_model(module, device="cpu").num_classes == 0


def _masked(attention, tokens):
    mask = torch.zeros(tokens.shape[1], tokens.shape[1], dtype=torch.bool)
    return attention(tokens, tokens, tokens, attn_mask=mask)[0]


def _reads_weights(attention, tokens):
    output, weights = attention(tokens, tokens, tokens)
    return output * weights.mean(1).unsqueeze(-1)


def _tokens_first(attention, tokens):
    tokens = tokens.transpose(0, 1)
    return attention(tokens, tokens, tokens)[0].transpose(0, 1)


REFUSED = {
    "a mask": (lambda: blocks(_masked), "in a form that does not show its heads"),
    "bias_k": (lambda: blocks(add_bias_kv=True), "in a form that does not show its heads"),
    "zeros added": (lambda: blocks(add_zero_attn=True), "in a form that does not show its heads"),
    "weights that are read": (lambda: blocks(_reads_weights), "resuming differs"),
    "tokens first": (
        lambda: blocks(_tokens_first, batch_first=False),
        "tokens before images .batch_first=False.",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_other_forms_are_refused_in_one_true_sentence(kind, images):
    make, reason = REFUSED[kind]
    with pytest.raises(ModelError, match=reason) as refused:
        self_check(wrap_model(noisy(make()), device="cpu"), images)
    assert "\n" not in str(refused.value)
