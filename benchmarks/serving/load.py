"""How a server keeps up with many readers.

    python benchmarks/serving/load.py STORE [--sessions 1 20 50] [--seconds 120] [--soak 500]

Readers on real websockets of this machine load the page, then step through images and heads or
brush, each once in 0.5 to 1.5 s. A figure runs from what a reader does until the server has worked
on it and sent what changed; drawing in a browser is not in it. The baseline, in the same run, is
the same readers asking what needs no work. A heartbeat from another process asks ``/healthz`` every
20 ms: how late the answer comes is how long the event loop was blocked. ``--soak`` opens and leaves
pages, and tells what memory is left.
"""

import argparse
import asyncio
import http.client
import multiprocessing
import os
import random
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import psutil

from benchmarks.common import note, port_free, serve
from benchmarks.serving.clients import Client

_PULSE_S = 0.02
_BASELINE_S = 10
_FORGET_MS = 1000
_AT_ONCE = 4
_QUICKLY = (
    "--unused-session-lifetime",
    str(_FORGET_MS),
    "--check-unused-sessions",
    str(_FORGET_MS),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--sessions", type=int, nargs="*", default=[1, 20, 50])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--soak", type=int, default=0, metavar="CYCLES")
    asked = parser.parse_args()
    print(f"load of the machine at the start: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    for count in asked.sessions:
        _with_server(asked.store, lambda url, pid, n=count: _load(url, pid, n, asked.seconds))
    if asked.soak:
        _with_server(asked.store, lambda url, pid: _soak(url, pid, asked.soak))


def _with_server(store: Path, measure: Callable[[str, int], Awaitable[None]]) -> None:
    port = port_free()
    server = serve(store, port, *_QUICKLY)
    try:
        asyncio.run(measure(f"http://127.0.0.1:{port}/server", server.pid))
    finally:
        server.terminate()
        server.wait(20)


async def _load(url: str, pid: int, count: int, seconds: float) -> None:
    first = Client(url, 0)
    await first.open()
    await first.act()
    before = _memory(pid)
    clients = [Client(url, number) for number in range(1, count)]
    pulse = Pulse(url)
    for begin in range(0, len(clients), _AT_ONCE):
        await asyncio.gather(*(client.open() for client in clients[begin : begin + _AT_ONCE]))
    loaded = [client.loading for client in (first, *clients)]
    print(f"{count} sessions: loading {_words(loaded)}")
    note(f"loading a page, {count} readers", _milliseconds(loaded), "ms")
    pulse.tell("while they load")
    start = _memory(pid)
    if clients:
        each = (start - before) / len(clients) / 1e6
        note(f"each further page, {count} readers", each, "MB")
        print(f"  each further session {each:.1f} MB")
    for what, each, long in (("baseline, no work", Client.ping, min(seconds, _BASELINE_S)),
                             ("brushing and stepping", Client.act, seconds)):  # fmt: skip
        pulse = Pulse(url)
        times, errors = await _readers([first, *clients], each, long)
        note(f"{what}, {count} readers", _milliseconds(times), "ms")
        print(f"  {what}: {_words(times)}, {len(times)} times, {errors} errors")
        pulse.tell(what)
    print(f"  memory {start / 1e6:.0f} MB at the start, {_memory(pid) / 1e6:.0f} MB at the end, "
          f"and with the model's process {_memory(pid, True) / 1e6:.0f} MB")  # fmt: skip
    pulse = Pulse(url)
    for client in (first, *clients):
        client.close()
    await asyncio.sleep(4 * _FORGET_MS / 1000)
    pulse.tell("while they leave")


async def _readers(
    clients: list[Client], act: Callable[[Client], Awaitable[float]], seconds: float
) -> tuple[list[float], int]:
    """Times of what all readers do for so long, each in its own rhythm, and how much failed."""
    end = time.perf_counter() + seconds
    times: list[float] = []
    errors = 0

    async def read(client: Client) -> None:
        nonlocal errors
        await asyncio.sleep(random.random())
        while time.perf_counter() < end:
            try:
                times.append(await act(client))
            except (RuntimeError, ConnectionError) as error:
                print(f"  failed: {str(error)[:200]}")
                errors += 1
                return
            await asyncio.sleep(0.5 + random.random())

    await asyncio.gather(*map(read, clients))
    return times, errors


async def _soak(url: str, pid: int, cycles: int) -> None:
    """Pages come and go; the first tenth warms up."""
    marks = []
    for cycle in range(cycles):
        client = Client(url, cycle)
        await client.open()
        await client.act()
        client.close()
        if (cycle + 1) % max(1, cycles // 10) == 0:
            await asyncio.sleep(3 * _FORGET_MS / 1000)
            marks.append(_memory(pid) / 1e6)
            print(f"  after {cycle + 1} pages: {marks[-1]:.0f} MB", flush=True)
    growth = (marks[-1] - marks[0]) / (cycles * 0.9) * 1000
    print(f"soak of {cycles} pages: {marks[0]:.0f} to {marks[-1]:.0f} MB, {growth:.0f} kB a page")


class Pulse:
    """Asks the server every 20 ms, from a process of its own, how it is."""

    def __init__(self, url: str) -> None:
        self._here, there = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=_beat, args=(url, there))
        self._process.start()

    def tell(self, when: str) -> None:
        """Stop, and print how late the answers came."""
        self._here.send(None)
        times = self._here.recv()
        self._process.join()
        over = np.mean(np.array(times) > 0.05)
        print(f"  heartbeat {when}: {_words(times)}, most {max(times) * 1e3:.0f} ms, "
              f"{over:.1%} over 50 ms", flush=True)  # fmt: skip


def _beat(url: str, pipe: Connection) -> None:
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=60)
    times = []
    while not times or not pipe.poll(_PULSE_S):
        start = time.perf_counter()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        times.append(time.perf_counter() - start)
    pipe.send(times)


def _milliseconds(seconds: list[float]) -> list[float]:
    return [1e3 * one for one in seconds]


def _words(seconds: list[float]) -> str:
    median, p95 = np.quantile(seconds, (0.5, 0.95)) * 1e3
    return f"p50 {median:.0f} ms, p95 {p95:.0f} ms"


def _memory(pid: int, with_model: bool = False) -> int:
    process = psutil.Process(pid)
    others = process.children(recursive=True) if with_model else ()
    return sum(one.memory_info().rss for one in (process, *others))


if __name__ == "__main__":
    main()
