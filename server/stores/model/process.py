"""The child process that holds the models: starting it, asking it, ending it."""

import json
import logging
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BytesIO
from multiprocessing.connection import Connection
from signal import Signals
from typing import Any

import numpy as np

from headbrush.server.stores.model.errors import LiveError
from headbrush.server.tools.child_process import started

log = logging.getLogger("headbrush")

_STEP_S = 0.1


class LiveProcess:
    """One process that answers one question at a time; started when it is first asked.

    It lives no longer than the process that asks, and is started again after it was ended or died.

    Parameters
    ----------
    limit
        Seconds that one answer may take.
    patience
        Seconds that an unwanted answer may take.
    """

    def __init__(self, limit: float = 120, patience: float = 5) -> None:
        self._limit, self._patience = limit, patience
        self._running: tuple[subprocess.Popen[bytes], Connection] | None = None

    @property
    def pid(self) -> int | None:
        """Process id, None if it is not running."""
        if self._running is None or self._running[0].poll() is not None:
            return None
        return self._running[0].pid

    def ask(
        self,
        question: Mapping[str, Any],
        is_wanted: Callable[[], bool] = lambda: True,
        limit: float | None = None,
    ) -> dict[str, np.ndarray]:
        """Ask ``process_main`` and wait for its answer; call it from one thread at a time.

        Parameters
        ----------
        is_wanted
            Whether somebody still waits for the answer; if not, it may be cancelled.
        limit
            Seconds that this answer may take, if not as long as any.

        Raises
        ------
        LiveError
            If the process says why it cannot answer, takes too long, or dies.
        """
        process, pipe = self._started()
        try:
            pipe.send_bytes(json.dumps(question).encode())
            self._await(pipe, is_wanted, self._limit if limit is None else limit)
            answer = np.load(BytesIO(pipe.recv_bytes()), allow_pickle=False)
        except (EOFError, OSError) as error:
            raise LiveError(self._died(process)) from error
        if "failed" in answer:
            log.error("the model failed: %s", answer["failed"])
        if "fault" in answer:
            raise LiveError(str(answer["fault"]))
        return dict(answer)

    def close(self) -> None:
        """Kill the process, whatever it is doing."""
        if self._running is not None:
            process, pipe = self._running
            process.kill()
            process.wait()
            pipe.close()
            self._running = None

    def _started(self) -> "tuple[subprocess.Popen[bytes], Connection]":
        if self._running is None or self._running[0].poll() is not None:
            self.close()
            self._running = started("headbrush.server.stores.model.process_main")
        return self._running

    def _await(self, pipe: Connection, is_wanted: Callable[[], bool], limit: float) -> None:
        began = time.monotonic()
        while not pipe.poll(_STEP_S):
            seconds = time.monotonic() - began
            if seconds > limit:
                self.close()
                raise LiveError(
                    f"The model gave no answer within {limit:.0f} s, so it was stopped. "
                    "Select it again to restart it."
                )
            if seconds > self._patience and not is_wanted():
                self.close()
                raise LiveError("Nobody is waiting for the answer any more.")

    def _died(self, process: "subprocess.Popen[bytes]") -> str:
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)
        self.close()
        how = "" if process.returncode is None else _how_it_ended(process.returncode)
        log.error("the model process ended%s", how)
        return f"The model's process ended without an answer{how}. Select it again to restart it."


_KILLED = 9
"""The number of SIGKILL, which Windows does not know."""


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f" (exit status {code})"
    too_large = ", often because memory ran out" if -code == _KILLED else ""
    with suppress(ValueError):
        return f" ({Signals(-code).name}{too_large})"
    return f" (signal {-code})"
