"""An examination in a process of its own: a file may hang HDF5, or end whatever reads it."""

import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from headbrush.analysis.doctor.examine import examine
from headbrush.analysis.doctor.findings import Finding, Progress, Said

PATIENCE_S = 120.0
"""A step takes at most seconds on a slow disk."""


def examined(path: Path, patience_s: float = PATIENCE_S) -> Iterator[Said]:
    """As ``examine``; one more finding if nothing comes for ``patience_s``, or the process ends."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(there, path), daemon=True)
    process.start()
    there.close()
    what = "the store"
    try:
        while here.poll(patience_s):
            said: Said | None = here.recv()
            if said is None:
                return
            what = said.what if isinstance(said, Progress) else what
            yield said
        yield Finding(f"{path}: reading {what} did not end in {patience_s:g} s; {_ADVICE}.")
    except EOFError:
        yield Finding(f"{path}: reading {what} ended the process that read it; {_ADVICE}.")
    finally:
        process.kill()
        process.join()
        here.close()


_ADVICE = "check the disk, or copy the store again from where it came"


def _send(pipe: Connection, path: Path) -> None:
    for said in examine(path):
        pipe.send(said)
    pipe.send(None)
