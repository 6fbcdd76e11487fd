"""Who may import what; each check in a process of its own, so that no other test interferes."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "timm", "openTSNE", "sklearn")
SERVER = ", ".join(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "server").rglob("*.py"))
    if path.stem not in ("main", "__init__")
)
"""Every module of the server; ``main.py`` imports the views and then builds a page."""


@pytest.mark.parametrize(
    ("modules", "forbidden"),
    [
        ("analysis.store", (*HEAVY, "bokeh", "datashader")),
        (SERVER, HEAVY),
        ("analysis.pipeline", ("bokeh", "datashader", "server")),
        ("headbrush", (*HEAVY, "bokeh", "datashader", "xarray")),
    ],
)
def test_importing_does_not_load(modules, forbidden):
    code = f"import sys, {modules}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(forbidden) & set(done.stdout.split()) == set()


def test_only_the_process_of_the_models_imports_torch_in_the_server():
    importing = [
        path.name
        for path in (ROOT / "server").rglob("*.py")
        if any(word in path.read_text() for word in ("import torch", "from torch", "import timm"))
    ]
    assert importing == ["live_child.py"]


def test_no_file_is_longer_than_300_lines():
    folders = ("analysis", "server", "tests", "datasets", "benchmarks")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    sources.append(ROOT / "headbrush.py")
    long = [path.name for path in sources if len(path.read_text().splitlines()) > 300]
    assert long == []
