"""How long the commands take that people wait for: help, the first page, the model, a report.

    python benchmarks/serving/starting.py STORE [--repeats N]

From the command's start: until ``headbrush --help`` has ended; until the page of ``headbrush
serve`` has come whole; until the model has answered the first question of that page; until
``headbrush report`` has ended. Processor time is that of all processes, and tells more than the
clock where others use the machine. Baselines, in turns: Python that does nothing, and ``bokeh
serve`` of an empty page.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.common import ROOT, note, port_free
from benchmarks.serving.clients import Client

_EMPTY = "from bokeh.io import curdoc\ncurdoc().add_root(__import__('bokeh.models').models.Div())\n"
_PATIENCE_S = 120


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    print(f"load of the machine at the start: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    headbrush = ["-m", "headbrush"]
    with tempfile.TemporaryDirectory() as folder:
        empty, out = Path(folder) / "empty.py", str(Path(folder) / "report.html")
        empty.write_text(_EMPTY, encoding="utf-8")
        for _ in range(asked.repeats):
            _ended("--help", [*headbrush, "--help"])
            _ended("--help", ["-c", "pass"], "python alone")
            _served([*headbrush, "serve", str(asked.store)], "server")
            _served(["-m", "bokeh", "serve", str(empty)], "empty", "bokeh serve, empty page")
            _ended("report", [*headbrush, "report", str(asked.store), "--out", out])


def _ended(what: str, words: list[str], who: str = "headbrush") -> None:
    before, start = _spent_by_ended(), time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    _tell(f"{what}, to its end", time.perf_counter() - start, _spent_by_ended() - before, who)


def _spent_by_ended() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _served(words: list[str], app: str, who: str = "headbrush") -> None:
    port, start = port_free(), time.perf_counter()
    origin = f"127.0.0.1:{port}"
    options = ["--port", str(port), "--address", "127.0.0.1", "--allow-websocket-origin", origin]
    with _running([*words, *options]) as spent:
        _first_page(f"http://{origin}/{app}")
        _tell("serve, to the first page", time.perf_counter() - start, spent(), who)
        if who == "headbrush":
            asyncio.run(_first_answer(f"http://{origin}/{app}"))
            what = "serve, to the model's first answer"
            _tell(what, time.perf_counter() - start, spent(), who)


@contextmanager
def _running(words: list[str]) -> Iterator[Callable[[], float]]:
    """A server that runs meanwhile; a function that tells its processor seconds until now."""
    server = subprocess.Popen([sys.executable, *words], cwd=ROOT,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        yield lambda: _spent(psutil.Process(server.pid))
    finally:
        server.terminate()
        server.wait(20)


def _spent(process: psutil.Process) -> float:
    every = [process, *process.children(recursive=True)]
    return sum(sum(one.cpu_times()[:2]) for one in every)


def _first_page(address: str) -> None:
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(address, timeout=_PATIENCE_S) as answer:
                answer.read()
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


async def _first_answer(address: str) -> None:
    client = Client(address, 0)
    await client.open()
    await client.answered()
    client.close()


def _tell(what: str, seconds: float, spent: float, who: str) -> None:
    note(what, seconds, "s", who)
    note(f"{what}, processor time", spent, "s", who)
    print(f"{who}: {what}: {seconds:.2f} s, {spent:.2f} s of the processor", flush=True)


if __name__ == "__main__":
    main()
