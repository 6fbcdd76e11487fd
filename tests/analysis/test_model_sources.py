"""Names and folders of models: what each stands for, or one line with the way on."""

import json
import os
import shutil

import pytest
import timm
import torch
from safetensors.torch import load, load_file, save_file

from headbrush.analysis.model.loading import load_model, load_recipe
from headbrush.analysis.store.errors import ModelError
from tests.models import CLASSES, save_tiny_model

VIT = "vit_tiny_patch16_224"


def refusal(name, **words):
    with pytest.raises(ModelError) as caught:
        load_model(name, device="cpu", **words)
    line = str(caught.value)
    assert line
    assert "\n" not in line
    return line


NAMES = {
    "vit_tiny_patch16_225": "did you mean vit_tiny_patch16_224",
    "ViT_Tiny_Patch16_224": "did you mean vit_tiny_patch16_224?",
    "VIT_TINY_PATCH16_224.augreg_in21k": "did you mean vit_tiny_patch16_224.augreg_in21k?",
    "vit-tiny-patch16-224": "did you mean vit_tiny_patch16_224?",
    "vit_tiny_patch16_224.augreg": "augreg_in21k_ft_in1k",
    "timm/vit_tiny_patch16_224": "hf-hub:timm/vit_tiny_patch16_224, or its name in timm",
    "google/vit-base-patch16-224": "hf-hub:google/vit-base-patch16-224",
    "some/where/else": "no folder of that name",
    "local-dir:none": "no such folder",
    "hf-hub:": "OWNER/MODEL",
    "hf-hub:vit": "OWNER/MODEL",
    "hf_hub:a/b@c@d": "OWNER/MODEL",
    "http://x.org/vit": "no folder of that name",
    "": "empty",
    "   ": "empty",
    "a\0b": "empty",
    "x" * 5000: "no such timm model",
    "vit\x1b[31m": "no such timm model",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_stands_for_nothing_is_answered_with_the_way_on(name):
    line = refusal(name, pretrained=False)
    assert NAMES[name] in line
    assert "\x1b" not in line


def test_blanks_around_a_name_do_not_matter():
    sizes = {"img_size": 16, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2}
    model = load_model(f" {VIT}\n", pretrained=False, device="cpu", **sizes)
    assert model.name == VIT


@pytest.mark.parametrize("written", ["hf-hub:timm/vit", "hf_hub:timm/vit", "HF-HUB:timm/vit"])
def test_models_of_the_hub_are_loaded_by_timm(monkeypatch, written):
    asked = []

    def create(name, pretrained):
        asked.append((name, pretrained))
        return make(VIT, img_size=16, patch_size=4, embed_dim=16, depth=1, num_heads=2)

    make = timm.create_model
    monkeypatch.setattr(timm, "create_model", create)
    model = load_model(written, device="cpu")
    assert asked == [("hf-hub:timm/vit", True)]
    assert model.recipe.name == "hf-hub:timm/vit"
    load_recipe(model.recipe)
    assert asked[0] == asked[1]


class NoAnswer(Exception):
    """As HTTP libraries raise, of no common class."""


def test_whatever_the_hub_raises_is_one_true_line(monkeypatch):
    def offline(*_args, **_words):
        raise NoAnswer("no route to host\nsecond line")

    monkeypatch.setattr(timm, "create_model", offline)
    line = refusal("hf-hub:timm/vit_tiny_patch16_224.augreg_in21k")
    assert "could not be loaded with its published weights (no route to host)" in line


def folder_with(tmp_path, config=None):
    folder = save_tiny_model(tmp_path / "mine")
    if config is not None:
        text = config if isinstance(config, str) else json.dumps(config)
        (folder / "config.json").write_text(text)
    return folder


DATA = {"input_size": [1, 16, 16], "mean": [0.5], "std": [0.5]}
GOOD = {"architecture": VIT, "pretrained_cfg": DATA}
SIZES = {"img_size": 16, "in_chans": 1, "num_classes": 3, "depth": 2, "embed_dim": 16,
         "num_heads": 2, "mlp_ratio": 2, "patch_size": 4}  # fmt: skip
CONFIGS = {
    "no JSON": ("{", "not readable as JSON"),
    "empty": ("", "not readable as JSON"),
    "deep": ("[" * 100_000, "not readable as JSON"),
    "list": ([1], "not timm's configuration"),
    "null": ("null", "not timm's configuration"),
    "no architecture": ({"num_classes": 3}, "names no architecture"),
    "unknown architecture": ({"architecture": "my_vit"}, "'my_vit' is no model of timm"),
    "number": ({"architecture": 3}, "is no model of timm"),
    "transformers": (
        {"model_type": "vit", "architectures": ["ViTForImageClassification"]},
        "model of transformers (ViTForImageClassification)",
    ),
    "transformers, bare": ({"model_type": "dinov2"}, "model of transformers (dinov2)"),
    "OpenCLIP": ({"model_cfg": {}, "preprocess_cfg": {}}, "OpenCLIP"),
    "arguments": (GOOD | {"model_args": [1]}, "should be JSON objects"),
    "endless depth": (GOOD | {"model_args": {"depth": 10**9}}, "number of layers"),
    "endless width": (GOOD | {"model_args": {"embed_dim": 10**12}}, "out of range"),
    "wide": (GOOD | {"model_args": {"embed_dim": 192_000}}, "expected"),
    "large": (GOOD | {"model_args": SIZES | {"img_size": 8192}}, "4194304 patches"),
    "unknown argument": (GOOD | {"model_args": {"colour": 1}}, "timm could not create it"),
    "odd argument": (GOOD | {"model_args": {"num_heads": 0}}, "timm could not create it"),
    "input": (GOOD | {"pretrained_cfg": {"input_size": [1, 10**9, 10**9]}}, "its input_size"),
    "mean": (GOOD | {"pretrained_cfg": {"mean": ["x"]}}, "its mean"),
    "std": (GOOD | {"pretrained_cfg": {"std": [0]}}, "its std"),
    "interpolation": (GOOD | {"pretrained_cfg": {"interpolation": "cubic"}}, "nearest, bilinear"),
    "crop": (GOOD | {"pretrained_cfg": {"crop_mode": []}}, "center, squash or border, found []"),
    "first layer": (GOOD | {"pretrained_cfg": {"first_conv": 3}}, "the name of a layer"),
    "labels": (GOOD | {"label_names": 3}, "its label_names"),
    "patch size": (GOOD | {"model_args": SIZES | {"patch_size": 8}}, "correct patch_size there"),
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_configuration_that_is_not_timms_is_one_line(tmp_path, kind):
    config, expected = CONFIGS[kind]
    line = refusal(str(folder_with(tmp_path, config)))
    assert expected in line


def test_a_folder_of_transformers_timm_wrapper_is_loaded(tmp_path):
    """Its weights are called ``timm_model.…`` and its configuration has timm's own keys too."""
    folder = folder_with(tmp_path)
    file = (folder / "model.safetensors").read_bytes()
    weights = load(file)  # not from the file, which is written again
    weights = {key: value.clone() for key, value in weights.items()}  # the file is written again
    named = {f"timm_model.{key}": value for key, value in weights.items()}
    save_file(named, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "timm_wrapper", "architectures": ["TimmWrapperForImageClassification"]}
    (folder / "config.json").write_text(json.dumps(config))
    model = load_model(str(folder), device="cpu")
    assert model.class_names == CLASSES
    torch.testing.assert_close(dict(model.module.state_dict()), weights)
    assert any("'timm_model.'" in note for note in model.notes)


def test_a_folder_with_backbone_weights_is_headless(tmp_path):
    folder = folder_with(tmp_path)
    weights = load_file(folder / "model.safetensors")
    body = {key: value for key, value in weights.items() if not key.startswith("head.")}
    save_file(body, folder / "model.safetensors")
    model = load_model(str(folder), device="cpu")
    assert (model.num_classes, model.class_names) == (0, ())
    assert any("holds no classifier" in note for note in model.notes)


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "open_clip_pytorch_model.bin", "best.pth", "model-ema.ckpt"]
)
def test_weights_of_another_name_are_found_in_a_folder(tmp_path, name):
    folder = folder_with(tmp_path)
    weights = load_file(folder / "model.safetensors")
    torch.save(weights, folder / name)
    (folder / "model.safetensors").unlink()
    model = load_model(f"local-dir:{folder}", device="cpu")
    torch.testing.assert_close(dict(model.module.state_dict()), weights)


