"""The child process that reads attention files; ``reading`` starts and asks it.

A question is a message of JSON on the socket that is the process's standard input; an answer is one
of JSON and one of bytes, or one that says what is wrong.
"""

import json
from pathlib import Path

import numpy as np

from headbrush.analysis.store.attention_file import AttentionReader
from headbrush.analysis.store.errors import StoreError
from headbrush.server.tools.child_requests import listen

_READER = AttentionReader()
_READ = {"read_images": _READER.read_images, "read_matrix": _READER.read_matrix}


def main() -> None:
    """Read until the parent process is gone, also if a disk hangs."""
    pipe, questions = listen()
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
