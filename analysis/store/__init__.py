"""The store: its schema, how it is written, opened and checked.

Needs numpy and netCDF4, and xarray to write a summary; never torch. Imports nothing else of
headbrush.

HDF5 does one thing at a time in a process. xarray has a lock for that, but importing xarray takes
half a second, for which a command that only reads should not wait: xarray's lock is held beside
ours once xarray is imported.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

# A store's file is written under another name and never changes once it has its own, so no lock is
# needed; HDF5's would fail on disks that have none (NFS, Lustre). HDF5 reads this when it starts.
HDF5_LOCKS = "netCDF4" in sys.modules and "HDF5_USE_FILE_LOCKING" not in os.environ
"""Whether HDF5 started before this could be said, so that it takes locks."""
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
_ALONE = threading.Lock()


@contextmanager
def alone_in_hdf5() -> Iterator[None]:
    """No other thread, of ours or of xarray, is in HDF5 during the block."""
    with _ALONE, _lock_of_xarray():
        yield


@contextmanager
def xarray_in_hdf5() -> Iterator[None]:
    """The same for a block in which xarray writes, which takes its own lock."""
    with _ALONE:
        yield


def _lock_of_xarray() -> AbstractContextManager[object]:
    locks = sys.modules.get("xarray.backends.locks")
    return getattr(locks, "HDF5_LOCK", None) or nullcontext()
