"""What happens to a run that is killed, or that finds the disk full."""

import subprocess
import sys
from pathlib import Path

import pytest

from headbrush.analysis.store.store import Store
from tests.analysis.test_pipeline import assert_same
from tests.models import save_images, save_tiny_model

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    return save_tiny_model(folder / "model"), save_images(folder / "images")


def python(*words, **options):
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **options)


@pytest.mark.timeout(600)  # ten analyses
def test_kills_at_random_moments_of_every_stage_change_nothing(inputs, tmp_path):
    done = python("-m", "tests.analysis.killed_runs", *inputs, tmp_path)
    assert done.returncode == 0, done.stderr
    outcome = dict(line.split(": ") for line in done.stdout.splitlines())
    assert outcome.keys() == {
        "measure two images", "measure attention", "write first summary", "prune heads",
        "lay out patterns by offset", "train autoencoder", "encode patterns",
        "lay out patch patterns", "lay out CLS patterns", "lay out images", "write summary",
    }  # fmt: skip
    outcome.pop("write summary")  # so short that it may be over before the signal comes
    assert set(outcome.values()) == {"killed"}
    assert_same(tmp_path / "whole", tmp_path / "killed")
    left = {path.name for path in (tmp_path / "killed").rglob("*")}
    assert left == {path.name for path in (tmp_path / "whole").rglob("*")}


LIMITED = """
import os, resource, signal, sys
from headbrush import cli
from headbrush.analysis.measures.autoencoders import convolutional
from headbrush.analysis.preflight import measure, prepare

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
convolutional.TRAINING_STEPS = 5
two_images = measure.Measured(*[1e-3] * 13)  # measured elsewhere, where the limit holds too
prepare.measure = lambda *_: two_images
for limit in (300, 12_000, 300_000, resource.RLIM_INFINITY):
    run = os.fork()
    if not run:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        cli.main()
    code = os.waitstatus_to_exitcode(os.waitpid(run, 0)[1])
    print(f"exit {code}", file=sys.stderr, flush=True)
"""


def test_a_full_disk_is_one_line_and_the_run_goes_on_where_it_was(inputs, tmp_path):
    model, images = inputs
    options = ("--images", images, "--model", model, "--autoencoder", "convolutional")
    done = python("-c", LIMITED, "analyze", *options, "--out", tmp_path)
    lines = done.stderr.splitlines()
    refused, code = lines[:-1:2], lines[1:-1:2]
    assert code == ["exit 2"] * 3, lines
    words = [line.split("cannot write ")[1].split()[0] for line in refused]
    assert words == ["in", "00000.nc", "autoencoder.npz"], lines
    assert lines[-1] == "exit 0", lines
    assert Store(tmp_path).sizes["image"] == 12
    assert not list(tmp_path.rglob("*.unfinished"))
