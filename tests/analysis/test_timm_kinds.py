"""ViT-like models of timm, one of each kind that is apart: exact, or refused in one true sentence.

``benchmarks/models/timm_sweep.py`` tries them all.
"""

import numpy as np
import pytest
import timm
import torch
from torch import nn

from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.model.capture import self_check
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import wrap_model
from headbrush.analysis.store.errors import ModelError
from tests.analysis import families, whole_passes
from tests.analysis.own_modules import Calls, changed, tiny

WIDTH = {"embed_dim": 48, "depth": 2, "num_heads": 3, "img_size": 64}
SMALL = WIDTH | {"patch_size": 16, "num_classes": 5}
ANALYZED = {
    "aimv2_1b_patch14_224": SMALL,
    "beit3_base_patch16_224": SMALL,
    "deepseek_vit_412m": SMALL,
    "naflexvit_base_patch16_gap": SMALL,
    "naflexvit_base_patch16_map": SMALL,
    "naflexvit_base_patch16_par_gap": SMALL,
    "qwen3_vit_88m": SMALL,
    "qwen3_vit_88m_enc": WIDTH,
    "vit_base_patch16_radio_v3": SMALL,
    "vit_tiny_r_s16_p8_224": WIDTH | {"num_classes": 5},
}
REFUSED = {
    "coat_tiny": ({}, "factorized"),
    "convit_tiny": (WIDTH, "by its own softmax"),
    "crossvit_9_240": ({}, "two branches with patches of two sizes"),
    "efficientformer_l1": ({}, "only in its last stages, behind convolutions"),
    "efficientformerv2_s0": ({}, "only in its last stages, behind convolutions"),
    "levit_128s": ({}, "fewer tokens from stage to stage"),
    "pvt_v2_b0": ({}, "pooled keys"),
    "vit_dlittle_patch16_reg1_gap_256": (SMALL, "DiffAttention attends 2 times in one layer"),
    "vit_pwee_patch16_reg1_gap_256": (SMALL, "not one separate module inside each block"),
    "visformer_tiny": ({}, "fewer tokens from stage to stage"),
    "volo_d1_224": ({}, "outlook attention"),
}
KNOWN = set(timm.list_models())


@pytest.mark.parametrize("name", ANALYZED)
def test_what_attends_over_all_tokens_is_analyzed_exactly(name):
    if name not in KNOWN:
        pytest.skip("this version of timm does not have it")
    torch.manual_seed(0)
    model = wrap_model(timm.create_model(name, **ANALYZED[name]), name=name, device="cpu")
    images = families.pictures(model)
    self_check(model, images)
    found = leave_one_out(model, trace(model, images), None)[:, 0]
    for layer in (0, 1):
        expected = whole_passes.metrics(model, images, layer, 1)
        np.testing.assert_allclose(found[:, :, layer, 1], expected, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("name", REFUSED)
def test_what_attends_otherwise_is_refused_in_one_true_sentence(name):
    if name not in KNOWN:
        pytest.skip("this version of timm does not have it")
    arguments, reason = REFUSED[name]
    with pytest.raises(ModelError, match=reason) as refused:
        wrap_model(timm.create_model(name, **arguments), name=name, device="cpu")
    assert "\n" not in str(refused.value)


def test_patches_in_another_order_are_refused():
    def turned(module):
        module.patch_embed.register_forward_hook(lambda _m, _i, tokens: tokens.flip(1))

    with pytest.raises(ModelError, match="not the patches row by row"):
        wrap_model(changed(turned), device="cpu")


def test_an_empty_container_changes_nothing():
    plain = wrap_model(tiny(), device="cpu")
    model = wrap_model(nn.Sequential(nn.Sequential(), Calls(tiny())), device="cpu")
    images = families.pictures(model)
    torch.testing.assert_close(trace(model, images).output, trace(plain, images).output)