def test_missing_or_several_weights_in_a_folder_are_one_line(tmp_path):
    folder = folder_with(tmp_path)
    weights = folder / "model.safetensors"
    for name in ("a.safetensors", "b.safetensors"):
        shutil.copy(weights, folder / name)
    weights.unlink()
    assert "several files of weights (a.safetensors, b.safetensors)" in refusal(str(folder))
    load_model(str(folder), checkpoint=folder / "b.safetensors", device="cpu")
    assert "for example a.safetensors in it" in refusal(VIT, checkpoint=folder)
    (folder / "config.json").unlink()
    line = refusal(str(folder))
    assert "needs timm's config.json" in line
    assert "--checkpoint" in line
    for name in ("a.safetensors", "b.safetensors"):
        (folder / name).unlink()
    assert "there is none in it" in refusal(VIT, checkpoint=folder)
    (folder / "config.json").write_text(json.dumps(GOOD))
    assert "no weights" in refusal(str(folder))


def test_a_file_given_as_a_model_is_told_from_a_name(tmp_path):
    folder = folder_with(tmp_path)
    line = refusal(str(folder / "model.safetensors"))
    assert "--checkpoint" in line
    (tmp_path / "loop").symlink_to("loop")
    refusal(str(tmp_path / "loop"))
    os.mkfifo(tmp_path / "pipe")
    refusal(str(tmp_path / "pipe"))


def test_a_recipe_finds_the_folder_from_anywhere(tmp_path, monkeypatch):
    folder_with(tmp_path)
    monkeypatch.chdir(tmp_path)
    model = load_model("mine", device="cpu")
    assert model.name == "mine"
    monkeypatch.chdir("/")
    assert load_recipe(model.recipe).checkpoint_sha256 == model.checkpoint_sha256
