"""The files of ``torch.save``: ZIP archives, and the plain pickles before PyTorch 1.6."""

import io
import struct
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from headbrush.analysis.model.weights.files.inert_pickle import read_pickle
from headbrush.analysis.model.weights.files.stored_tensor import Unreadable
from headbrush.analysis.model.weights.files.torch_tensors import Storage, makers, storage_of
from headbrush.analysis.model.weights.files.window import Window

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_PIECE = 1 << 24
_BROKEN = (
    zipfile.BadZipFile, OSError, ValueError, EOFError, RuntimeError, struct.error, KeyError,
    OverflowError,
)  # fmt: skip
"""What ``zipfile`` raises for damaged archives; RuntimeError for encrypted parts."""


def read_archive(path: Path) -> Any:
    """The data of a ZIP archive of ``torch.save``; its tensors are read when they are needed.

    Raises
    ------
    Unreadable
        If it is damaged or is another archive.
    """
    archive = _Archive(path)
    pickle = archive.bytes_of("data.pkl")
    file = Window(io.BytesIO(pickle), len(pickle))
    return read_pickle(file, makers(archive.storage), storage_of)


class _Archive:
    """An archive of ``torch.save``. Parts are stored, not compressed, with a checksum each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last: tuple[str, bytearray] = ("", bytearray())
        try:
            with zipfile.ZipFile(path) as file:
                self.parts = {info.filename: info for info in file.infolist()}
        except _BROKEN as error:
            raise Unreadable("a damaged ZIP archive") from error
        roots = [name.removesuffix("data.pkl") for name in self.parts if name.endswith("data.pkl")]
        roots = [root for root in roots if not root or root.endswith("/")]
        if len(roots) != 1:
            raise Unreadable(_other_archive(list(self.parts)))
        self.root = roots[0]
        if f"{self.root}constants.pkl" in self.parts:
            raise Unreadable(
                "a TorchScript archive, which holds a program; save the state_dict of the model"
            )
        order = f"{self.root}byteorder"
        if order in self.parts and self.bytes_of("byteorder") != b"little":
            raise Unreadable("written on a machine with another order of bytes")

    def bytes_of(self, name: str) -> bytearray:
        """A part, compared with its checksum."""
        info = self.parts.get(f"{self.root}{name}")
        if info is None:
            raise Unreadable(f"damaged: its part {name} is missing")
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise Unreadable("a compressed ZIP archive; torch.save writes none")
        if info.file_size > self.path.stat().st_size:
            raise Unreadable("damaged: a part of it is larger than the file")
        if info.CRC == 0:  # torch.serialization.set_crc32_options(False) was used
            info.CRC = None  # type: ignore[assignment]
        held = bytearray(info.file_size)
        try:
            with zipfile.ZipFile(self.path) as file, file.open(info) as part:
                for start in range(0, len(held), _PIECE):
                    piece = part.read(_PIECE)
                    held[start : start + len(piece)] = piece
        except _BROKEN as error:
            raise Unreadable(f"damaged: the checksum of its part {name} differs") from error
        if len(held) != info.file_size:
            raise Unreadable(f"damaged: its part {name} is cut off")
        return held

    def storage(self, storage: Storage) -> bytearray:
        """The bytes of a storage; the last one is kept, as several tensors may share it."""
        if self.last[0] != storage.key:
            self.last = (storage.key, self.bytes_of(f"data/{storage.key}"))
        if len(self.last[1]) < storage.size:
            raise Unreadable("a tensor in it is larger than what the file holds of it")
        return self.last[1][: storage.size]


def _other_archive(names: list[str]) -> str:
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy archive (.npz), as JAX writes weights; give them as .safetensors or .pth"
    if any(name.endswith("model.weights.h5") for name in names):
        return "a model of Keras; headbrush reads the weights of timm's models in PyTorch"
    return "a ZIP archive, but not one of torch.save; unpack it and give the file of weights in it"


def read_old_file(path: Path) -> Any:
    """The data of a file of ``torch.save`` before PyTorch 1.6, which has no checksums.

    Raises
    ------
    Unreadable
        If it is damaged or another pickle.
    """
    places: dict[str, tuple[int, Storage]] = {}
    used: dict[str, Storage] = {}

    def note(identity: object) -> Storage:
        storage = storage_of(identity)
        return used.setdefault(storage.key, storage)

    def read_bytes(storage: Storage) -> bytearray:
        start, _ = places[storage.key]
        with path.open("rb") as file:
            file.seek(start)
            held = bytearray(storage.size)
            if file.readinto(held) != storage.size:
                raise Unreadable("it is cut off")
        return held

    size = path.stat().st_size
    with path.open("rb") as file:
        window = Window(file, size)
        _demand_header(window)
        data = read_pickle(window, makers(read_bytes), note)
        keys = read_pickle(window, {}, note)
        if not isinstance(keys, list):
            raise Unreadable("its pickle is damaged")
        for key in keys:
            storage = used.get(str(key)) if isinstance(key, (str, int)) else None
            if storage is None:
                raise Unreadable("its pickle is damaged")
            places[storage.key] = (_place(file, storage, size), storage)
    if used.keys() != places.keys():
        raise Unreadable("it is cut off, or its pickle is damaged")
    return data


def _demand_header(window: Window) -> None:
    def nothing(_: object) -> None:
        raise Unreadable("it was not written by torch.save")

    if read_pickle(window, {}, nothing) != _MAGIC:
        raise Unreadable(
            "a plain pickle, not a file of torch.save; write it with "
            "torch.save(model.state_dict(), FILE)"
        )
    system = (read_pickle(window, {}, nothing), read_pickle(window, {}, nothing))
    if system[0] != _PROTOCOL or not isinstance(system[1], dict):
        raise Unreadable("its header is damaged")
    if system[1].get("little_endian") is not True:
        raise Unreadable("written on a machine with another order of bytes")


def _place(file: BinaryIO, storage: Storage, size: int) -> int:
    """Where the numbers of the next storage begin; the file is left behind them."""
    head = file.read(8)
    start = file.tell()
    if len(head) < 8 or start + storage.size > size:
        raise Unreadable("it is cut off")
    if struct.unpack("<q", head)[0] != storage.count:
        raise Unreadable("its pickle is damaged")
    file.seek(start + storage.size)
    return start
