"""Weights of any wrapping, prefix, number type or damage: a model with notes, or one line."""

import argparse
import collections
import contextlib
import datetime
import json
import math
import operator
import os
import pathlib
import pickle
import random
import resource
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from headbrush.analysis.model.loading import load_model, load_recipe
from headbrush.analysis.store.atomic_files import file_digest
from headbrush.analysis.store.errors import ModelError
from tests.analysis import families
from tests.analysis.damaged_weights import FORMATS, damage, damaged_copies, outcome, save_sound

VIT = "vit_tiny_patch16_224"
SIZES = {"img_size": 32, "embed_dim": 24, "depth": 2, "num_heads": 2}


def weights_of(name=VIT, seed=1, **changed):
    torch.manual_seed(seed)
    return timm.create_model(name, **(SIZES | {"num_classes": 7} | changed)).state_dict()


WEIGHTS = weights_of()
OTHER = weights_of(seed=2)
BODY = {key: value for key, value in WEIGHTS.items() if not key.startswith("head.")}
OTHER_BODY = {key: value for key, value in OTHER.items() if not key.startswith("head.")}
ONE = torch.zeros(3)


def under(prefix, weights=WEIGHTS):
    return {f"{prefix}{key}": value for key, value in weights.items()}


def in_chunks(weights):
    """As DINOv2 names blocks: ``blocks.CHUNK.NUMBER.``, here one block a chunk."""
    return {
        key.replace("blocks.0.", "blocks.0.0.").replace("blocks.1.", "blocks.1.1."): value
        for key, value in weights.items()
    }


def load(data, tmp_path, name=VIT, **changed):
    path = tmp_path / "w.pth"
    torch.save(data, path)
    return load_model(name, checkpoint=path, device="cpu", **(SIZES | changed))


def refusal(act, *args, **words):
    with pytest.raises(ModelError) as caught:
        act(*args, **words)
    line = str(caught.value)
    assert line
    assert "\n" not in line
    assert len(line) < 700
    assert "weights_only" not in line
    return line


def assert_holds(model, weights):
    own = model.module.state_dict()
    assert own.keys() == weights.keys()
    for key, value in weights.items():
        torch.testing.assert_close(own[key], value, rtol=0, atol=0)


WRAPPED = {
    "state_dict": ({"state_dict": WEIGHTS, "epoch": 3}, "state_dict."),
    "model": ({"model": WEIGHTS}, "model."),
    "model_state": ({"model_state": WEIGHTS}, "model_state."),
    "model_state_dict": ({"model_state_dict": WEIGHTS, "loss": 0.1}, "model_state_dict."),
    "net": ({"net": WEIGHTS}, "net."),
    "network, params": ({"network": {"params": WEIGHTS}}, "network.params."),
    "weights in a list": ({"weights": [WEIGHTS]}, "weights.0."),
    "DataParallel": (under("module."), "module."),
    "compiled": (under("_orig_mod."), "_orig_mod"),
    "DDP and compiled": ({"model": under("module._orig_mod.")}, "model.module."),
    "compiled blocks": (
        {key.replace("blocks.0.", "blocks.0._orig_mod."): value for key, value in WEIGHTS.items()},
        "_orig_mod",
    ),
    "Lightning": (
        {
            "state_dict": under("model.") | {"criterion.weight": ONE},
            "optimizer_states": [{"state": {0: {"exp_avg": ONE}}}],
        },
        "state_dict.model.",
    ),
    "Lightning, vit": ({"state_dict": under("net.vit.")}, "state_dict.net.vit."),
    "transformers' TimmWrapper": (under("timm_model."), "timm_model."),
    "a name of one's own": (under("my.tower."), "my.tower."),
    "encoder with a decoder": (
        under("encoder.") | {"decoder.weight": ONE}, "1 tensor is no part"),
    "chunks": (in_chunks(WEIGHTS), "chunks"),
    "chunks below": ({"teacher": under("backbone.", in_chunks(WEIGHTS))}, "teacher.backbone."),
    "ema": ({"model": OTHER, "model_ema": WEIGHTS}, "not those under 'model.'"),
    "state_dict_ema": ({"state_dict": OTHER, "state_dict_ema": WEIGHTS}, "'state_dict.'"),
    "flat ema": (under("model.", OTHER) | under("ema_model.module."), "ema_model.module."),
    "teacher and student": (
        {"student": under("module.", OTHER), "teacher": WEIGHTS}, "'student.module.'"),
    "flat teacher": (under("student.", OTHER) | under("teacher."), "'teacher.'"),
    "MoCo": (
        under("module.momentum_encoder.", OTHER) | under("module.base_encoder."),
        "module.base_encoder."),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRAPPED)
