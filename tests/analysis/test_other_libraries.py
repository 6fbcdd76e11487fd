"""ViTs whose parts are cut as in transformers: exact, with their own size, token and class names.

Tokens are given by name, what modules return has several values, embeddings are a module of their
own, and, as in its version 4, the projection of the heads is not in the module that attends.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.model.capture import self_check
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import wrap_model
from tests.analysis import whole_passes

WIDTH, HEADS = 24, 3


class Attends(nn.Module):
    """Queries, keys and values, without a projection behind; returns two values."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def forward(self, hidden_states, output_attentions=False):
        q, k, v = (
            part(hidden_states).unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2), output_attentions


class Attention(nn.Module):
    """Attends, then projects."""

    def __init__(self):
        super().__init__()
        self.attention, self.dense = Attends(), nn.Linear(WIDTH, WIDTH)

    def forward(self, hidden_states, output_attentions=False):
        mixed, weights = self.attention(hidden_states, output_attentions)
        return self.dense(mixed), weights


class Layer(nn.Module):
    """A block; returns a tuple of one."""

    def __init__(self):
        super().__init__()
        self.attention, self.norm, self.mlp = Attention(), nn.LayerNorm(WIDTH), nn.Linear(24, 24)

    def forward(self, hidden_states, head_mask=None):
        mixed, _ = self.attention(hidden_states=self.norm(hidden_states), output_attentions=False)
        hidden_states = hidden_states + mixed
        return (hidden_states + self.mlp(hidden_states).tanh(), head_mask)


class Embeddings(nn.Module):
    """Class token and patches."""

    def __init__(self):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.patches = nn.Conv2d(3, WIDTH, 8, 8)

    def forward(self, pixel_values):
        patches = self.patches(pixel_values).flatten(2).transpose(1, 2)
        return torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], 1)


class Backbone(nn.Module):
    """A model without a classifier."""

    def __init__(self):
        super().__init__()
        self.config = SimpleNamespace(image_size=32)
        self.embeddings = Embeddings()
        self.layers = nn.ModuleList(Layer() for _ in range(3))
        self.pooler = nn.Linear(WIDTH, WIDTH)

    def forward(self, pixel_values):
        hidden_states = self.embeddings(pixel_values)
        for layer in self.layers:
            hidden_states, _ = layer(hidden_states=hidden_states, head_mask=None)
        pooled = self.pooler(hidden_states[:, 0])
        return {"last_hidden_state": hidden_states, "pooler_output": pooled}


class Classifies(nn.Module):
    """A classifier behind it."""

    def __init__(self, names=("LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3")):
        super().__init__()
        self.config = SimpleNamespace(id2label=dict(enumerate(names)))
        self.vit, self.classifier = Backbone(), nn.Linear(WIDTH, 4)

    def forward(self, pixel_values):
        pooled = self.vit(pixel_values)["pooler_output"]
        return SimpleNamespace(logits=self.classifier(pooled), pooler_output=pooled)


class Embeds(nn.Module):
    """A projection behind it, as CLIP's into the space of texts."""

    def __init__(self):
        super().__init__()
        self.vision_model, self.projection = Backbone(), nn.Linear(WIDTH, 7)

    def forward(self, pixel_values):
        outputs = self.vision_model(pixel_values)
        return outputs | {"image_embeds": self.projection(outputs["pooler_output"])}


@pytest.fixture(params=[Classifies, Backbone, Embeds])
def model(request):
    return wrap_model(noisy(request.param()), device="cpu")


def noisy(module):
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return module


@pytest.fixture
def images():
    return torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def test_metrics_are_those_of_whole_passes(model, images):
    self_check(model, images)
    found = leave_one_out(model, trace(model, images), None)[:, 0]
    for layer in range(3):
        expected = whole_passes.metrics(model, images, layer, 1)
        np.testing.assert_allclose(found[:, :, layer, 1], expected, rtol=1e-4, atol=2e-6)


def test_z_is_behind_the_projection(model, images):
    traced = trace(model, images)
    for site, record in zip(model.sites, traced.layers, strict=True):
        assert isinstance(site.attention, Attention)
        mixed = record.head_output.transpose(1, 2).flatten(2)
        torch.testing.assert_close(record.output, site.attention.dense(mixed))


def test_its_own_size_and_class_token_are_found(model):
    assert model.input_size == (3, 32, 32)
    geometry = model.geometry
    assert (geometry.num_prefix_tokens, geometry.has_class_token) == (1, True)
    assert (geometry.grid_height, geometry.grid_width) == (4, 4)


def test_features_are_no_classes(model):
    assert model.num_classes == (4 if isinstance(model.module, Classifies) else 0)


def test_class_names_of_its_own_are_used():
    assert wrap_model(Classifies(), device="cpu").class_names == ()
    own = ("cat", "dog", "fox", "owl")
    assert wrap_model(Classifies(own), device="cpu").class_names == own
