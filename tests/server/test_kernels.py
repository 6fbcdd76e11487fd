"""Compiled loops are kept for the next start, and work where nothing can be kept."""

import os
import subprocess
import sys
from pathlib import Path

from tests.server.served import served

ROOT = Path(__file__).parent.parent.parent
_TALLY = """
import numpy as np
import numba.core.caching as caching
{first}
from headbrush.server.tools.loops import kernels
patterns = np.ones((2, 3), bool)
counts = kernels.tally(patterns, np.array([True, False]), np.array([True, True, False]))
assert [count.tolist() for count in counts] == [[2, 0], [1, 1, 0]], counts
print(sum(kernels.tally.stats.cache_hits.values()))
"""


def _run(folder: Path, first: str = "") -> int:
    """Compile and use a loop in a new process; how often a kept one was found."""
    found = subprocess.run(
        [sys.executable, "-c", _TALLY.format(first=first)],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder)}, cwd=ROOT,
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return int(found.stdout)


def test_the_next_process_finds_what_the_first_has_compiled(tmp_path):
    assert _run(tmp_path) == 0
    assert _run(tmp_path) == 1


def test_loops_are_compiled_each_time_without_a_cache_folder(tmp_path):
    assert _run(tmp_path, "caching.CacheImpl._locator_classes = []") == 0
    assert not list(tmp_path.iterdir())


def test_the_next_server_starts_with_the_loops_that_the_first_has_compiled(
    store_path, tmp_path, monkeypatch
):
    kept = tmp_path / "kept"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(kept))
    with served(store_path, log=tmp_path / "first.log"):
        first = _written(kept)
    with served(store_path, log=tmp_path / "second.log") as second:
        assert _written(kept) == first
        assert '"error"' not in second.log
    assert {name.split("-")[0] for name in first} >= {"kernels.add_counts", "kernels.tally"}


def _written(folder: Path) -> dict[str, int]:
    """When each kept loop was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")}