def test_wrappings_and_prefixes_are_taken_off_and_said(tmp_path, kind):
    data, said = WRAPPED[kind]
    model = load(data, tmp_path)
    assert_holds(model, WEIGHTS)
    assert any(said in note for note in model.notes), model.notes


def test_a_plain_file_that_fits_needs_no_note(tmp_path):
    model = load(WEIGHTS, tmp_path)
    assert_holds(model, WEIGHTS)
    assert model.notes == ()


PRETRAINED = {
    "bare": BODY,
    "DINO": {
        "student": under("module.backbone.", OTHER_BODY) | {"module.head.mlp.0.weight": ONE},
        "teacher": under("backbone.", BODY) | {"head.mlp.0.weight": ONE, "head.last_layer.g": ONE},
    },
    "MAE": {"model": BODY | {"mask_token": ONE, "decoder_embed.weight": ONE}},
    "I-JEPA": {
        "encoder": under("module.", OTHER_BODY),
        "predictor": under("module.", {"mask_token": ONE}),
        "target_encoder": under("module.", BODY),
    },
    "iBOT": {"teacher": BODY | {"masked_embed": ONE, "head.mlp.0.weight": ONE}},
    "MoCo v3": {"state_dict": under("module.base_encoder.", BODY | {"head.0.weight": ONE})},
    "SimMIM": under("encoder.", BODY | {"mask_token": ONE}) | {"decoder.0.weight": ONE},
    "backbone and own classifier": under("backbone.", BODY) | {"classifier.weight": ONE},
    "DINOv2, training": {
        "model": under("teacher.backbone.", BODY | {"mask_token": ONE})
        | under("teacher.dino_head.", {"mlp.0.weight": ONE})
    },
}


@pytest.mark.parametrize("kind", PRETRAINED)
def test_weights_without_a_classifier_make_a_headless_model_and_say_so(tmp_path, kind):
    model = load(PRETRAINED[kind], tmp_path)
    assert_holds(model, BODY)
    assert model.num_classes == 0
    assert any("holds no classifier" in note for note in model.notes)


def test_a_recipe_loads_the_same_weights_in_the_same_way(tmp_path):
    model = load(PRETRAINED["DINO"], tmp_path)
    again = load_recipe(model.recipe)
    assert_holds(again, BODY)
    assert (again.notes, again.num_classes) == (model.notes, 0)
    assert again.checkpoint_sha256 == model.checkpoint_sha256 == file_digest(tmp_path / "w.pth")


