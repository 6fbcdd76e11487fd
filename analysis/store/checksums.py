"""CRC-32 of values as they are read back, so that a damaged file is one line, not other values.

HDF5's own checksums (Fletcher-32) guard each chunk for every reader; these also guard texts, the
place of a chunk, and which store a file of attention belongs to.
"""

import json
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import netCDF4
import numpy as np

from headbrush.analysis.store import alone_in_hdf5
from headbrush.analysis.store.errors import StoreError

CHECKSUM = "crc32"
"""Attribute of a variable of ``summary.nc``."""
ATTENTION_CHECKSUM = "attention_checksum"
NOT_KEPT = -1
"""Checksum where no attention is stored."""


def checksum(values: np.ndarray, before: int = 0) -> int:
    """CRC-32 of the values in C order and little-endian, or of texts as JSON; 0 to 2³² − 1.

    ``before`` is the checksum of the numbers that come before these.
    """
    if values.dtype.kind in "OU":
        return zlib.crc32(json.dumps(values.tolist()).encode())
    plain = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return zlib.crc32(plain.data.cast("B") if plain.size else b"", before)


def demand_sound(path: Path, name: str, values: np.ndarray, expected: object) -> None:
    """Compare values that were read with the checksum that was written, None in older stores.

    Raises
    ------
    StoreError
        If they differ.
    """
    if expected is not None:  # a checksum takes time
        demand_equal(path, name, checksum(values), expected)


def demand_equal(path: Path, name: str, found: int, expected: object) -> None:
    """Compare the checksum of what was read with the one that was written, None in older stores.

    Raises
    ------
    StoreError
        If they differ.
    """
    if expected is not None and found != expected:
        raise StoreError(
            f"{path}: damaged ({name} has another checksum than when it was written); "
            "copy the store again from where it came, or run 'headbrush analyze' again."
        )


def attention_checksums(
    files: Iterable[Path], images: int, layers: int, heads: int
) -> np.ndarray | None:
    """Checksums of all matrices in files of attention, ``(m, L, H)`` int64.

    None if a file has none, because an older headbrush wrote it. An unreadable file counts as
    missing; reading its images says what is wrong.
    """
    found = np.full((images, layers, heads), NOT_KEPT, np.int64)
    for path in files:
        with suppress(OSError, RuntimeError), alone_in_hdf5(), netCDF4.Dataset(path) as file:
            file.set_auto_maskandscale(False)
            if "checksum" not in file.variables:
                return None
            index, values = file["image"][:], file["checksum"][:]
            if values.shape[1:] != (layers, heads) or index.min() < 0 or index.max() >= images:
                continue  # of another analysis
            found[np.asarray(index)] = np.asarray(values)
    return found
