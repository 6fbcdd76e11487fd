"""A folder with timm's ``config.json`` and weights, as ``save_for_hf`` writes it."""

from pathlib import Path
from typing import Any

import timm

from headbrush.analysis.model.weights.files.safetensors_files import read_json
from headbrush.analysis.model.weights.files.stored_tensor import Unreadable, shown
from headbrush.analysis.store.errors import ModelError

_PREFERRED = (
    "model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "model.safetensors.index.json",
    "pytorch_model.bin.index.json",
)
"""Files of weights in the order in which timm takes them, and the indices of several files."""
_ENDINGS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar")
_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "box", "hamming", "lanczos")
_CROPS = ("center", "squash", "border")
_MOST_LAYERS = 512
_WIDEST_INPUT = 8192
"""Pixels a side."""


def folder_weights(folder: Path) -> Path:
    """The file of weights in a model folder.

    Raises
    ------
    ModelError
        If there is none, or more than one that may be meant.
    """
    for name in _PREFERRED:
        if (folder / name).is_file():
            return folder / name
    others = _weights_in(folder)
    if len(others) == 1:
        return folder / others[0]
    if others:
        raise ModelError(
            f"{folder}: holds several files of weights ({', '.join(map(shown, others[:4]))}); "
            "give the one to use: --checkpoint FILE."
        )
    raise ModelError(
        f"{folder}: holds config.json but no weights (model.safetensors); copy them there or give "
        "--checkpoint FILE."
    )


def demand_config(folder: Path) -> None:
    """Refuse a folder whose ``config.json`` is missing, damaged, or not timm's.

    Raises
    ------
    ModelError
        With what was found and how to go on.
    """
    file = folder / "config.json"
    if not file.is_file():
        others = _weights_in(folder)
        way = (
            f"; for the weights alone give --model NAME --checkpoint {folder / others[0]}"
            if others
            else ""
        )
        raise ModelError(
            f"{folder}: a model folder needs timm's config.json and model.safetensors{way}."
        )
    try:
        config = read_json(file)
    except Unreadable as error:
        raise ModelError(f"{file}: {error}; it should be timm's configuration.") from error
    if reason := _fault(config):
        raise ModelError(f"{file}: {reason}.")


def _weights_in(folder: Path) -> list[str]:
    try:
        return sorted(file.name for file in folder.iterdir() if file.name.endswith(_ENDINGS))
    except OSError as error:
        raise ModelError(f"{folder}: cannot be read ({error.strerror}).") from error


def _fault(config: Any) -> str:
    """What is wrong with a configuration; empty if nothing is."""
    if not isinstance(config, dict):
        return "not timm's configuration, which is a JSON object with an architecture"
    architecture = config.get("architecture")
    if architecture is None:
        return _other_program(config)
    if not isinstance(architecture, str) or not timm.is_model(architecture):
        return f"its architecture {shown(architecture)!r} is no model of timm"
    data = config.get("pretrained_cfg", config)
    arguments = config.get("model_args", {})
    if not isinstance(data, dict) or not isinstance(arguments, dict):
        return "its model_args and pretrained_cfg should be JSON objects"
    return _bad_input(data) or _bad_arguments(arguments) or _bad_classes(config, data)


def _other_program(config: dict[Any, Any]) -> str:
    if "model_type" in config or "architectures" in config or "transformers_version" in config:
        kind = config.get("architectures") or config.get("model_type")
        kind = kind[0] if isinstance(kind, list) and kind else kind
        return (
            f"the configuration of a model of transformers ({shown(kind)}); give timm's name of "
            "the same network, with --checkpoint FILE if it has weights of your own in timm's names"
        )
    if "model_cfg" in config or "preprocess_cfg" in config:
        return "the configuration of a model of OpenCLIP; give timm's name of the network in it"
    return "names no architecture, so it is not timm's configuration"


def _bad_input(data: dict[Any, Any]) -> str:
    for key in ("input_size", "test_input_size"):
        size = data.get(key)
        if size is not None and not (_numbers(size, int, 1, _WIDEST_INPUT) and len(size) == 3):
            return f"its {key} should be channels, height and width, found {shown(size)}"
    for key, least in (("mean", -1e3), ("std", 1e-6)):
        values = data.get(key)
        if values is not None and not (_numbers(values, (int, float), least, 1e3) and values):
            return f"its {key} should be one number a channel, found {shown(values)}"
    for key in ("crop_pct", "test_crop_pct"):
        share = data.get(key)
        if share is not None and not _numbers([share], (int, float), 0.01, 2):
            return f"its {key} should be a number of at most 1, found {shown(share)}"
    for key, known in (("interpolation", _INTERPOLATIONS), ("crop_mode", _CROPS)):
        found = data.get(key)
        if found is not None and found not in known:
            words = f"{', '.join(known[:-1])} or {known[-1]}"
            return f"its {key} should be {words}, found {shown(found)}"
    for key in ("first_conv", "classifier"):
        if not _names(data.get(key)):
            return f"its {key} should be the name of a layer, found {shown(data[key])}"
    return ""


def _names(value: Any) -> bool:
    """Whether ``value`` is a name, some names or None, as timm writes the names of layers."""
    return value is None or all(
        isinstance(name, str) for name in (value if isinstance(value, list) else [value])
    )


def _bad_arguments(arguments: dict[Any, Any]) -> str:
    """Sizes that take for ever to build, even without memory."""
    depth = arguments.get("depth")
    if depth is not None and not _numbers([depth], int, 1, _MOST_LAYERS):
        return f"its depth should be a number of layers, found {shown(depth)}"
    size = arguments.get("img_size")
    sides = size if isinstance(size, list) else [size]
    if size is not None and not _numbers(sides, int, 1, _WIDEST_INPUT):
        return f"its img_size should be a number of pixels, found {shown(size)}"
    for key, value in arguments.items():
        if not _bounded(value):
            return f"its {shown(key)} is out of range ({shown(value)})"
    return ""


def _bounded(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    if len(values) > _MOST_LAYERS:
        return False
    return all(not isinstance(one, (int, float)) or abs(one) < 1e6 for one in values)


def _bad_classes(config: dict[Any, Any], data: dict[Any, Any]) -> str:
    for place in (config, data):
        for key in ("label_names", "labels"):
            names = place.get(key)
            if names is not None and not (
                isinstance(names, list) and all(isinstance(name, (str, int)) for name in names)
            ):
                return f"its {key} should be a list of texts"
        described = place.get("label_descriptions")
        if described is not None and not (
            isinstance(described, dict) and all(isinstance(v, str) for v in described.values())
        ):
            return "its label_descriptions should be texts by label"
        count = place.get("num_classes")
        if count is not None and not _numbers([count], int, 0, 1e6):
            return f"its num_classes should be a count, found {shown(count)}"
    return ""


def _numbers(values: Any, kind: Any, least: float, most: float) -> bool:
    """Whether ``values`` is a list of numbers of a kind in a range."""
    return isinstance(values, (list, tuple)) and all(
        isinstance(value, kind) and not isinstance(value, bool) and least <= value <= most
        for value in values
    )
