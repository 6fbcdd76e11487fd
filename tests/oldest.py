"""Print the lowest version of every dependency, as constraints for ``pip install -c``."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent / "pyproject.toml"


def requirements(project: dict[str, Any]) -> Iterator[str]:
    """Every requirement of the project and of its extras."""
    yield from project["dependencies"]
    for lines in project["optional-dependencies"].values():
        yield from (line for line in lines if not line.startswith("headbrush["))


def constraint(requirement: str) -> str:
    """``name[extra]>=1.2,<2`` -> ``name==1.2``."""
    match = re.match(r"([\w.-]+)(?:\[[\w,]+\])?>=([\w.]+)", requirement)
    if match is None:
        raise ValueError(f"{requirement}: a lower bound is missing")
    return "==".join(match.groups())


if __name__ == "__main__":
    for line in requirements(tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]):
        print(constraint(line))
