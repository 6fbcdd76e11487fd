"""Who may import what: a table of folders, and what loads when something is imported."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "timm", "openTSNE", "sklearn")
ORDER = {
    "headbrush.analysis.store": (),
    "headbrush.analysis.doctor": ("analysis.store",),
    "headbrush.analysis.images": ("analysis.store",),
    "headbrush.analysis.model.weights.files": ("analysis.store",),
    "headbrush.analysis.model.weights": ("analysis.store",),
    "headbrush.analysis.model": ("analysis.store", "analysis.images"),
    "headbrush.analysis.measures": ("analysis.store", "analysis.images", "analysis.model"),
    "headbrush.analysis.explain": (
        "analysis.store", "analysis.images", "analysis.model", "analysis.measures",
        "analysis.prune",
    ),
    "headbrush.analysis.prune": (
        "analysis.store", "analysis.images", "analysis.model", "analysis.measures",
    ),
    "headbrush.analysis.prune.study": (
        "analysis.store", "analysis.images", "analysis.model", "analysis.measures",
        "analysis.prune", "analysis.run",
    ),
    "headbrush.analysis.prune.curve": (
        "analysis.store", "analysis.images", "analysis.model", "analysis.measures",
        "analysis.prune", "analysis.run",
    ),
    "headbrush.analysis.prune.interactions": (
        "analysis.store", "analysis.images", "analysis.model", "analysis.measures",
        "analysis.explain", "analysis.prune", "analysis.run",
    ),
    "headbrush.analysis.run": (
        "analysis.store", "analysis.images", "analysis.model", "analysis.measures",
        "analysis.explain",
    ),
    "headbrush.analysis.preflight": (
        "analysis.store", "analysis.images", "analysis.model", "analysis.measures",
        "analysis.explain", "analysis.run",
    ),
    "headbrush.analysis": (
        "analysis.store", "analysis.images", "analysis.model", "analysis.measures",
        "analysis.explain", "analysis.prune", "analysis.run", "analysis.preflight",
    ),
    "headbrush.server.tools": ("analysis.store",),
    "headbrush.server.stores": ("analysis", "server.tools"),
    "headbrush.server.session.brush": ("analysis", "server.tools", "server.stores"),
    "headbrush.server.session": (
        "analysis", "server.tools", "server.stores", "server.session.brush",
    ),
    "headbrush.server.views": ("analysis", "server.tools", "server.stores", "server.session"),
    "headbrush.server.pages": (
        "analysis", "server.tools", "server.stores", "server.session", "server.views",
    ),
    "headbrush.server.host": ("analysis.store", "server.tools", "server.stores"),
    "headbrush.server": ("server.tools", "server.stores", "server.session.brush", "server.views",
                         "server.pages"),
    "headbrush": ("analysis", "server"),
}  # fmt: skip
"""A folder and its subfolders may import themselves and these, also their subfolders."""
MOST_ENTRIES = 13
"""Entries of a folder, with its ``__init__``."""


def modules() -> dict[str, Path]:
    """Every module of the package by its name, each once."""
    found = {}
    for folder in ("analysis", "server"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = ".".join(("headbrush", *path.relative_to(ROOT).with_suffix("").parts))
            found[name.removesuffix(".__init__")] = path
    for path in sorted((ROOT / "headbrush").glob("*.py")):
        found[f"headbrush.{path.stem}".removesuffix(".__init__")] = path
    return found


MODULES = modules()


def folder_of(module: str) -> str:
    """The entry of the table that a module belongs to."""
    return max((name for name in ORDER if f"{module}.".startswith(f"{name}.")), key=len)


def imported(path: Path) -> set[str]:
    """Modules of the package that a file imports, wherever it does."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else str(node.module))
    return found


@pytest.mark.parametrize("module", MODULES)
def test_a_file_imports_only_what_the_table_allows(module):
    own = folder_of(module)
    allowed = (own, *(f"headbrush.{name}" for name in ORDER[own]))
    for target in imported(MODULES[module]):
        assert target.split(".")[0] not in ("server", "analysis"), "a second copy of the package"
        if target.split(".")[0] == "headbrush" and target != "headbrush":
            assert target in MODULES
            folder = folder_of(target)
            assert any(f"{folder}.".startswith(f"{name}.") for name in allowed), target


