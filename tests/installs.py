"""Virtual environments in which headbrush is installed, each with a folder of its user's own."""

import importlib.metadata
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from tests.server.served import Served, free_port, running


@dataclass(frozen=True)
class Installed:
    """A virtual environment with headbrush, and a folder of its user's own."""

    folder: Path

    @property
    def work(self) -> Path:
        """The user's folder, with an ``analysis.py`` and a ``server/`` that are not headbrush's."""
        return self.folder / "work"

    def run(self, *words: object, **options: Any) -> subprocess.CompletedProcess:
        """Run a program of the environment in the user's folder."""
        command = [str(self.folder / "bin" / str(words[0])), *map(str, words[1:])]
        return subprocess.run(
            command, cwd=self.work, env=self.environment, capture_output=True, text=True,
            check=False, **options,
        )  # fmt: skip

    def python(self, code: str, *words: object) -> str:
        """What a script prints."""
        done = self.run("python", "-c", code, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def serve(self, store: Path) -> AbstractContextManager[Served]:
        """A server of ``store`` that is started in the user's folder."""
        port = free_port()
        words = [str(self.folder / "bin" / "headbrush"), "serve", str(store), "--port", str(port)]
        return running(words, port, self.work / "log", self.work, self.environment)

    @property
    def environment(self) -> dict[str, str]:
        """The variables, without what leads to the repository."""
        return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def installed(folder: Path, wheel: Path) -> Installed:
    """A new virtual environment in which only headbrush is installed."""
    venv.create(folder, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "-q",
           "--no-index", "--no-deps", wheel]  # fmt: skip
    subprocess.run(pip, check=True)
    made = Installed(folder)
    (made.work / "server").mkdir(parents=True)
    for name in ("analysis.py", "server/__init__.py", "cli.py"):
        (made.work / name).write_text("raise RuntimeError('this is the file of the user')")
    return made


def site_packages(folder: Path) -> Path:
    """Where a virtual environment keeps what is installed."""
    return Path(sysconfig.get_path("purelib", "venv", vars={"base": str(folder)}))


def see_parent(made: Installed) -> None:
    """Let an environment import everything that is installed in this one."""
    parent = sysconfig.get_path("purelib")  # a .pth file in there is not read
    (site_packages(made.folder) / "parent.pth").write_text(parent)


def link_closure(made: Installed, names: Iterable[str]) -> None:
    """Let an environment import distributions of this one and what they require, nothing else."""
    site = site_packages(made.folder)
    for name in _closure(names):
        distribution = importlib.metadata.distribution(name)
        tops = {file.parts[0] for file in distribution.files or ()}
        for top in tops - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(distribution.locate_file(top))


def _closure(names: Iterable[str]) -> set[str]:
    reached, waiting = set(), [(name, "") for name in names]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) not in reached:
            reached.add((name, extra))
            for text in importlib.metadata.requires(name) or ():
                needed = Requirement(text)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    waiting += [(needed.name, one) for one in ("", *needed.extras)]
    return {name for name, _ in reached}
