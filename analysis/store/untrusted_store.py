"""Checks of the sizes and types in a store's files before any memory is allocated.

A store may come from a stranger: a few bytes of compressed zeros can claim terabytes.
"""

import math
import stat
from collections.abc import Mapping
from pathlib import Path

import netCDF4
import numpy as np

from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.schema import (
    ALL_METRICS,
    ATTRIBUTES,
    LONGEST_NAME,
    MOST_TEXT,
    MOST_TOKENS,
    PARTS,
    VARIABLES,
    Attribute,
)

UNREADABLE = (OSError, RuntimeError, ValueError, AttributeError, LookupError, TypeError)
"""What netCDF4 and xarray raise for a damaged or foreign file."""
_ALWAYS_ALLOWED = 1 << 30
_MOST_BYTES_A_BYTE = 20
"""Real summaries grow less than fivefold when unpacked; zeros grow a thousandfold."""
_SMALLEST_TEXT = 1
_SIZES = {
    "xy": (2, 2),
    "part": (len(PARTS), len(PARTS)),
    "channel": (3, 3),
    "y": (1, 1024),
    "x": (1, 1024),
    "latent": (1, 4096),
}
_ANY_SIZE = (1, 1 << 31)
_MOST_HEADS = 1 << 16
_MOST_KEPT = 1 << 24


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
    sound = sound and 1 <= tokens <= MOST_TOKENS and variable.shape[3:] == (tokens, tokens)
    sound = sound and images.shape[0] == variable.shape[0] <= _MOST_KEPT
    if not sound or variable.chunking() != [1, 1, 1, tokens, tokens]:
        raise OSError("its attention is of another shape")


def demand_attributes(path: Path, attrs: Mapping[str, object]) -> None:
    """Refuse global attributes of another type, length or range, or that contradict each other.

    Raises
    ------
    StoreError
        For the first; a missing one, or one that no store has, is not looked at.
    """
    for name, spec in ATTRIBUTES.items():
        if name in attrs and not _fits(attrs[name], spec):
            raise StoreError(
                f"{path}: attribute {name!r} is {_shown(attrs[name])}, expected {_wanted(spec)}."
            )
    if attrs.get("has_class_token") == 1 and attrs.get("num_prefix_tokens") == 0:
        raise StoreError(f"{path}: has_class_token is 1, but num_prefix_tokens is 0.")


def demand_values(path: Path, name: str, values: np.ndarray) -> None:
    """Refuse values of a variable that no analysis writes.

    Raises
    ------
    StoreError
        For infinite numbers, unknown or repeated metrics, other parts, and texts too long.
    """
    if values.dtype.kind == "f" and np.isinf(values).any():
        raise StoreError(f"{path}: variable {name!r} holds infinite values.")
    if values.dtype.kind not in "OU":
        return
    texts = values.tolist()
    if any(not isinstance(text, str) or len(text) > LONGEST_NAME for text in texts):
        raise StoreError(
            f"{path}: variable {name!r} holds texts of more than {LONGEST_NAME} characters."
        )
    if name == "part" and tuple(texts) != PARTS:
        raise StoreError(
            f"{path}: the parts are {_shown(', '.join(texts))}, expected {', '.join(PARTS)}."
        )
    if name == "metric" and (len(set(texts)) < len(texts) or set(texts) - set(ALL_METRICS)):
        raise StoreError(
            f"{path}: the metrics are {_shown(', '.join(texts))}, expected some of "
            f"{', '.join(ALL_METRICS)}, each once."
        )


def _fits(value: object, spec: Attribute) -> bool:
    if spec.is_text:
        is_sound = isinstance(value, str) and len(value) <= MOST_TEXT
        return is_sound and (not spec.choices or value in spec.choices)
    return isinstance(value, (int, np.integer)) and spec.low <= int(value) <= spec.high


def _wanted(spec: Attribute) -> str:
    if not spec.is_text:
        return f"a number from {spec.low} to {spec.high}"
    return " or ".join(spec.choices) or f"a text of at most {MOST_TEXT:,} characters"


def _shown(value: object) -> str:
    text = " ".join(str(value)[:200].split())
    return text if len(text) <= 40 else f"{text[:40]}…"


def _bytes(variable: netCDF4.Variable) -> int:
    width = _SMALLEST_TEXT if variable.dtype is str else np.dtype(variable.dtype).itemsize
    return math.prod(variable.shape) * width
