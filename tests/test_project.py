"""What the project says of itself in several places must agree."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONDA_NAMES = {"dask[distributed]": "dask", "torch": "pytorch"}


def test_conda_and_pip_name_the_same_dependencies():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["test"]
    pairs = (re.fullmatch(r"([\w\[\]-]+)(>=[\d.]+(?:,<[\d.]+)?)", line).groups() for line in wanted)
    expected = {CONDA_NAMES.get(name, name) + bound for name, bound in pairs}
    lines = re.findall(r"^  - (\S+)$", (ROOT / "environment.yml").read_text(), re.MULTILINE)
    python = f"python{project['requires-python']}"
    assert set(lines) - {"conda-forge", "pip"} == expected | {python}


def test_changelog_begins_with_the_version_of_the_code():
    version = re.search(r'__version__ = "(.+)"', (ROOT / "headbrush" / "__init__.py").read_text())[
        1
    ]
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert first == version
