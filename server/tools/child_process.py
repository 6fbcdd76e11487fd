"""Start a module's ``main`` in a child Python process."""

import subprocess
import sys
import sysconfig
import threading
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

OWNER = "HEADBRUSH_OWNER"
"""Environment variable: the process without which the server ends."""
AWAITS = "HEADBRUSH_AWAITS"
"""Environment variable: the server is all ready, and answers once its owner sends a line."""


def command_of(module: str) -> list[str]:
    """The command line that runs ``main`` of a module, for example ``package.module``."""
    run = f"import sys; sys.path[:0] = {_path()}; from {module} import main; main()"
    # -P: a file in the folder where this was started is not ours
    return [sys.executable, "-P", "-c", run]


def started(module: str) -> "tuple[subprocess.Popen[bytes], Connection]":
    """A process that runs ``main`` of a module, and what is connected with its standard input."""
    pipe, there = Pipe()
    process = subprocess.Popen(command_of(module), stdin=there.fileno(), stdout=2)
    there.close()
    # whenever it ends, it is taken note of, and leaves nothing behind
    threading.Thread(target=process.wait, name="headbrush-reap", daemon=True).start()
    return process, pipe


def package_folder() -> Path:
    """The folder from which ``headbrush`` is imported."""
    return Path(str(sys.modules["headbrush"].__file__)).parent.parent


def _path() -> list[str]:
    """Where the package is, unless Python finds it there anyway."""
    root = package_folder()
    return [] if str(root) == sysconfig.get_path("purelib") else [str(root)]
