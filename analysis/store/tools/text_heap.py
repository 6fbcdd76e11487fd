"""Texts in a netCDF-4 file: what it can keep, and a check of what it holds before HDF5 reads it.

HDF5 2.2 reads a heap of texts that was overwritten with zeros for ever, holding its lock.
"""

import struct
from mmap import mmap

_HEAP = b"GCOL\x01\0\0\0"
_HEADER = 16
"""Bytes before the first object of a heap, and before the content of each object."""


def storable(text: str, most: int) -> str:
    """``text`` without what a file cannot keep.

    NUL and bytes that are not UTF-8 are escaped; what is longer than ``most`` characters is cut.
    """
    kept = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return kept if len(kept) <= most else f"{kept[: most - 1]}…"


def demand_finite_heaps(content: bytes | mmap) -> None:
    """Walk through every global heap as HDF5 does.

    Raises
    ------
    OSError
        If the walk does not end.
    """
    start = content.find(_HEAP)
    while start >= 0:
        if not _ends(content, start):
            raise OSError("its texts are damaged")
        start = content.find(_HEAP, start + len(_HEAP))


def _ends(content: bytes | mmap, start: int) -> bool:
    """Whether every object of the heap at ``start`` takes room; too large a one ends the walk."""
    if start + _HEADER > len(content):
        return True
    (size,) = struct.unpack_from("<Q", content, start + 8)
    place, end = start + _HEADER, min(start + size, len(content))
    while place + _HEADER <= end:
        index, length = struct.unpack_from("<H6xQ", content, place)
        room = _HEADER + (length + 7) // 8 * 8 if index else length
        if not room:
            return False
        place += room
    return True
