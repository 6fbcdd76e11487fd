"""A server beside the command that starts it: neither outlives the other."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from headbrush.server.host.launch import server_command
from headbrush.server.host.serve_command import OWNER
from headbrush.server.tools.child_process import command_of

_PATIENCE_S = 20


class ServerBeside:
    """A server in a child process of this one.

    Parameters
    ----------
    stores, options
        As of :func:`headbrush.server.host.launch.serve`.
    """

    def __init__(self, stores: Sequence[Path], options: Sequence[str]) -> None:
        self._stores, self._options = list(stores), list(options)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and print its address.

        Raises
        ------
        InputError
            If a store cannot be read, or the port is taken.
        """
        words, environment = server_command(self._stores, self._options)
        environment[OWNER] = str(os.getpid())
        self._process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL)

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def wait(self) -> NoReturn:
        """Wait until it ends, in the place of this process, whose memory is freed."""
        assert self._process is not None
        if (code := self._process.poll()) is not None:
            sys.exit(abs(code))
        words = [*command_of("headbrush.server.host.waiter"), str(self._process.pid)]
        os.execv(sys.executable, words)
