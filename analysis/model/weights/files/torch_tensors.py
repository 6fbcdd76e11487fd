"""Tensors in torch's files: the calls that a pickle of torch names, and bytes to values."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor

from headbrush.analysis.model.weights.files.inert_pickle import Maker, Name
from headbrush.analysis.model.weights.files.stored_tensor import StoredTensor, Unreadable, unusable

_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
    "UntypedStorage": torch.uint8,
}
_MOST_NUMBERS = 1 << 40

ReadBytes = Callable[["Storage"], bytearray]


@dataclass(frozen=True)
class Storage:
    """A run of numbers in a file that tensors are cut from."""

    key: str
    dtype: torch.dtype
    count: int
    problem: str = ""

    @property
    def size(self) -> int:
        """Bytes."""
        return self.count * self.dtype.itemsize


def storage_of(identity: object) -> Storage:
    """What a persistent id of torch stands for.

    Raises
    ------
    Unreadable
        If it stands for something else.
    """
    if not isinstance(identity, tuple) or len(identity) < 5 or identity[0] != "storage":
        raise Unreadable("it was not written by torch.save")
    if len(identity) > 5 and identity[5] is not None:
        raise Unreadable("it was written by a PyTorch older than 0.4")
    _, kind, key, _, count = identity[:5]
    whole = isinstance(count, int) and count >= 0
    if not isinstance(kind, Name) or not isinstance(key, (str, int)) or not whole:
        raise Unreadable("a tensor in it is damaged")
    dtype = _DTYPES.get(kind.name)
    if dtype is None:  # quantized kinds have a scale and a zero point besides
        return Storage(str(key), torch.uint8, count, f"a tensor of {kind.name}")
    return Storage(str(key), dtype, count)


def makers(read_bytes: ReadBytes) -> dict[str, Maker]:
    """What stands for torch's calls in a pickle.

    Parameters
    ----------
    read_bytes
        Reads a storage; raises :class:`Unreadable`.
    """
    tensor = partial(_tensor, read_bytes)
    inside = {
        "_rebuild_tensor": tensor,
        "_rebuild_tensor_v2": tensor,
        "_rebuild_tensor_v3": tensor,
        "_rebuild_parameter": _first,
        "_rebuild_parameter_with_state": _first,
        "_rebuild_device_tensor_from_cpu_tensor": _first,
        "_rebuild_device_tensor_from_numpy": lambda _: unusable("a NumPy array"),
        "_rebuild_qtensor": lambda _: unusable("a quantized tensor"),
        "_rebuild_sparse_tensor": lambda _: unusable("a sparse tensor"),
        "_rebuild_nested_tensor": lambda _: unusable("a nested tensor"),
        "_rebuild_meta_tensor_no_storage": lambda _: unusable("a tensor without values"),
        "_rebuild_wrapper_subclass": lambda _: unusable("a tensor of another library"),
    }
    found: dict[str, Maker] = {f"torch._utils.{name}": maker for name, maker in inside.items()}
    subclass = partial(_subclass, found)
    return found | {
        "torch._tensor._rebuild_from_type_v2": subclass,
        "torch._tensor._rebuild_from_type": subclass,
        "torch.nn.parameter.Parameter": _first,
        "torch.Size": lambda args: tuple(args[0]) if args else (),
    }


def _first(args: tuple[Any, ...]) -> Any:
    return args[0] if args else None


def _subclass(inside: dict[str, Maker], args: tuple[Any, ...]) -> Any:
    """A tensor of a class of its own: the plain tensor in it."""
    maker = inside.get(str(args[0])) if isinstance(args[0], Name) else None
    return unusable("a tensor of another library") if maker is None else maker(tuple(args[2]))


def _tensor(read_bytes: ReadBytes, args: tuple[Any, ...]) -> StoredTensor:
    storage, offset, shape, strides = args[:4]
    if not isinstance(storage, Storage):
        raise Unreadable("a tensor in it is damaged")
    if storage.problem:
        return unusable(storage.problem)
    dtype = storage.dtype
    if len(args) > 6 and isinstance(args[6], Name):
        dtype = _named_dtype(args[6])
    shape, strides = tuple(shape), tuple(strides)
    numbers = (offset, *shape, *strides)
    whole = all(type(n) is int and 0 <= n < 1 << 48 for n in numbers)
    if not whole or len(shape) != len(strides) or len(shape) > 16:
        raise Unreadable("a tensor in it is damaged")
    if math.prod(shape) > _MOST_NUMBERS:
        raise Unreadable("a tensor in it is larger than what the file holds of it")
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if 0 not in shape and last >= storage.size // dtype.itemsize:
        raise Unreadable("a tensor in it is larger than what the file holds of it")
    return StoredTensor(
        shape, dtype, partial(_values, read_bytes, storage, dtype, offset, shape, strides)
    )


def _named_dtype(name: Name) -> torch.dtype:
    dtype = getattr(torch, name.name, None) if name.module == "torch" else None
    if not isinstance(dtype, torch.dtype):
        raise Unreadable("a tensor in it is damaged")
    return dtype


def _values(
    read_bytes: ReadBytes,
    storage: Storage,
    dtype: torch.dtype,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
) -> Tensor:
    if 0 in shape:
        return torch.empty(shape, dtype=dtype)
    count = storage.size // dtype.itemsize
    flat = torch.frombuffer(cast(Any, read_bytes(storage)), dtype=dtype, count=count)
    return flat.as_strided(shape, strides, offset).contiguous()
