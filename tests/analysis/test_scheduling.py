"""Shards done by two worker processes, one of which is killed, give the store of this process."""

import os
import signal
import threading

import pytest
import torch
from distributed import LocalCluster

from headbrush.analysis.run import shards
from headbrush.analysis.run.scheduling import ClusterError
from tests.analysis.test_pipeline import assert_same, run
from tests.models import save_images, save_tiny_model
from tests.waiting import until


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    return save_tiny_model(folder / "model"), save_images(folder / "images", per_class=8)


@pytest.fixture
def one_thread():
    """Dask gives a worker one thread; sums rounded alike need as many here."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def cluster():
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0",
        host="127.0.0.1", silence_logs="CRITICAL",
    ) as made:  # fmt: skip
        yield made


def kill_when_begun(out, process):
    """Kill a worker as soon as the first shard is done."""
    until(lambda: list(out.glob("parts/0*.npz")), 60)
    os.kill(process, signal.SIGKILL)


@pytest.mark.usefixtures("one_thread")
def test_a_worker_that_dies_changes_nothing(inputs, cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD_IMAGES", 2)
    local = run(inputs, tmp_path / "local")
    victim = cluster.workers[0].pid
    killer = threading.Thread(target=kill_when_begun, args=(tmp_path / "far", victim), daemon=True)
    killer.start()
    far = run(inputs, tmp_path / "far", scheduler=cluster.scheduler_address)
    killer.join(60)
    assert victim not in [worker.pid for worker in cluster.workers.values()]
    assert_same(local, far)


def test_a_scheduler_that_does_not_answer_is_one_sentence(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr("headbrush.analysis.run.scheduling._WAIT_SECONDS", 2)
    with pytest.raises(ClusterError, match="no Dask scheduler answers"):
        run(inputs, tmp_path / "s", scheduler="tcp://127.0.0.1:1")
    with pytest.raises(ClusterError, match="expected tcp"):
        run(inputs, tmp_path / "s", scheduler="far away")
    assert not (tmp_path / "s").exists()
