"""Loading: what is known of a model, what is refused and why."""

import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from headbrush.analysis.model.capture import self_check
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.model.wrapping import wrap_model
from headbrush.analysis.store.errors import ModelError
from tests.analysis import families
from tests.models import CLASSES, save_tiny_model

VIT = "vit_tiny_patch16_224"
SIZES = families.TINY


def test_a_folder_in_timms_format_is_loaded_with_its_classes(tmp_path):
    model = load_model(str(save_tiny_model(tmp_path / "model")))
    assert model.class_names == CLASSES
    assert (model.geometry.grid_height, model.geometry.grid_width) == (4, 4)
    assert model.transform(Image.new("RGB", (40, 20))).shape == (1, 16, 16)
    assert len(model.checkpoint_sha256) == 64


def test_geometry_knows_prefix_tokens_and_grid():
    distilled = families.make("deit, distilled").geometry
    assert (distilled.num_prefix_tokens, distilled.has_class_token) == (2, True)
    oblong = families.make("vit, grey, not square").geometry
    assert (oblong.grid_height, oblong.grid_width, oblong.num_tokens) == (4, 6, 25)
    siglip = families.make("siglip").geometry
    assert (siglip.num_prefix_tokens, siglip.has_class_token, siglip.num_layers) == (0, False, 3)


@pytest.mark.parametrize("wrapping", ["plain", "state_dict", "model", "module", "ema"])
def test_checkpoints_come_out_of_their_wrappings(tmp_path, wrapping):
    torch.manual_seed(1)
    weights = timm.create_model(VIT, num_classes=7, in_chans=1).state_dict()
    wrapped = {
        "plain": weights,
        "state_dict": {"state_dict": weights, "epoch": 3},
        "model": {"model": weights},
        "module": {"state_dict": {f"module.{key}": value for key, value in weights.items()}},
        "ema": {"state_dict": {}, "state_dict_ema": weights},
    }[wrapping]
    torch.save(wrapped, tmp_path / "w.pth")
    model = load_model(VIT, checkpoint=tmp_path / "w.pth")
    assert model.num_classes == 7
    torch.testing.assert_close(model.module.head.weight, weights["head.weight"])


def test_position_embeddings_are_resampled(tmp_path):
    weights = timm.create_model(VIT, num_classes=3).state_dict()
    save_file(weights, tmp_path / "w.safetensors")
    model = load_model(VIT, checkpoint=tmp_path / "w.safetensors", img_size=96)
    assert model.geometry.num_patches == 36


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("swinv2_tiny_window8_256", "cosine attention"),
        ("convnext_atto", "no attention call over tokens"),
        ("maxvit_tiny_tf_224", "windowed and grid"),
        ("hiera_tiny_224", "pools tokens"),
        ("cait_xxs24_224", "class token attends in separate layers"),
        ("xcit_nano_12_p16_224", "between channels"),
        ("mobilevit_xxs", "the same places of patches, behind convolutions"),
        ("samvit_base_patch16", "within windows"),
        ("resnet18", "no attention call over tokens"),
    ],
)
def test_what_is_no_plain_vit_is_refused_with_the_reason(name, reason):
    sizes = {"img_size": 256, "embed_dim": 48, "depth": 2, "num_heads": 3}
    smaller = sizes if name.startswith("sam") else {}
    with pytest.raises(ModelError, match=reason):
        load_model(name, pretrained=False, device="cpu", **smaller)


def test_published_weights_out_of_reach_are_one_sentence(monkeypatch):
    def unreachable(*_args, **_kwargs):
        raise OSError("no route to the weights")

    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(ModelError, match="--checkpoint FILE, or --no-pretrained"):
        load_model(VIT)


def test_the_self_check_notices_a_model_that_is_not_the_same_twice():
    model = families.make("vit")
    images = families.pictures(model)
    self_check(model, images)
    # its second layer adds something else each time
    drawn = iter(range(1, 1000))
    norm = model.sites[1].block.norm2
    norm.forward = lambda tokens: tokens * next(drawn)
    with pytest.raises(ModelError, match=r"tracing changes its output|layer . resuming"):
        self_check(model, images)


def test_a_module_of_ones_own_is_wrapped():
    module = timm.create_model(VIT, **SIZES)
    model = wrap_model(module, name="mine", class_names=tuple("abcde"), device="cpu")
    assert model.name == "mine"
    assert model.class_names == tuple("abcde")
    assert not model.module.training
