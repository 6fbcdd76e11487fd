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


@pytest.mark.timeout(1200)  # a dozen analyses
def test_ten_kills_at_random_moments_of_every_stage_change_nothing(inputs, tmp_path):
    done = python("-m", "tests.analysis.killed_runs", *inputs, tmp_path)
    assert done.returncode == 0, done.stderr
    hit = done.stdout.splitlines()
    assert len(hit) >= 9, hit
    assert len(set(hit)) >= 9
    assert_same(tmp_path / "whole", tmp_path / "killed")
    left = {path.name for path in (tmp_path / "killed").rglob("*")}
    assert left == {path.name for path in (tmp_path / "whole").rglob("*")}


LIMITED = """
import resource, signal, sys
import headbrush.analysis.pipeline  # torch 2.6 writes a file when it is first imported
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, MOST))
sys.argv = ["headbrush", *sys.argv[1:]]
from headbrush import cli
cli.main()
"""


@pytest.mark.parametrize("limit", [300, 3_000, 12_000])
def test_a_full_disk_is_one_line_and_the_run_goes_on_later(inputs, tmp_path, limit):
    model, images = inputs
    words = ("analyze", "--images", images, "--model", model, "--out", tmp_path / "s")
    full = python("-c", LIMITED.replace("MOST", str(limit)), *words)
    assert full.returncode == 2, full.stderr
    assert full.stderr.count("\n") == 1, full.stderr
    assert "cannot write" in full.stderr
    assert not list((tmp_path / "s").rglob("*.unfinished"))
    again = python("-m", "headbrush", *words)
    assert again.returncode == 0, again.stderr
    assert Store(tmp_path / "s").sizes["image"] == 12
