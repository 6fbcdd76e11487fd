"""The store: its schema, how it is written, opened and checked.

Needs numpy, xarray and netCDF4, never torch. Imports nothing else of headbrush.
"""

import os
import sys

# A store's file is written under another name and never changes once it has its own, so no lock is
# needed; HDF5's would fail on disks that have none (NFS, Lustre). HDF5 reads this when it starts.
HDF5_LOCKS = "netCDF4" in sys.modules and "HDF5_USE_FILE_LOCKING" not in os.environ
"""Whether HDF5 started before this could be said, so that it takes locks."""
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