def test_no_file_and_no_folder_is_part_of_a_circle():
    files = {name: imported(path) & MODULES.keys() for name, path in MODULES.items()}
    folders: dict[str, set[str]] = {}
    for name, targets in files.items():
        own = name if MODULES[name].stem == "__init__" else name.rpartition(".")[0]
        homes = {
            one if MODULES[one].stem == "__init__" else one.rpartition(".")[0] for one in targets
        }
        folders.setdefault(own, set()).update(homes - {own})
    for graph in (files, folders):
        assert circle(graph) == []


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Names that form a circle; empty if there is none."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return path[path.index(name) :]
        if name not in done:
            for target in sorted(graph.get(name, ())):
                if found := walk(target, [*path, name]):
                    return found
            done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := walk(name, []))), [])


def test_folders_are_small_and_say_what_they_hold():
    for top in ("analysis", "server"):
        for folder in {ROOT / top, *(path.parent for path in (ROOT / top).rglob("*.py"))}:
            entries = [path for path in folder.iterdir() if path.name != "__pycache__"]
            assert len(entries) <= MOST_ENTRIES, folder
            rule = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
            assert rule, folder


PRIVATE_OF_BOKEH = re.compile(
    r"from bokeh[\w.]* import (?:.*\W)?_[a-z]"
    r"|\b(?:Property|HasProps|Document|Server\w*|model|document|doc|server)\._[a-z]\w*"
)


def test_only_one_folder_reaches_into_the_private_side_of_bokeh():
    reaching = {
        f"{name}: {found[0]}"
        for name, path in MODULES.items()
        if not name.startswith("headbrush.server.tools.bokeh.")
        for found in PRIVATE_OF_BOKEH.finditer(path.read_text(encoding="utf-8"))
    }
    assert reaching == set()


SERVER = ", ".join(
    name for name in MODULES if name.startswith("headbrush.server.") and "main" not in name
)
"""Every module of the server but those that run when they are imported."""


@pytest.mark.parametrize(
    ("imports", "forbidden"),
    [
        ("headbrush.analysis.store.store", (*HEAVY, "bokeh", "datashader", "xarray")),
        (SERVER, (*HEAVY, "datashader", "pandas", "scipy.special", "xarray")),
        ("headbrush.analysis.pipeline", ("bokeh", "datashader", "headbrush.server")),
        ("headbrush.cli", (*HEAVY, "bokeh", "datashader", "xarray")),
    ],
    ids=["store", "server", "pipeline", "command line"],
)
def test_importing_does_not_load(imports, forbidden):
    code = f"import sys, {imports}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(forbidden) & set(done.stdout.split()) == set()


def test_only_the_process_of_the_models_imports_torch_in_the_server():
    importing = [
        name
        for name, path in MODULES.items()
        if name.startswith("headbrush.server.")
        and re.search(r"\b(import|from) (torch|timm)\b", path.read_text(encoding="utf-8"))
    ]
    assert importing == ["headbrush.server.stores.model.process_main"]


def test_a_server_holds_one_copy_of_every_module(tmp_path):
    """Bokeh runs ``main.py`` and ``app_hooks.py`` as modules of names of their own."""
    code = """
import sys
from bokeh.application.handlers import DirectoryHandler
from bokeh.document import Document
handler = DirectoryHandler(filename=sys.argv[1], argv=[])
handler.modify_document(Document())
assert handler.error is None, handler.error_detail
files = [m.__file__ for m in list(sys.modules.values()) if getattr(m, "__file__", None)]
ours = (f for f in files if "/server/" in f and "site-packages" not in f)
print(*(f for f in ours if not f.endswith("__init__.py")), sep="\\n")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "server")],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    files = [str(Path(line).resolve()) for line in done.stdout.splitlines()]
    assert len(files) > 20
    assert len(files) == len(set(files))
