"""A server beside the command that starts it: neither outlives the other.

It gets ready (imports, compiled loops, the port) while the command still makes what it will serve.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from headbrush.analysis.store.errors import InputError
from headbrush.server.host.ports import page_address
from headbrush.server.tools.child_process import AWAITS, OWNER, command_of

_PATIENCE_S = 20


class ServerBeside:
    """A server in a child process of this one, which gets ready at once and answers when told.

    Parameters
    ----------
    stores
        Folders of stores, which need not be there yet.
    port
        As of ``headbrush serve``.
    """

    def __init__(self, stores: Sequence[Path], port: int) -> None:
        words = ["--port", str(port), "--args", *map(str, stores)]
        self._address = page_address(port)
        self._process = subprocess.Popen(
            [*command_of("headbrush.server.host.beside"), *words],
            env={**os.environ, OWNER: str(os.getpid()), AWAITS: "yes"},
            stdin=subprocess.PIPE,
        )

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def answer(self) -> None:
        """Let it answer, now that the stores are there, and print its address.

        Raises
        ------
        InputError
            If it has ended.
        """
        if not self.is_running:
            raise InputError("the server of the page has ended; what it said stands above.")
        print(f"headbrush: {self._address}", flush=True)
        assert self._process.stdin is not None
        with suppress(BrokenPipeError), self._process.stdin as told:
            told.write(b"\n")

    def stop(self) -> None:
        """End it, if it runs."""
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def wait(self) -> NoReturn:
        """Wait until it ends, in the place of this process, whose memory is freed."""
        if (code := self._process.poll()) is not None:
            sys.exit(abs(code))
        words = [*command_of("headbrush.server.host.waiter"), str(self._process.pid)]
        os.execv(sys.executable, words)


def main() -> None:
    """Check ``[option]... --args STORE...``, and serve in the place of this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the owner too
    from headbrush.server.host.launch import unchecked_command

    place = sys.argv.index("--args")
    stores = [Path(word) for word in sys.argv[place + 1 :]]
    try:
        words, environment = unchecked_command(stores, sys.argv[1:place])
    except InputError as error:
        sys.exit(f"headbrush: {error}")
    os.execve(sys.executable, words, environment)
