"""Disks without locks: one analysis at a time all the same, and HDF5 asks for none."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headbrush.analysis.run.work_folder import PartsError, WorkFolder

ROOT = Path(__file__).parent.parent.parent
fcntl = pytest.importorskip("fcntl")
NUMBERS = ["ENOLCK", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EIO", "EINVAL", "ENOTTY", "EREMOTEIO"]


@pytest.fixture(params=NUMBERS)
def lockless(request, monkeypatch):
    """Every disk refuses locks with this error."""
    number = getattr(errno, request.param)

    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    return request.param


@pytest.mark.usefixtures("lockless")
def test_a_disk_without_locks_takes_one_analysis_at_a_time(tmp_path):
    store = tmp_path / "s"
    with WorkFolder(store, {}):
        with pytest.raises(PartsError, match=r"another analysis .* if none is running, delete"):
            WorkFolder(store, {}).__enter__()
        with pytest.raises(PartsError, match="another analysis is writing it"):
            WorkFolder(store, {}).refuse()
    WorkFolder(store, {}).refuse()
    with WorkFolder(store, {}):
        pass
    assert not (store / "parts" / "lock.owner").exists()


HELD = """
import errno, fcntl, sys
from pathlib import Path
def flock(*_):
    raise OSError(errno.NUMBER, "no locks")
fcntl.flock = flock
from headbrush.analysis.run.work_folder import WorkFolder
folder = WorkFolder(Path(sys.argv[1]), {})
folder.__enter__()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("lockless", ["ENOLCK", "ENOSYS"], indirect=True)
def test_the_lock_of_a_killed_process_is_taken_over(lockless, tmp_path):
    command = [sys.executable, "-c", HELD.replace("NUMBER", lockless), str(tmp_path / "s")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            with pytest.raises(PartsError, match="another analysis is writing it"):
                WorkFolder(tmp_path / "s", {}).__enter__()
        finally:
            holder.kill()
    with WorkFolder(tmp_path / "s", {}):
        pass


@pytest.mark.parametrize("lockless", ["ENOLCK", "ENOSYS"], indirect=True)
@pytest.mark.usefixtures("lockless")
def test_the_lock_of_another_computer_is_never_taken_over(tmp_path):
    with WorkFolder(tmp_path / "s", {}):
        pass
    owner = tmp_path / "s" / "parts" / "lock.owner"
    owner.write_text("1\nanother-computer\n", encoding="ascii")
    with pytest.raises(PartsError, match="if none is running, delete") as refused:
        WorkFolder(tmp_path / "s", {}).__enter__()
    assert str(owner) in str(refused.value)
    owner.unlink()
    with WorkFolder(tmp_path / "s", {}):
        pass


OPENED = """
import fcntl, os, sys
os.environ.pop("HDF5_USE_FILE_LOCKING", None)
BEFORE
from pathlib import Path
from headbrush.analysis.store.attention_file import AttentionReader, AttentionWriter
from headbrush.analysis.store.atomic_files import WriteError, writing
from headbrush.analysis.store.errors import StoreError
import netCDF4
path = Path(sys.argv[1])
netCDF4.Dataset(path, "w").close()
with path.open("rb") as file:
    fcntl.flock(file, fcntl.LOCK_EX)  # no one else can have a lock, as where there is none
    try:
        with writing(path):
            netCDF4.Dataset(path, "a").close()
        print("written")
    except WriteError as error:
        print(error)
    try:
        AttentionReader().read_images(path)
    except StoreError as error:
        print(error)
"""


@pytest.mark.parametrize("before", ["", "import xarray"])
def test_hdf5_asks_for_no_locks(tmp_path, before):
    written, read = opened(before, tmp_path)
    assert written == "written"
    assert "HDF5_USE_FILE_LOCKING" not in read


@pytest.mark.parametrize(
    "before", ["import netCDF4", "import netCDF4; netCDF4.Dataset('x', 'w', diskless=True).close()"]
)
def test_where_netcdf4_was_imported_first_the_line_says_how_to_go_on(tmp_path, before):
    for line in opened(before, tmp_path):
        assert "import headbrush before netCDF4, or set HDF5_USE_FILE_LOCKING=FALSE" in line


def opened(before, tmp_path):
    command = [sys.executable, "-c", OPENED.replace("BEFORE", before), str(tmp_path / "a.nc")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.splitlines()
