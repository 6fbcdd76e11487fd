"""The process that reads files of attention; ``reading`` starts and asks it.

A question is a message of JSON on the socket that is the process's standard input; an answer is one
of JSON and one of bytes, or one that says what is wrong.
"""

import json
import os
import signal
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from analysis import attention_file
from analysis.errors import StoreError

_READ = {
    "read_images": attention_file.read_images,
    "read_matrix": attention_file.read_matrix,
}


def main() -> None:
    """Read until the process that asks is gone, also while a disk does not answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the one that asks
    pipe = Connection(os.dup(0))
    questions: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, questions), daemon=True).start()
    pipe.send_bytes(b"ready")
    while True:
        asked = json.loads(questions.get())
        try:
            found = _READ[asked["ask"]](Path(asked["path"]), *asked["place"])
        except StoreError as error:
            pipe.send_bytes(json.dumps({"fault": str(error)}).encode())
            continue
        found = np.ascontiguousarray(found)
        told = {"dtype": found.dtype.str, "shape": found.shape}
        pipe.send_bytes(json.dumps(told).encode())
        pipe.send_bytes(found.data.cast("B") if found.size else b"")


def _listen(pipe: Connection, questions: "SimpleQueue[bytes]") -> None:
    with suppress(EOFError, OSError):
        while True:
            questions.put(pipe.recv_bytes())
    os._exit(0)
