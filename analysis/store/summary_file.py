"""The file ``summary.nc`` of a store, read before HDF5 opens it.

HDF5 does one thing at a time in a process. It reads a summary from memory, so that a store on a
slow disk delays no other store for longer than its values take to unpack; a large one it reads
from the system's cache of the disk, where the look for damaged texts has put it.
"""

import errno
import mmap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from headbrush.analysis.store import alone_in_hdf5
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.tools.text_heap import demand_finite_heaps
from headbrush.analysis.store.untrusted_store import UNREADABLE, demand_modest

SUMMARY = "summary.nc"
UNFINISHED = "parts/summary.nc"
"""What an analysis has written of the summary before it is finished; goes with the parts."""
_MOST_IN_MEMORY = 1 << 27
"""Bytes; HDF5 reads a larger summary from the disk."""


@dataclass(frozen=True)
class Variable:
    """A variable of an open summary, as xarray would show it; its values are read when asked for.

    Attributes
    ----------
    dtype
        Of the values, in the byte order of this machine; ``object`` for texts.
    """

    file: netCDF4.Variable

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of its dimensions."""
        return self.file.dimensions

    @property
    def dtype(self) -> np.dtype:
        kind = object if self.file.dtype is str else self.file.dtype
        return np.dtype(kind).newbyteorder("=")

    @property
    def attrs(self) -> Mapping[str, Any]:
        """Its attributes."""
        return self.file.__dict__

    @property
    def shape(self) -> tuple[int, ...]:
        """Of its values."""
        return self.file.shape

    @property
    def chunk_rows(self) -> int:
        """How many entries of the first dimension are packed together."""
        chunks = self.file.chunking()
        return chunks[0] if isinstance(chunks, list) else 1

    @property
    def values(self) -> np.ndarray:
        """All of them, as they are stored."""
        return np.asarray(self.file[...], self.dtype)

    def rows(self, begin: int, end: int) -> np.ndarray:
        """The values of some entries of the first dimension."""
        return np.asarray(self.file[begin:end], self.dtype)


@dataclass(frozen=True)
class Summary:
    """An open summary.

    Attributes
    ----------
    attrs, sizes, variables
        Its attributes, dimensions and variables, by name.
    """

    attrs: Mapping[str, Any]
    sizes: Mapping[str, int]
    variables: Mapping[str, Variable]


class SummaryFile:
    """The current summary file of the store at ``path``; HDF5 can open it repeatedly.

    Parameters
    ----------
    unfinished
        Whether the summary of an analysis that is not finished will do.

    Raises
    ------
    StoreError
        If there is no summary, or it cannot be read.
    """

    def __init__(self, path: Path, unfinished: bool = False) -> None:
        self._store = path
        self._path = _summary_path(path, unfinished)
        self._bytes: bytes | None = None
        with _readable(self._path), self._path.open("rb") as file:
            self._size = self._path.stat().st_size
            if self._size <= _MOST_IN_MEMORY:
                self._bytes = file.read()

    def demand_modest(self) -> None:
        """Refuse sizes and types that cannot be those of a store, and texts without an end."""
        with _readable(self._path), self._content() as content:
            demand_finite_heaps(content)
        with self._opened() as file:
            demand_modest(self._store, file, self._size)

    @contextmanager
    def _content(self) -> Iterator[bytes | mmap.mmap]:
        if self._bytes is not None:
            yield self._bytes
            return
        with (
            self._path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as it,
        ):
            yield it

    @contextmanager
    def summary(self) -> Iterator[Summary]:
        """The summary, open in the block; no other thread is in HDF5 meanwhile."""
        with self._opened() as file:
            file.set_auto_maskandscale(False)
            file.set_auto_chartostring(False)
            yield Summary(
                file.__dict__,
                {name: len(dimension) for name, dimension in file.dimensions.items()},
                {name: Variable(variable) for name, variable in file.variables.items()},
            )

    @contextmanager
    def _opened(self) -> Iterator[netCDF4.Dataset]:
        with (
            alone_in_hdf5(),
            _readable(self._path),
            netCDF4.Dataset(self._path, memory=self._bytes) as file,
        ):
            yield file


def current_summary(store: Path) -> Path:
    """The summary of a finished store, else the one that its analysis has written so far.

    Neither has to exist.
    """
    finished, unfinished = store / SUMMARY, store / UNFINISHED
    # the finished one is written before the other is removed
    return unfinished if unfinished.is_file() and not finished.is_file() else finished


def _summary_path(store: Path, unfinished: bool) -> Path:
    file = current_summary(store) if unfinished else store / SUMMARY
    if not store.exists():
        raise StoreError(
            f"{store}: no such store; make one with 'headbrush analyze --out {store}'."
        )
    if not file.is_file():
        unfinished = (store / "parts").is_dir() if store.is_dir() else False
        raise StoreError(
            f"{store}: this analysis is not finished; run the same 'headbrush analyze' again."
            if unfinished
            else f"{store}: not a headbrush store (it holds no summary.nc)."
        )
    return file


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Turn errors of reading into a :class:`StoreError`."""
    try:
        yield
    except UNREADABLE as error:
        if isinstance(error, StoreError):
            raise
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM):
            raise StoreError(f"{file}: no permission to read it.") from error
        raise StoreError(f"{file}: not a readable netCDF-4 file ({error}).") from error