def test_class_count_channels_pooling_and_number_type_follow_from_the_weights(tmp_path):
    grey = weights_of(num_classes=3, in_chans=1)
    assert_holds(load(grey, tmp_path), grey)
    average = weights_of(global_pool="avg")
    model = load(average, tmp_path)
    assert_holds(model, average)
    assert model.module.global_pool == "avg"
    assert any("global_pool='avg'" in note for note in model.notes)
    without = {key: value for key, value in average.items() if not key.startswith("head.")}
    model = load(without, tmp_path)
    assert (model.module.global_pool, model.num_classes) == ("avg", 0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_numbers_of_another_type_are_computed_with_as_float32(tmp_path, dtype):
    other = {key: value.to(dtype) for key, value in WEIGHTS.items()}
    model = load(other, tmp_path)
    assert_holds(model, {key: value.float() for key, value in other.items()})
    assert any(str(dtype).removeprefix("torch.") in note for note in model.notes)


def test_resampled_positions_and_patches_are_said(tmp_path):
    larger = load(weights_of(img_size=64), tmp_path)
    assert any("resampled from 4×4 to 2×2" in note for note in larger.notes)
    finer = load(weights_of(img_size=16, patch_size=8), tmp_path)
    assert any("patches are resampled from 8×8 to 16×16 pixels" in note for note in finer.notes)


def changed(**values):
    return WEIGHTS | values


MISFITS = {
    "narrower": (weights_of(embed_dim=12), "width 12, 2 layers"),
    "deeper": (weights_of(depth=3), "blocks.2.norm1.weight is unknown.*3 layers"),
    "flatter": (weights_of(depth=1), "blocks.1.norm1.weight is missing.*1 layer,"),
    "below a prefix": ({"net": under("vit.", weights_of(depth=3))}, "'net.vit.' do not fit"),
    "part of the classifier": (
        {**BODY, "head.weight": WEIGHTS["head.weight"]},
        "head.bias is missing",
    ),
    "scaled layers": (weights_of(init_values=1.0), "ls1.gamma is unknown"),
    "registers": (weights_of(reg_tokens=4), "reg_token is unknown.*4 registers"),
    "LoRA": (changed(**{"blocks.0.attn.qkv.lora_A": ONE}), "LoRA"),
    "whole numbers": ({key: value.int() for key, value in WEIGHTS.items()}, "int32"),
    "complex": ({key: value + 0j for key, value in WEIGHTS.items()}, "complex64"),
    "sparse": (changed(**{"head.weight": WEIGHTS["head.weight"].to_sparse()}), "sparse tensor"),
    "meta": (changed(**{"head.weight": WEIGHTS["head.weight"].to("meta")}), "without values"),
    "NumPy": (changed(**{"head.weight": WEIGHTS["head.weight"].numpy()}), "NumPy array"),
    "NaN": (changed(**{"norm.bias": torch.full((24,), math.nan)}), "norm.bias holds NaN"),
    "infinite": (changed(**{"norm.bias": torch.full((24,), math.inf)}), "infinite"),
    "transformers": ({"vit.embeddings.patch_embeddings.projection.weight": ONE}, "transformers"),
    "ResNet": ({"layer1.0.conv1.weight": ONE}, "ResNet"),
    "classifier only": ({"state_dict": {"module.linear.weight": ONE}}, "only the tensor"),
    "control characters": ({"a\nb\x1b[31m": ONE, "c": ONE}, "none of the weights"),
    "a tensor": (ONE, "a single tensor"),
    "a list": ([1, 2], "a list"),
    "a list of tensors": ([ONE, ONE], "none of the weights"),
    "a number": (3, "a single value"),
    "a text": ("x", "a text"),
    "None": (None, "None"),
    "nothing": ({}, "a dictionary without tensors"),
    "wrapped nothing": ({"state_dict": {}}, "a dictionary without tensors"),
    "wrapped number": ({"model": 3}, "a dictionary without tensors"),
    "wrapped tensor": ({"model": ONE}, "none of the weights"),
    "keys that are no text": ({(1, 2): ONE, 3: ONE, None: ONE}, "none of the weights"),
}


@pytest.mark.parametrize("kind", MISFITS)
@pytest.mark.filterwarnings("ignore:Sparse")
def test_weights_that_do_not_fit_are_one_line(tmp_path, kind):
    data, expected = MISFITS[kind]
    with pytest.raises(ModelError, match=expected):
        load(data, tmp_path)
    refusal(load, data, tmp_path)


@pytest.mark.filterwarnings("ignore:.*[qQ]uantiz")
def test_quantized_weights_are_refused(tmp_path):
    scaled = torch.quantize_per_tensor(WEIGHTS["head.weight"], 0.1, 0, torch.qint8)
    assert "quantized" in refusal(load, changed(**{"head.weight": scaled}), tmp_path)


@pytest.mark.parametrize("family", families.FAMILIES)
@pytest.mark.parametrize("whole", [True, False])
def test_every_family_comes_out_of_a_prefix_with_and_without_its_classifier(
    tmp_path, family, whole
):
    name, arguments = families.FAMILIES[family]
    torch.manual_seed(0)
    weights = timm.create_model(name, **(arguments | ({} if whole else {"num_classes": 0})))
    weights = weights.state_dict()
    torch.save({"state_dict": under("module.backbone.", weights)}, tmp_path / "w.pth")
    sizes = {key: value for key, value in arguments.items() if key != "num_classes"}
    model = load_model(name, checkpoint=tmp_path / "w.pth", device="cpu", **sizes)
    assert_holds(model, weights)


def test_weights_named_by_other_programs_are_converted_as_timm_does(tmp_path):
    name, arguments = families.FAMILIES["dinov2 with registers"]
    sizes = arguments | {"num_classes": 0}
    ours = timm.create_model(name, **sizes).state_dict()
    theirs = dict(ours)
    cls, positions = theirs.pop("cls_token"), theirs.pop("pos_embed")
    theirs["register_tokens"] = theirs.pop("reg_token")
    theirs["pos_embed"] = torch.cat([torch.full_like(cls, 0.5), positions], 1)
    theirs |= {"cls_token": cls - 0.5, "mask_token": ONE}
    torch.save({"teacher": under("backbone.", theirs)}, tmp_path / "w.pth")
    model = load_model(name, checkpoint=tmp_path / "w.pth", device="cpu", **sizes)
    torch.testing.assert_close(model.module.state_dict(), ours)


def test_the_projection_of_openclip_stays_with_the_network(tmp_path):
    theirs = under("visual.trunk.", BODY) | {"visual.head.proj.weight": torch.ones(7, 24)}
    model = load(theirs, tmp_path)
    assert model.num_classes == 7
    torch.testing.assert_close(model.module.head.weight, torch.ones(7, 24))


class Config(dict):
    """A dictionary of a class of its own, as many configurations are."""


EXTRAS = {
    "namespace": argparse.Namespace(lr=0.1, out=pathlib.Path("/x")),
    "numpy": {"best": np.float64(0.9), "history": np.ones(3), "seed": np.random.default_rng(0)},
    "dates": [datetime.datetime(2026, 1, 2), datetime.timedelta(3)],
    "sets": [{1}, frozenset([2]), collections.Counter("aab"), collections.defaultdict(list, a=[1])],
    "own class": Config(a=1),
    "random state": random.getstate(),
    "large numbers": [2**70, -(2**70), 1e300, b"bytes", bytearray(b"x"), 1 + 2j, slice(1, 2)],
    "dtype, device, size": [torch.float16, torch.device("cuda:1"), torch.Size([2])],
}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("zipped", [True, False])
def test_whatever_a_training_keeps_beside_the_weights_is_no_obstacle(tmp_path, protocol, zipped):
    path = tmp_path / "w.pth"
    data = EXTRAS | {"model": WEIGHTS}
    torch.save(data, path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    assert_holds(load_model(VIT, checkpoint=path, device="cpu", **SIZES), WEIGHTS)


def test_only_the_weights_of_a_pickled_model_are_used(tmp_path):
    module = timm.create_model(VIT, num_classes=7, **SIZES)
    model = load({"epoch": 3, "ema": module}, tmp_path)
    assert_holds(model, module.state_dict())
    assert any("its code is not run" in note for note in model.notes)


class Evil:
    """Calls something when it is unpickled."""

    def __init__(self, call, *args):
        self.call = call, args

    def __reduce__(self):
        return self.call


def evils(place):
    code = f"open({str(place)!r}, 'w')"
    return {
        "system": Evil(os.system, f"touch {place}"),
        "eval": Evil(eval, code),
        "exec": Evil(exec, code),
        "run": Evil(subprocess.check_output, ["touch", str(place)]),
        "path": Evil(pathlib.Path(place).touch),
        "attribute": Evil(operator.attrgetter, "system"),
        "torch": Evil(torch.load, str(place)),
        "torch internals": Evil(torch.hub.load, "x/y", "z"),
        "huge": Evil(bytearray, 1 << 50),
        "huge tensor": Evil(torch.FloatTensor, 1 << 45),
        "in a parameter": Evil(torch.nn.Parameter, Evil(eval, code)),
    }


@pytest.mark.parametrize("kind", evils("x"))
@pytest.mark.parametrize("zipped", [True, False])
def test_no_code_is_run(tmp_path, kind, zipped):
    evil = evils(tmp_path / "ran")[kind]
    path = tmp_path / "w.pth"
    for data in (
        evil,
        {"state_dict": evil},
        {"model": WEIGHTS, "args": {"deep": [evil]}},
        {"model": WEIGHTS | {"norm.weight": evil}},
    ):
        torch.save(data, path, _use_new_zipfile_serialization=zipped)
        with contextlib.suppress(ModelError):
            assert_holds(load_model(VIT, checkpoint=path, device="cpu", **SIZES), WEIGHTS)
    path.write_bytes(pickle.dumps(evil))
    refusal(load_model, VIT, checkpoint=path, device="cpu", **SIZES)
    assert not (tmp_path / "ran").exists()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
FOREIGN = {
    "text.pth": (b"hello\nworld", "a text"),
    "csv.safetensors": (b"a,b\n1,2\n", "a text"),
    "login.pth": (b"<!DOCTYPE html>\n<html><body>Sign in</body>", "a web page"),
    "login.safetensors": (b"<html><head>", "a web page"),
    "lfs.pth": (LFS, "git lfs pull"),
    "lfs.safetensors": (LFS, "git lfs pull"),
    "empty.pth": (b"", "it is empty"),
    "zeros.pth": (bytes(5000), "zeros"),
    "w.json": (b'{"a": 1}', "no index"),
    "list.json": (b"[1]", "a text"),
    "w.h5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
    "w.npy": (b"\x93NUMPY\x01\x00", "NumPy"),
    "w.onnx": (b"\x08\x08\x12\x07pytorch", "ONNX"),
    "w.gguf": (b"GGUF\x03\0\0\0", "GGUF"),
    "w.pth.gz": (b"\x1f\x8b\x08\0", "gzip"),
    "w.tar": (bytes(257) + b"ustar\0" + bytes(300), "tar archive"),
    "w.png": (b"\x89PNG\r\n\x1a\n", "a picture"),
    "zip.pth": (b"PK\x03\x04" + bytes(40), "damaged ZIP"),
    "random.pth": (random.Random(0).randbytes(999), "unknown format"),
    "short.safetensors": (b"\x10\0\0", "damaged"),
    "huge.safetensors": (b"\xff" * 7 + b"\x7f{", "damaged"),
    "lying.safetensors": (
        len(h := b'{"a":{"dtype":"F32","shape":[99999999999],"data_offsets":[0,4]}}').to_bytes(
            8, "little") + h + bytes(4), "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_and_damaged_files_are_one_line(tmp_path, name):
    data, expected = FOREIGN[name]
    path = tmp_path / name
    path.write_bytes(data)
    line = refusal(load_model, VIT, checkpoint=path, device="cpu")
    assert expected in line
    assert str(path) in line


def test_archives_of_other_programs_are_named(tmp_path):
    np.savez(tmp_path / "w.npz", a=np.ones(3))
    assert ".npz" in refusal(load_model, VIT, checkpoint=tmp_path / "w.npz")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch deprecates what other programs still write
        torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "w.pt"))
    assert "TorchScript" in refusal(load_model, VIT, checkpoint=tmp_path / "w.pt")
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps({"a": 1}))
    assert "plain pickle" in refusal(load_model, VIT, checkpoint=tmp_path / "plain.pkl")


def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    start = time.monotonic()
    for name, expected in (
        ("pipe", "not a regular file"),
        ("loop", "cannot be read"),
        ("dangling", "no such checkpoint"),
        ("missing.pth", "no such checkpoint"),
        ("", "this is a folder"),
        ("a\0b", "cannot be read"),
        ("x" * 300, "cannot be read"),
    ):
        line = refusal(load_model, VIT, checkpoint=tmp_path / name, device="cpu")
        assert expected in line, name
    assert time.monotonic() - start < 20


def test_the_content_decides_and_not_the_ending(tmp_path):
    torch.save(WEIGHTS, tmp_path / "w.safetensors")
    save_file(WEIGHTS, tmp_path / "w.bin")
    for name in ("w.safetensors", "w.bin"):
        assert_holds(load_model(VIT, checkpoint=tmp_path / name, device="cpu", **SIZES), WEIGHTS)


def test_a_file_without_checksums_is_read(tmp_path):
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(WEIGHTS, tmp_path / "w.pth")
    finally:
        torch.serialization.set_crc32_options(True)
    assert_holds(load_model(VIT, checkpoint=tmp_path / "w.pth", device="cpu", **SIZES), WEIGHTS)


def test_no_flipped_byte_of_an_archive_gives_other_weights(tmp_path):
    path = save_sound(tmp_path / "sound", "pth")
    sound = path.read_bytes()
    kept = torch.load(path)["model"]
    rng = random.Random(0)
    for place in rng.sample(range(len(sound)), 40):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 8]) + sound[place + 1 :])
        assert outcome(path, "pth", kept) in ("same", "one line")


