"""Smaller checkpoints: loaded by timm alone, they put out what the model without the heads does."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import headbrush
from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.prune.export.exporting import export
from headbrush.analysis.prune.export.shrinking import InexactExport
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store
from tests.analysis import families, oracles
from tests.analysis.analyzed import analyzed

SET = "0.1,1.0,1.1,1.2,2.0"
"""A layer with a pruned head, one without heads, and the last."""
OTHERS = {
    "rotary, mixed": ("vit_small_patch16_rope_mixed_224", families.TINY),
    "shared relative position": ("vit_srelpos_small_patch16_224", families.TINY),
}
REFUSED = {"eva02 clip": "a norm or gate over all heads"}
ALONE = """
import importlib.util, sys, warnings
from pathlib import Path
warnings.simplefilter("error")
for name in ("headbrush", "analysis", "server"):
    sys.modules[name] = None  # cannot be imported
import torch
for folder in map(Path, sys.argv[1:]):
    spec = importlib.util.spec_from_file_location("load_model", folder / "load_model.py")
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    images = torch.load(folder.with_suffix(".images"))
    with torch.no_grad():
        loaded = module.load()(images)
        program = torch.export.load(folder / "model.pt2").module()
        program = torch.cat([program(images[:1]), program(images[1:])])  # any size of a batch
    torch.save([loaded, program], folder.with_suffix(".outputs"))
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder for each family, and beside it what loader and program put out without headbrush."""
    place = tmp_path_factory.mktemp("families")
    for number, family in enumerate(families.FAMILIES):
        if family not in REFUSED:
            model = families.make(family)
            images = families.pictures(model, 5)
            export(model, PruneSet.parse(SET), place / str(number), at(images), 5)
            torch.save(images, place / f"{number}.images")
    folders = [folder for folder in place.iterdir() if folder.is_dir()]
    command = [sys.executable, "-c", ALONE, *map(str, folders)]
    subprocess.run(command, check=True, cwd=place)
    return place


def at(images):
    """Gives some of the images."""
    return lambda places: images[list(places)]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(analyzed(tmp_path_factory.mktemp("export"), depth=3))


def parts(text):
    return [(part.layer, part.head, part.mode) for part in PruneSet.parse(text)]


@pytest.mark.parametrize("family", [name for name in families.FAMILIES if name not in REFUSED])
def test_every_family_is_exported_exactly(exported, family):
    model, number = families.make(family), list(families.FAMILIES).index(family)
    expected = oracles.naive_set_pass(model, families.pictures(model, 5), parts(SET))
    for found in torch.load(exported / f"{number}.outputs"):
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("family", REFUSED)
def test_a_family_of_which_no_smaller_model_is_the_same_is_refused(tmp_path, family):
    model = families.make(family)
    images = families.pictures(model, 5)
    with pytest.raises(InexactExport, match=REFUSED[family]):
        export(model, PruneSet.parse(SET), tmp_path / "s", at(images), 5)
    assert not any(tmp_path.iterdir())


def recorded(family):
    """A model whose module was made with arguments that timm keeps; skips where it does not."""
    model = families.make(family)
    if not hasattr(model.module, "_model_args"):
        pytest.skip("this timm does not keep what a module was made with")
    return model


@pytest.mark.parametrize(
    ("family", "refusal"),
    [("rotary, mixed", "its layers do more than attend"), ("shared relative position", None)],
)
def test_other_positions_are_exact_or_refused_in_words(tmp_path, monkeypatch, family, refusal):
    monkeypatch.setattr(families, "FAMILIES", families.FAMILIES | OTHERS)
    model = recorded(family)
    images = families.pictures(model, 5)
    if refusal:
        with pytest.raises(InexactExport, match=refusal):
            export(model, PruneSet.parse(SET), tmp_path / "s", at(images), 5)
        assert not any(tmp_path.iterdir())
    else:
        proof = export(model, PruneSet.parse(SET), tmp_path / "s", at(images), 5)
        assert proof.largest_difference <= 1e-5


def test_the_command_and_python_export_a_store(store, tmp_path):
    out = tmp_path / "smaller"
    proof = headbrush.export(store, "0.1,2.0,2.1", out)
    assert json.loads((out / "proof.json").read_text())["images"] == proof.images == 12
    assert proof.largest_difference <= 1e-5
    kept = json.loads((out / "heads_kept.json").read_text())
    assert list(kept.values()) == [[0], [0, 1], []]
    weights = load_file(out / "model.safetensors")
    assert proof.parameters[1] == sum(tensor.numel() for tensor in weights.values())
    width = 8  # of a head: 16 / 2; each takes 4 maps of 16, and 3 biases
    assert proof.parameters[0] - proof.parameters[1] == 3 * (4 * 16 + 3) * width
    tokens = 17
    products = 4 * 16 * tokens * width + 2 * tokens * tokens * width
    assert proof.flops[0] - proof.flops[1] == 3 * 2 * products
    assert weights["blocks.2.attn.qkv.weight"].shape == (0, 16)
    with pytest.raises(InputError, match="is there already"):
        headbrush.export(store, "0.1", out)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the prune set is empty"),
        ("0.1:4", r"0\.1:4: only whole heads"),
        ("0.7", r"head 0\.7 is not in this model"),
        ("zero", "is not a head"),
    ],
)
def test_what_cannot_be_exported_is_refused_before_the_model_is_loaded(
    store, tmp_path, monkeypatch, text, message
):
    monkeypatch.setattr("headbrush.analysis.prune.export.exporting.load_stored", pytest.fail)
    with pytest.raises(InputError, match=message):
        headbrush.export(store, text, tmp_path / "smaller")
    with pytest.raises(InputError, match="does not exist"):
        headbrush.export(store, "0.1", tmp_path / "none" / "smaller")
    assert not any(tmp_path.iterdir())


def test_a_smaller_model_that_differs_is_not_written(tmp_path, monkeypatch):
    model = recorded("vit")
    monkeypatch.setattr(
        "headbrush.analysis.prune.export.exporting.heads_kept",
        lambda *_: {f"blocks.{layer}.attn": [0, 2] for layer in range(3)},
    )
    with pytest.raises(InexactExport, match="outputs differ by"):
        export(model, PruneSet.parse("0.1,1.1"), tmp_path / "s", families.pictures, 2)
    assert not any(tmp_path.iterdir())


def test_a_module_that_timm_did_not_make_is_refused(tmp_path):
    model = families.make("vit")
    del model.module.pretrained_cfg
    with pytest.raises(InexactExport, match="not a model of timm"):
        export(model, PruneSet.parse("0.1"), tmp_path / "s", families.pictures, 2)


def test_the_loader_is_short(store, tmp_path):
    headbrush.export(store, "1.0", tmp_path / "s")
    lines = (tmp_path / "s" / "load_model.py").read_text().splitlines()
    own = [line for line in lines if line and not line.startswith(("import ", "from ", '"""'))]
    assert len(own) <= 25
    imports = [line.split()[1].split(".")[0] for line in lines if line not in own and line]
    assert set(imports[1:]) == {"json", "pathlib", "timm", "safetensors", "torch"}
