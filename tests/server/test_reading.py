"""Attention is read by other processes; a disk that hangs while HDF5 reads hangs only its own."""

import gc
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from unittest.mock import patch

import numpy as np
import psutil
import pytest

from headbrush.analysis.store.attention_file import AttentionReader
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.store import Store
from headbrush.server.stores.attention.matrices import StoredMatrices
from headbrush.server.stores.attention.reader_process import (
    ProcessReader,
    ReadingProcess,
    SharedProcess,
)
from headbrush.server.tools import child_process
from tests.server.served import ROOT
from tests.stores import make_store
from tests.waiting import SOON, until


@pytest.fixture(autouse=True)
def prompt_disk():
    """Here the disk is as slow as it is."""


@pytest.fixture
def common():
    """A process that reads, for one test, which ends it."""
    common, begun, start = SharedProcess(), [], child_process.started

    def note(module):
        begun.append(start(module))
        return begun[-1]

    with patch("headbrush.server.stores.attention.reader_process.started", note):
        yield common
    for process, _pipe in begun:
        process.kill()  # also ends one that is stopped


@pytest.fixture
def path(tmp_path):
    return make_store(tmp_path / "s.headbrush")


@contextmanager
def hung(common):
    """The number of the process that reads; it hangs, as at a disk, until the block ends."""
    process = common.take()
    common.give_back(process)
    pid = process.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_another_process_reads_the_same(path, common):
    near, far = Store(path), Store(path, ProcessReader(common))
    np.testing.assert_array_equal(far.kept_images, near.kept_images)
    for place in ((0, 0, 0), (int(near.kept_images[-1]), 2, 1)):
        found = far.attention(*place)
        np.testing.assert_array_equal(found, near.attention(*place))
        assert found.dtype == np.float32


def test_faults_are_told_in_the_same_words(path, common):
    file = path / "attention" / "00000.nc"
    for damage in (lambda: file.write_bytes(b"damaged"), file.unlink):
        damage()
        for read, *place in (("read_images",), ("read_matrix", 0, 0, 0)):
            with pytest.raises(StoreError) as near:
                getattr(AttentionReader(), read)(file, *place)
            with pytest.raises(StoreError) as far:
                getattr(ProcessReader(common), read)(file, *place)
            assert str(far.value) == str(near.value)


def test_a_disk_that_hangs_inside_hdf5_keeps_no_other_store_waiting(path, tmp_path, common):
    slow = Store(make_store(tmp_path / "slow.headbrush"), ProcessReader(common))
    quick = Store(path, ProcessReader(common))
    assert slow.attention(0, 0, 0) is not None
    matrices = [StoredMatrices(store) for store in (slow, quick)]
    with hung(common):
        waiting = matrices[0].ask(0, 1, 0)
        for head in ((0, 0, 0), (0, 1, 1)):
            assert matrices[1].ask(*head).result(SOON) is not None
        assert len(Store(path).read("name"))  # HDF5 is free in this process
        assert not waiting.done()
        again = matrices[0].ask(0, 2, 0)
    np.testing.assert_array_equal(waiting.result(SOON), Store(slow.path).attention(0, 1, 0))
    np.testing.assert_array_equal(again.result(SOON), Store(slow.path).attention(0, 2, 0))


@contextmanager
def asked_of_a_hung_process(reader, file, common):
    """A question that a process which answered before gets when it hangs, and that process."""
    assert len(reader.read_images(file))
    asked, ask = threading.Event(), ReadingProcess.ask

    def note(process, question):
        ask(process, question)
        asked.set()

    with ThreadPoolExecutor(1) as thread, hung(common) as pid:
        with patch.object(ReadingProcess, "ask", note):
            waiting = thread.submit(reader.read_images, file)
            assert asked.wait(SOON)
        yield pid, waiting


def test_a_process_that_died_is_told_and_replaced(path, common):
    reader = ProcessReader(common)
    file = path / "attention" / "00000.nc"
    with asked_of_a_hung_process(reader, file, common) as (pid, waiting):
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(StoreError, match="process that read it ended"):
            waiting.result(SOON)
    assert len(reader.read_images(file))


def test_the_process_of_a_slow_store_ends_with_its_reader(path, common):
    reader = ProcessReader(common)
    file = path / "attention" / "00000.nc"
    with asked_of_a_hung_process(reader, file, common) as (pid, waiting):
        assert len(ProcessReader(common).read_images(file))
        os.kill(pid, signal.SIGCONT)
        assert len(waiting.result(SOON))
    del reader, waiting
    gc.collect()
    until(lambda: not psutil.pid_exists(pid))


def test_no_process_outlives_the_one_that_asks():
    code = (
        "import os, psutil; from headbrush.server.stores.attention import reader_process; "
        "reader_process.start(); (child,) = psutil.Process().children(); "
        "print(child.pid, flush=True); os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    until(lambda: not psutil.pid_exists(int(done.stdout)))
