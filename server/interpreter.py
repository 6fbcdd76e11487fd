"""Another Python that runs a part of the server."""

import subprocess
import sys
import sysconfig
import threading
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

_ROOT = Path(__file__).parent.parent


def command_of(module: str) -> list[str]:
    """What runs ``main`` of a module, for example ``server.command``, in a process of its own."""
    run = f"import sys; sys.path[:0] = {_path()}; from {module} import main; main()"
    # -P: a folder "server" or "analysis" where headbrush was started is not ours
    return [sys.executable, "-P", "-c", run]


def started(module: str) -> tuple[subprocess.Popen, Connection]:
    """A process that runs ``main`` of a module, and what is connected with its standard input."""
    pipe, there = Pipe()
    process = subprocess.Popen(command_of(module), stdin=there.fileno(), stdout=2)
    there.close()
    # whenever it ends, it is taken note of, and leaves nothing behind
    threading.Thread(target=process.wait, name="headbrush-reap", daemon=True).start()
    return process, pipe


def _path() -> list[str]:
    """Where the packages are, unless Python finds them there anyway."""
    return [] if str(_ROOT) == sysconfig.get_path("purelib") else [str(_ROOT)]
