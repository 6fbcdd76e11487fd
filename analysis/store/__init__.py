"""The store: its schema, how it is written, opened and checked.

Needs numpy, xarray and netCDF4, never torch. Imports nothing else of headbrush.
"""

import os

# A store's file is written under another name and never changes once it has its own, so no lock is
# needed; HDF5's would fail on disks that have none (NFS, Lustre). HDF5 reads this when it starts.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
