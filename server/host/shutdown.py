"""Graceful shutdown: pages are closed with a reason, then the processes end."""

import asyncio
import atexit
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable

from bokeh.server.server import Server

from headbrush.server.host.answers.socket import Socket

log = logging.getLogger("headbrush")

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_GOING_AWAY = 1001
_PATIENCE = 3.0
_STEP = 0.05


class GracefulServer:
    """Runs a Bokeh server until a stop signal; a second signal stops at once.

    Parameters
    ----------
    begin
        Called after the signal, before the pages are closed.
    """

    def __init__(self, server: Server, begin: Callable[[], None]) -> None:
        self._server, self._begin = server, begin
        self._stopping: asyncio.Task | None = None

    def run_until_shutdown(self) -> None:
        """Serve; returns when everything is closed."""
        self._server.start()
        loop = asyncio.get_event_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._ask)
        self._server.io_loop.start()
        self._server.stop()
        log.info("stopped")

    def _ask(self) -> None:
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self._stop())
        else:
            self._server.io_loop.stop()

    async def _stop(self) -> None:
        log.info("shutting down: closing %d pages", len(Socket.open_sockets))
        self._begin()
        for socket in list(Socket.open_sockets):
            socket.close(_GOING_AWAY, "the server is stopping")
        steps = int(_PATIENCE / _STEP)
        while Socket.open_sockets and steps:
            await asyncio.sleep(_STEP)
            steps -= 1
        self._server.io_loop.stop()


class Children:
    """The processes of ``--num-procs``: made by Tornado, stopped together with their parent.

    Tornado's parent only waits for them and would leave them behind. Each child sends its process
    id through a pipe; the parent sends SIGTERM to all of them when it is stopped, and again each
    second, for those that joined late.
    """

    def __init__(self) -> None:
        self._parent = os.getpid()
        self._pids: set[int] = set()
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        for number in (*_SIGNALS, signal.SIGALRM):
            signal.signal(number, self._stop)
        atexit.register(signal.signal, signal.SIGALRM, signal.SIG_IGN)  # late, it would kill

    def join(self) -> None:
        """Send the number of this child, which is about to serve, to the parent."""
        os.write(self._write_end, f"{os.getpid()}\n".encode())
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def _stop(self, _number: int, _frame: object) -> None:
        if os.getpid() != self._parent:  # a child that does not serve yet
            sys.exit(0)
        signal.setitimer(signal.ITIMER_REAL, 1)
        with contextlib.suppress(BlockingIOError):
            self._pids |= {int(line) for line in os.read(self._read_end, 1 << 16).split()}
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