@pytest.mark.parametrize("ending", ["safetensors", "bin"])
def test_weights_in_several_files_are_joined_by_their_index(tmp_path, ending):
    index = sharded(tmp_path, ending)
    model = load_model(VIT, checkpoint=index, device="cpu", **SIZES)
    assert_holds(model, WEIGHTS)
    again = save_file if ending == "safetensors" else torch.save
    again({"norm.weight": torch.ones(24), "norm.bias": torch.ones(24)}, tmp_path / f"2.{ending}")
    other = load_model(VIT, checkpoint=index, device="cpu", **SIZES)
    assert other.checkpoint_sha256 != model.checkpoint_sha256


def sharded(folder, ending="safetensors"):
    places = {key: f"{2 if key.startswith('norm.') else 1}.{ending}" for key in WEIGHTS}
    for file in set(places.values()):
        own = {key: value for key, value in WEIGHTS.items() if places[key] == file}
        (save_file if ending == "safetensors" else torch.save)(own, folder / file)
    index = folder / f"model.{ending}.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return index


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("../1.safetensors", "outside its folder"),
        ("/etc/passwd", "outside its folder"),
        ("a/../../b", "outside its folder"),
        ("..", "outside its folder"),
        ("none.safetensors", "is missing"),
        ("model.safetensors.index.json", "names another index"),
        (3, "outside its folder"),
    ],
)
def test_an_index_names_only_files_beside_it(tmp_path, place, expected):
    index = sharded(tmp_path)
    data = json.loads(index.read_text())
    data["weight_map"]["norm.weight"] = place
    index.write_text(json.dumps(data))
    assert expected in refusal(load_model, VIT, checkpoint=index, device="cpu", **SIZES)


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_files_end_in_a_model_or_in_one_line(tmp_path, kind):
    path = save_sound(tmp_path / "sound", kind)
    found = collections.Counter(
        outcome(damaged, kind, {}) for damaged in damaged_copies(path, kind, 40, seed=1)
    )
    assert found.keys() <= {"different", "one line"}  # of an empty model all weights differ


