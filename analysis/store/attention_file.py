"""One file of attention matrices: written layer by layer, read one head (one chunk) at a time.

Values keep 7 bits behind the leading one (BitRound), then are shuffled by bytes and compressed.
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import netCDF4
import numpy as np

from headbrush.analysis.store import alone_in_hdf5
from headbrush.analysis.store.atomic_files import lock_advice, replacing
from headbrush.analysis.store.checksums import checksum
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.schema import SCHEMA_VERSION
from headbrush.analysis.store.untrusted_store import UNREADABLE, demand_matrices, demand_regular

Codec = Literal["zlib", "blosc_zstd"]
KEPT_BITS = 7
MAX_RELATIVE_ERROR = 2.0 ** -(KEPT_BITS + 1)
"""Bound on the relative error of a stored attention value (round to nearest at 7 bits)."""
_CACHED_BYTES = 32 * 2**20
"""Matrices that are written at once: HDF5 keeps twice as much unpacked, to be read back."""


class AttentionWriter:
    """Write the attention of some images into one file, layer by layer.

    Parameters
    ----------
    path
        The file to make; it appears when the ``with`` block ends without an error.
    images
        Global indices of the images.
    shape
        Layers, heads and tokens: ``(L, H, T)``.
    codec
        netCDF compression: ``zlib`` (every reader has it) or ``blosc_zstd`` (twice as fast).

    Raises
    ------
    WriteError
        If the file cannot be written, then or later in the block.
    """

    def __init__(
        self, path: Path, images: list[int], shape: tuple[int, int, int], codec: Codec = "zlib"
    ) -> None:
        self._images = images
        with (
            alone_in_hdf5(),
            ExitStack() as stack,
        ):  # what fails here is one line, and leaves no file
            temporary = stack.enter_context(replacing(path))
            self._file = stack.enter_context(closing(netCDF4.Dataset(temporary, "w")))
            self._define(shape, codec)
            self._stack = stack.pop_all()

    def _define(self, shape: tuple[int, int, int], codec: Codec) -> None:
        layers, heads, tokens = shape
        sizes = {"image": len(self._images), "layer": layers, "head": heads}
        for name, size in (sizes | {"query": tokens, "key": tokens}).items():
            self._file.createDimension(name, size)
        index = self._file.createVariable("image", "i4", ("image",))
        index.setncatts({"long_name": "index of the image in summary.nc", "units": "1"})
        index[:] = self._images
        self._variable = self._attention_variable(tokens, codec)
        self._checksum = self._file.createVariable(
            "checksum", "u4", ("image", "layer", "head"), fletcher32=True
        )
        self._checksum.setncatts({"long_name": "CRC-32 of the matrix as stored", "units": "1"})

    def _attention_variable(self, tokens: int, codec: Codec) -> netCDF4.Variable:
        variable = self._file.createVariable(
            "attention",
            np.float32,
            ("image", "layer", "head", "query", "key"),
            compression=codec,
            complevel=4,
            shuffle=True,
            fletcher32=True,
            significant_digits=KEPT_BITS,
            quantize_mode="BitRound",
            chunksizes=(1, 1, 1, tokens, tokens),
            fill_value=False,
        )
        variable.setncatts(
            {
                "long_name": "attention weight, row = source token, column = target token",
                "units": "1",
                "valid_range": np.array([0, 1], np.float32),
                "maximum_relative_error": MAX_RELATIVE_ERROR,
            }
        )
        variable.set_auto_maskandscale(False)
        self._file.schema_version = np.int32(SCHEMA_VERSION)
        return variable

    def write(self, image: int, layer: int, attention: np.ndarray, first_head: int = 0) -> None:
        """Write heads of one layer, ``(H, T, T)`` float32 from ``first_head`` on.

        ``image`` is a global index. Each head is a chunk of its own.
        """
        row = self._images.index(image)
        step = max(1, _CACHED_BYTES // attention[0].nbytes)
        for start in range(0, len(attention), step):
            some = attention[start : start + step]
            heads = slice(first_head + start, first_head + start + len(some))
            with alone_in_hdf5():  # files of other threads are written meanwhile
                self._variable[row, layer, heads] = some
                stored = np.asarray(self._variable[row, layer, heads])  # in HDF5's cache
                self._checksum[row, layer, heads] = [checksum(matrix) for matrix in stored]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with alone_in_hdf5():
            self._stack.__exit__(kind, error, trace)


class AttentionReader:
    """Reads attention files in this process."""

    def read_images(self, path: Path) -> np.ndarray:
        """Global indices of the images that a file holds, ``(n,)`` int32."""
        return read_attention(path, lambda file: file["image"][:])

    def read_matrix(self, path: Path, row: int, layer: int, head: int) -> np.ndarray:
        """One matrix of a file, ``(T, T)`` float32; reads one chunk."""
        return read_attention(path, lambda file: file["attention"][row, layer, head])


def read_attention(path: Path, read: Callable[[netCDF4.Dataset], np.ndarray]) -> np.ndarray:
    """Result of ``read(file)``; the file is open only during the call.

    A disk that hangs does not block other threads from HDF5.

    Raises
    ------
    StoreError
        If the file is missing or damaged.
    """
    try:
        demand_regular(path)
        with path.open("rb") as file:
            file.read(1)
        with alone_in_hdf5(), netCDF4.Dataset(path) as file:
            demand_matrices(file)
            file.set_auto_maskandscale(False)
            return np.asarray(read(file))
    except UNREADABLE as error:
        advice = f"; {advice}" if (advice := lock_advice(error)) else ""
        raise StoreError(f"{path}: missing, damaged or foreign file ({error}){advice}.") from error
