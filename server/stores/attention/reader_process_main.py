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
        question = json.loads(questions.get())
        try:
            values = _READ[question["ask"]](Path(question["path"]), *question["place"])
        except StoreError as error:
            pipe.send_bytes(json.dumps({"fault": str(error)}).encode())
            continue
        values = np.ascontiguousarray(values)
        header = {"dtype": values.dtype.str, "shape": values.shape}
        pipe.send_bytes(json.dumps(header).encode())
        pipe.send_bytes(values.data.cast("B") if values.size else b"")
