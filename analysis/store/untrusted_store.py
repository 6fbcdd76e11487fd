"""Checks of the sizes and types in a store's files before any memory is allocated.

A store may come from a stranger: a few bytes of compressed zeros can claim terabytes.
"""

import math
import stat
from pathlib import Path

import netCDF4
import numpy as np

from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.schema import VARIABLES

UNREADABLE = (OSError, RuntimeError, ValueError, AttributeError, LookupError, TypeError)
"""What netCDF4 and xarray raise for a damaged or foreign file."""
_ALWAYS_ALLOWED = 1 << 30
_MOST_BYTES_A_BYTE = 20
"""Real summaries grow less than fivefold when unpacked; zeros grow a thousandfold."""
_SMALLEST_TEXT = 1
_SIZES = {"xy": (2, 2), "channel": (3, 3), "y": (1, 1024), "x": (1, 1024), "latent": (1, 4096)}
_ANY_SIZE = (1, 1 << 31)
_MOST_HEADS = 1 << 16
_MOST_TOKENS = 1 << 13
_MOST_KEPT = 1 << 24
_COUNTS = {"num_prefix_tokens": 0, "grid_height": 1, "grid_width": 1}


def demand_regular(path: Path) -> None:
    """Refuse a pipe, a device or a loop of links: opening one can hang for ever.

    Raises
    ------
    OSError
        If ``path`` is missing or not a regular file.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("not a regular file")


def demand_modest(path: Path, summary: netCDF4.Dataset, size: int) -> None:
    """Refuse a summary that unpacks to far more than its own size, or whose parts do not fit.

    Parameters
    ----------
    path
        The store.
    size
        Bytes of the file.

    Raises
    ------
    StoreError
        If its sizes or types cannot be those of a store.
    """
    sizes = {name: len(dimension) for name, dimension in summary.dimensions.items()}
    claimed = sum(_bytes(variable) for variable in summary.variables.values())
    strange = set(summary.variables) - set(VARIABLES)
    groups = list(summary.groups)
    told = {name: summary.getncattr(name) for name in summary.ncattrs() if name in _COUNTS}
    allowed = _ALWAYS_ALLOWED + _MOST_BYTES_A_BYTE * size
    if claimed > allowed:
        raise StoreError(
            f"{path}: summary.nc claims {claimed:,} bytes of values, expected at most {allowed:,}; "
            "such a file is refused."
        )
    if groups or any(name in sizes for name in strange):  # xarray would read those at once
        raise StoreError(f"{path}: summary.nc holds variables that a store does not have.")
    for name, length in sizes.items():
        low, high = _SIZES.get(name, _ANY_SIZE)
        if not low <= length <= high:
            raise StoreError(f"{path}: dimension {name!r} is {length}, expected {low} to {high}.")
    if sizes.get("layer", 1) * sizes.get("head", 1) > _MOST_HEADS:
        raise StoreError(f"{path}: more than {_MOST_HEADS} heads.")
    _demand_counts(path, told)


def demand_matrices(file: netCDF4.Dataset) -> None:
    """Refuse a file of attention whose chunks are not one head each.

    Raises
    ------
    OSError
        As for any file in another format; the reader adds its name.
    """
    variable, images = file.variables.get("attention"), file.variables.get("image")
    if variable is None or images is None or file.groups:
        raise OSError("it holds no attention")
    tokens = variable.shape[-1] if variable.ndim == 5 else 0
    sound = variable.dtype == np.float32 and images.dtype == np.int32 and images.ndim == 1
    sound = sound and 1 <= tokens <= _MOST_TOKENS and variable.shape[3:] == (tokens, tokens)
    sound = sound and images.shape[0] == variable.shape[0] <= _MOST_KEPT
    if not sound or variable.chunking() != [1, 1, 1, tokens, tokens]:
        raise OSError("its attention is of another shape")


def _demand_counts(path: Path, told: dict[str, object]) -> None:
    for name, least in _COUNTS.items():
        value = told.get(name, least)
        if not isinstance(value, (int, np.integer)) or not least <= value <= _MOST_TOKENS:
            raise StoreError(
                f"{path}: attribute {name!r} is {str(value)[:40]}, expected a number from {least} "
                f"to {_MOST_TOKENS}."
            )


def _bytes(variable: netCDF4.Variable) -> int:
    width = _SMALLEST_TEXT if variable.dtype is str else np.dtype(variable.dtype).itemsize
    return math.prod(variable.shape) * width
