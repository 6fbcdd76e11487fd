"""Another Python that runs a part of the server."""

import sys
import sysconfig
from pathlib import Path

_ROOT = Path(__file__).parent.parent


def command_of(module: str) -> list[str]:
    """What runs ``main`` of a module, for example ``server.command``, in a process of its own."""
    run = f"import sys; sys.path[:0] = {_path()}; from {module} import main; main()"
    # -P: a folder "server" or "analysis" where headbrush was started is not ours
    return [sys.executable, "-P", "-c", run]


def _path() -> list[str]:
    """Where the packages are, unless Python finds them there anyway."""
    return [] if str(_ROOT) == sysconfig.get_path("purelib") else [str(_ROOT)]
