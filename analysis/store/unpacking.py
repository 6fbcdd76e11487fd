"""Unpacks a variable of a summary; a large one piece by piece onto the disk, where it is mapped.

What is mapped takes memory only where it is read, and the system takes that back when it is short
of it. The file has no name and goes with the values.
"""

import mmap
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np

from headbrush.analysis.store.checksums import CHECKSUM, checksum, demand_equal, demand_sound
from headbrush.analysis.store.summary_file import SummaryFile, Variable
from headbrush.analysis.store.untrusted_store import demand_values

MAPPED_FROM = 32 << 20
"""Bytes of a variable."""
_PIECE = 16 << 20
CHUNK = 1 << 18
CHUNKED_FROM = 4 << 20
_MOST_ROWS = 1 << 10
"""A larger part of the images is packed together by an older headbrush."""
_ORDER = {"strength": (1, 2, 0, 3), "direct": (3, 0, 1, 2)}
"""Axes on the disk from the outermost: views read the strength of one head, or one class."""


def unpacked(path: Path, file: SummaryFile, name: str) -> np.ndarray:
    """All values of a variable, checked and read-only.

    Parameters
    ----------
    path
        The store.

    Raises
    ------
    StoreError
        If the values are damaged, or such as no analysis writes.
    """
    with file.summary() as summary:
        variable = summary.variables[name]
        large = variable.dtype != object and _bytes(variable) >= MAPPED_FROM
        expected = variable.attrs.get(CHECKSUM)
        values = None if large else variable.values
    if values is None:
        with suppress(OSError):  # no room on the disk
            return _mapped(path, file, name, expected)
        with file.summary() as summary:
            values = summary.variables[name].values
    demand_sound(path, _title(name), values, expected)
    demand_values(path, name, values)
    values.setflags(write=False)
    return values


def rows_of(path: Path, file: SummaryFile, name: str, images: np.ndarray) -> np.ndarray | None:
    """Values of some images; None of a small variable, or one that packs many images together.

    Raises
    ------
    StoreError
        As :func:`unpacked`, for these values.
    """
    with file.summary() as summary:
        variable = summary.variables[name]
        if _bytes(variable) < MAPPED_FROM or variable.chunk_rows > _MOST_ROWS:
            return None
        found = np.stack([variable.rows(one, one + 1)[0] for one in images.tolist()])
    demand_values(path, name, found)
    return found


def chunking(values: np.ndarray, dims: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """How a large variable is packed: some images together, so that pieces can be read."""
    if values.nbytes < CHUNKED_FROM or "image" not in dims:
        return {}
    place = dims.index("image")
    images, rest = values.shape[place], values.shape[place + 1 :]
    row = values.itemsize * int(np.prod(rest, dtype=np.int64))
    return {"chunksizes": (*(1,) * place, min(images, max(1, CHUNK // row)), *rest)}


def _mapped(path: Path, file: SummaryFile, name: str, expected: object) -> np.ndarray:
    with file.summary() as summary:
        variable = summary.variables[name]
        shape, dtype = variable.shape, variable.dtype
    order = _ORDER.get(name, tuple(range(len(shape))))
    found = 0
    with tempfile.TemporaryFile(prefix="headbrush-") as scratch:
        for begin, piece in _pieces(file, name):
            found = checksum(piece, found)
            demand_values(path, name, piece)
            _write(scratch, piece.transpose(order), order.index(0), begin, shape[0])
        demand_equal(path, _title(name), found, expected)
        scratch.flush()
        content = mmap.mmap(scratch.fileno(), 0, access=mmap.ACCESS_READ)
    stored = np.frombuffer(content, dtype).reshape([shape[axis] for axis in order])
    return stored.transpose(np.argsort(order))


def _pieces(file: SummaryFile, name: str) -> Iterator[tuple[int, np.ndarray]]:
    """Parts of the variable along its first axis; others may use HDF5 in between."""
    begin, length = 0, 1
    while begin < length:
        with file.summary() as summary:
            variable = summary.variables[name]
            length = variable.shape[0]
            packed, row = variable.chunk_rows, _bytes(variable) // length
            rows = packed * max(1, _PIECE // (packed * row))
            piece = variable.rows(begin, begin + rows)
        yield begin, piece
        begin += rows


def _write(scratch: IO[bytes], piece: np.ndarray, axis: int, begin: int, length: int) -> None:
    """Write a part of the values, which along ``axis`` begins at ``begin`` of ``length``."""
    parts = piece.reshape(-1, *piece.shape[axis:])
    for number, part in enumerate(parts):
        scratch.seek((number * length + begin) * part[0].nbytes)
        scratch.write(np.ascontiguousarray(part).data.cast("B"))


def _bytes(variable: Variable) -> int:
    return int(np.prod(variable.shape, dtype=np.int64)) * variable.dtype.itemsize


def _title(name: str) -> str:
    return f"summary.nc's {name}"
