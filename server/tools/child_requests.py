"""Child side of the pipe: read requests; exit when the parent does."""

import os
import signal
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue


def listen() -> tuple[Connection, "SimpleQueue[bytes]"]:
    """The socket that is the process's standard input, and what is asked on it.

    The process ends when the one that asks is gone, whatever it does then.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the one that asks
    pipe = Connection(os.dup(0))
    questions: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, questions), daemon=True).start()
    return pipe, questions


def _listen(pipe: Connection, questions: "SimpleQueue[bytes]") -> None:
    with suppress(EOFError, OSError):
        while True:
            questions.put(pipe.recv_bytes())
    os._exit(0)
