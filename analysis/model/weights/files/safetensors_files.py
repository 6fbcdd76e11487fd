"""``.safetensors`` files, and the index of weights that are cut into several files."""

import json
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from headbrush.analysis.model.weights.files.stored_tensor import (
    StoredTensor,
    Unreadable,
    shown,
    unusable,
)

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_BROKEN = (SafetensorError, OSError, ValueError, RuntimeError, OverflowError)
LARGEST_JSON = 1 << 25
"""Bytes of an index or a configuration; those of ImageNet-22k take some 2 MB."""


def read_safetensors(path: Path) -> dict[str, StoredTensor]:
    """The tensors of a file; values are read when they are needed.

    The format has no checksums: a flipped bit in the values cannot be seen.

    Raises
    ------
    Unreadable
        If the file is damaged.
    """
    found = {}
    try:
        with safe_open(path, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118 - it is no mapping
                part = file.get_slice(key)
                dtype = _DTYPES.get(part.get_dtype())
                if dtype is None:
                    found[key] = unusable(f"a tensor of {shown(part.get_dtype())} numbers")
                else:
                    read = partial(_values, path, key)
                    found[key] = StoredTensor(tuple(part.get_shape()), dtype, read)
    except _BROKEN as error:
        raise Unreadable(f"damaged: {_reason(error)}") from error
    return found


def _values(path: Path, key: str) -> Tensor:
    try:
        with safe_open(path, framework="pt") as file:
            return cast(Tensor, file.get_tensor(key))
    except _BROKEN as error:
        raise Unreadable(f"damaged: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return shown(str(error).removeprefix("Error while deserializing header: "))


def read_json(path: Path) -> Any:
    """The data of a small JSON file.

    Raises
    ------
    Unreadable
        If it is too large or no JSON.
    """
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise Unreadable("too large for a JSON file of a model")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise Unreadable("not readable as JSON") from error


def shards_of(path: Path) -> list[Path]:
    """The files that an index (``model.safetensors.index.json``) names, in order of name.

    Raises
    ------
    Unreadable
        If it is no index, or names files outside its folder or files that are missing.
    """
    index = read_json(path)
    places = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(places, dict) or not places:
        raise Unreadable("a JSON file, but no index of weights; give the file of weights")
    names = set(places.values()) if all(isinstance(v, str) for v in places.values()) else {""}
    for name in names:
        if PurePosixPath(name).name != name or name in ("", ".", "..") or "\\" in name:
            raise Unreadable(f"an index that names a file outside its folder ({shown(name)!r})")
        if name.endswith(".json"):
            raise Unreadable(f"an index that names another index ({shown(name)!r})")
    found = [path.parent / name for name in sorted(names)]
    for shard in found:
        if not shard.is_file():
            raise Unreadable(
                f"an index of {len(found)} files, of which {shown(shard.name)} is missing"
            )
    return found