LAUGHS = b"\x80\x02]q\0" + b"".join(b"(h%ch%ctq%c" % (n, n, n + 1) for n in range(200))
HOSTILE = {
    "a value that doubles itself": LAUGHS,
    "called": LAUGHS + b")R",
    "as a name": LAUGHS + b"h\x05\x93",
    "as a class": b"\x80\x02ccopy_reg\n_reconstructor\n" + LAUGHS[2:] + b"\x85R",
    "as a storage": LAUGHS + b"Q",
    "tuples in tuples": b"\x80\x02" + b")\x85" * 100_000,
    "ends with a mark": b"\x80\x02(",
    "ends with nothing": b"\x80\x02",
    "lists": b"\x80\x02" + b"]" * 10**5,
    "endless": b"\x80\x02" + b"]0" * 10**6 + b"N",
    "copies of a long list": b"\x80\x02](" + b"K\0" * 10**5 + b"eq\0"
    + b"cbuiltins\nlist\nh\0\x85R" * 10**5,
    "copies of a long text": b"\x80\x02X\0\0\x10\0" + b"a" * 2**20 + b"q\0"
    + b"cbuiltins\ntuple\nh\0\x85R" * 10**5,
    "no arguments": b"\x80\x02cbuiltins\nlist\nK\x05R",
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_pickle_is_refused_in_bounded_time_and_memory(tmp_path, kind):
    torch.save(WEIGHTS, tmp_path / "w.pth", _use_new_zipfile_serialization=False)
    head = (tmp_path / "w.pth").read_bytes()[:200]
    start = head.index(b".", head.index(b"little_endian")) + 1
    (tmp_path / "w.pth").write_bytes(head[:start] + HOSTILE[kind] + b"." + b"\x80\x02].")
    begin, peak = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refusal(load_model, VIT, checkpoint=tmp_path / "w.pth", device="cpu")
    assert time.process_time() - begin < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 200_000  # kB


class Given:
    """Is unpickled as a namespace with a state."""

    def __init__(self, **state):
        self.state = state

    def __reduce__(self):
        return argparse.Namespace, (), self.state


def test_parts_of_a_damaged_module_are_no_traceback(tmp_path):
    for unsaved in (3, None, [[]], "b", {"b": 1}):
        parts = {"_parameters": {"w": ONE}, "_buffers": {"b": ONE}, "_modules": {"m": 3, "n": None}}
        refusal(load, Given(**parts, _non_persistent_buffers_set=unsaved), tmp_path)
    refusal(load, Given(_parameters={"w": ONE}, _buffers=3, _modules=[1]), tmp_path)


def test_a_layer_that_holds_itself_is_no_endless_loop(tmp_path):
    layer = Given(_parameters={"w": ONE}, _buffers={}, _modules={})
    layer.state["_modules"]["again"] = layer
    refusal(load, {"model": layer}, tmp_path)


def test_more_tensors_than_any_network_has_are_refused(tmp_path):
    many = dict.fromkeys(map(str, range(100_001)), ONE)
    assert "more than 100000 tensors" in refusal(load, many, tmp_path)


def test_damage_really_changes_files():
    rng = random.Random(0)
    assert len({damage(bytes(1000), rng, False) for _ in range(50)}) > 40
    assert sys.getsizeof(damage(bytes(9), rng, False)) < 9999
