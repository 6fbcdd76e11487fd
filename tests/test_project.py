"""What the project says of itself in several places must agree."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.oldest import constraint

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONDA_NAMES = {
    "torch": "pytorch",
    "build": "python-build",
    "prometheus-client": "prometheus_client",
}
OF_DASK = {"distributed"}
"""Distributions that an extra of ``dask`` brings."""
IN_PACKAGE = ("headbrush", "analysis", "server")


def requirements(*extras: str) -> dict[str, Requirement]:
    """What headbrush and these extras require, by name; headbrush's own extras aside."""
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    parsed = map(Requirement, lines)
    return {one.name: one for one in parsed if one.name != "headbrush"}


def sources(*folders: str) -> Iterator[Path]:
    """Python files below these folders; none twice, as links are not followed."""
    for folder in folders:
        yield from (ROOT / folder).rglob("*.py")


def imported(files: Iterator[Path]) -> set[str]:
    """Top-level names that files import from elsewhere."""
    names = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    ours = {path.stem for path in ROOT.iterdir()} | {path.stem for path in sources("datasets")}
    ours |= {path.stem for path in sources("benchmarks")}
    return names - set(sys.stdlib_module_names) - ours


def distributions(names: set[str]) -> set[str]:
    """The distributions that these names are imported from, as they are required."""
    providers = importlib.metadata.packages_distributions()
    found = {canonicalize_name(providers[name][0]) for name in names}
    return {"dask" if name in OF_DASK else name for name in found}


def test_every_import_of_the_package_is_required_and_nothing_else_is():
    wanted = {canonicalize_name(name) for name in requirements("analyze")}
    assert distributions(imported(sources(*IN_PACKAGE))) == wanted


def test_what_the_tests_import_is_required():
    wanted = {canonicalize_name(name) for name in requirements("analyze", "test")}
    assert distributions(imported(sources("tests"))) <= wanted


def test_what_the_benchmarks_import_is_required():
    wanted = requirements("analyze", "test", "bench")
    peers = {"captum", "holoviews"}  # not installed with the tests
    assert peers <= set(wanted)
    names = imported(sources("benchmarks")) - peers
    assert distributions(names) <= {canonicalize_name(name) for name in wanted}


def test_conda_and_pip_name_the_same_dependencies():
    named = requirements("analyze", "test").values()
    expected = {f"{CONDA_NAMES.get(one.name, one.name)}{one.specifier}" for one in named}
    expected.add(f"python{PROJECT['requires-python']}")
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    lines = set(re.findall(r"^  - (\S+)$", text, re.MULTILINE)) - {"conda-forge", "pip"}
    assert {str(Requirement(line)) for line in lines} == expected


def test_the_lowest_version_of_a_requirement_is_its_lower_bound():
    assert constraint("dask[distributed]>=2025.1") == "dask==2025.1"
    assert constraint("netcdf4>=1.7.4,!=1.7.5") == "netcdf4==1.7.4"
    with pytest.raises(ValueError, match="a lower bound is missing"):
        constraint("numpy<3")


def test_text_is_read_and_written_as_utf_8():
    """Elsewhere Python takes the encoding of the locale."""
    careless = []
    for path in sources(*IN_PACKAGE):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and opens_text(node):
                careless.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert careless == []


def opens_text(call: ast.Call) -> bool:
    """Whether a call reads or writes text without saying in which encoding."""
    words = [one.value for one in call.args if isinstance(one, ast.Constant)]
    keywords = {keyword.arg for keyword in call.keywords}
    if "encoding" in keywords or "utf-8" in words or "force_zip64" in keywords:  # bytes in a zip
        return False
    match call.func:
        case ast.Attribute(attr="read_text" | "write_text"):
            return True
        case ast.Attribute(attr="open", value=ast.Call(func=ast.Name(id="super"))):
            return False
        case ast.Attribute(attr="open" | "fdopen") if call.args:
            return is_text(mode_of(call))
        case ast.Name(id="open") | ast.Attribute(attr="open"):
            return "b" not in mode_of(call)
    return False


def is_text(mode: str) -> bool:
    """Whether a file is opened in this mode as text."""
    return bool(re.fullmatch("[rwax][t+]*", mode))


def mode_of(call: ast.Call) -> str:
    """The mode with which a call opens a file, as far as it is written there."""
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    words = [one.value for one in given if isinstance(one, ast.Constant)]
    return next((word for word in words if isinstance(word, str) and len(word) <= 3), "")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("path.read_text()", True),
        ("path.write_text('x', encoding='utf-8')", False),
        ("path.open('w')", True),
        ("path.open()", True),
        ("open(path)", True),
        ("open(path, 'rb')", False),
        ("os.fdopen(number, 'w')", True),
        ("super().open()", False),
        ("path.open('wb')", False),
        ("open(path, 'a', encoding='utf-8')", False),
        ("os.open(path, os.O_RDONLY)", False),
        ("Image.open(path)", False),
    ],
)
def test_what_counts_as_text_without_an_encoding(code, expected):
    assert opens_text(ast.parse(code, mode="eval").body) == expected


def test_changelog_begins_with_the_version_of_the_code():
    code = (ROOT / "headbrush" / "__init__.py").read_text(encoding="utf-8")
    version = re.search(r'__version__ = "(.+)"', code)[1]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (\S+)", changes, re.MULTILINE)[1] == version
