"""Who may import what; each check in a process of its own, so that no other test interferes."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "timm", "openTSNE", "sklearn")
SERVER = (
    "server.page, server.session, server.views.attention_matrix, server.views.head_importance, "
    "server.views.image_overview, server.views.pattern_layout, server.views.status, "
    "server.views.strength_overview, server.views.strength_vector, server.launch"
)


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


def test_every_module_of_the_server_is_covered():
    views = {path.stem for path in (ROOT / "server" / "views").glob("*.py")} - {"__init__"}
    assert all(f"server.views.{name}" in SERVER for name in views)


def test_only_live_imports_torch_in_the_server():
    importing = [
        path.name
        for path in (ROOT / "server").rglob("*.py")
        if any(word in path.read_text() for word in ("import torch", "from torch", "import timm"))
    ]
    assert importing == ["live.py"]


def test_no_file_is_longer_than_300_lines():
    folders = ("analysis", "server", "tests", "datasets", "benchmarks")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    long = [path.name for path in sources if len(path.read_text().splitlines()) > 300]
    assert long == []
