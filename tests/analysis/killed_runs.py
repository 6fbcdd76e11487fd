"""Run an analysis that is killed at a random moment of every stage, then once to its end.

    python -m tests.analysis.killed_runs MODEL IMAGES FOLDER

Makes FOLDER/whole in one go and FOLDER/killed with a kill in every stage that writes, and one
before; prints the stages, and those that a kill hit. Every run is a fork of this process, so that
nothing has to be imported again.
"""

import os
import random
import select
import signal
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path

from rich.console import Console

from headbrush.analysis.measures.autoencoders import convolutional
from headbrush.analysis.pipeline import analyze
from headbrush.analysis.preflight import prepare
from headbrush.analysis.preflight.measure import Measured
from headbrush.analysis.run import shards
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.request import Request
from headbrush.analysis.run.work_folder import PartsError

FIRST = "measure two images"
"""The last stage that writes nothing."""


class Reporting(StageProgress):
    """Writes the title of every stage to a pipe as it begins."""

    def __init__(self, pipe: int) -> None:
        super().__init__(Console(quiet=True))
        self._pipe = pipe

    @contextmanager
    def stage(self, title):
        os.write(self._pipe, f"{title}\n".encode())
        with super().stage(title) as advance:
            yield advance


def start(model: str, images: str, out: Path, is_measured: bool = True) -> tuple[int, int]:
    """Fork a run; its process and the pipe on which it names its stages.

    Parameters
    ----------
    is_measured
        Whether what two images take is known, which spares most of a small run.
    """
    read, write = os.pipe()
    process = os.fork()
    if process:
        os.close(write)
        return process, read
    shards.SHARD_IMAGES = 4
    convolutional.TRAINING_STEPS = 10
    if is_measured:
        prepare.measure = lambda *_: Measured(*[1e-3] * len(fields(Measured)))
    request = Request(Path(images), out, model, batch_size=2, autoencoder="convolutional")
    with suppress(PartsError):  # a finished store: its left parts are gone now
        analyze(request, Reporting(write))
    os._exit(0)


def stages(model: str, images: str, out: Path) -> dict[str, float]:
    """Seconds that each stage of an undisturbed run takes."""
    process, pipe = start(model, images, out, is_measured=False)
    begun = []
    with os.fdopen(pipe) as titles:
        for title in titles:
            begun.append((title.strip(), time.perf_counter()))
    os.waitpid(process, 0)
    ends = [moment for _, moment in begun[1:]] + [time.perf_counter()]
    return {title: end - moment for (title, moment), end in zip(begun, ends, strict=True)}


def kill_in(stage: str, seconds: float, model: str, images: str, out: Path) -> bool:
    """Run until ``seconds`` into ``stage``, or its end, then kill; whether something was killed."""
    process, pipe = start(model, images, out, is_measured=stage != FIRST)
    while title := os.read(pipe, 1000).decode():
        if stage in title.splitlines():
            select.select([pipe], [], [], seconds)  # the next stage's title, or the end
            break
    os.kill(process, signal.SIGKILL)
    os.close(pipe)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


def main(model: str, images: str, folder: str) -> None:
    taken = stages(model, images, Path(folder, "whole"))
    chance = random.Random(0)
    order = list(taken)
    for stage in order[order.index(FIRST) :]:
        print(stage, end=": ", flush=True)
        moment = chance.uniform(0, taken[stage])
        if kill_in(stage, moment, model, images, Path(folder, "killed")):
            print("killed", flush=True)
        else:
            print("done", flush=True)
    os.waitpid(start(model, images, Path(folder, "killed"))[0], 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
