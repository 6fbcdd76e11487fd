"""What memory pages take that are asked for and that no browser opens.

    python benchmarks/serving/unopened_pages.py STORE [--requests 3000]

Asks one server for the same page, as a crawler or a health check does that reads no scripts, and
tells its resident memory, its open pages and the seconds an answer takes. The baseline is the
server that has given no page yet.
"""

import argparse
import http.client
import re
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.common import port_free, serve

_SHOWN = (100, 200, 500, 1000, 2000, 3000, 5000, 10_000)
_SETTLE_S = 20
"""After which pages that nobody opened are dropped."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--requests", type=int, default=3000)
    asked = parser.parse_args()
    port = port_free()
    server = serve(asked.store, port)
    try:
        for line in _asked(port, psutil.Process(server.pid), asked.requests):
            print(line, flush=True)
    finally:
        server.terminate()
        server.wait()


def _asked(port: int, process: psutil.Process, requests: int) -> Iterator[str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    yield _state("fresh", connection, process)
    began = time.perf_counter()
    for count in range(1, requests + 1):
        _get(connection, "/server")
        if count in (1, *_SHOWN) or count == requests:
            yield _state(f"{count} requests", connection, process)
    each = (time.perf_counter() - began) / requests
    time.sleep(_SETTLE_S)
    yield _state(f"{_SETTLE_S} s later", connection, process)
    yield f"{each * 1000:.0f} ms a page"


def _state(when: str, connection: http.client.HTTPConnection, process: psutil.Process) -> str:
    memory = process.memory_info().rss / 1e6
    found = re.findall(r"^headbrush_sessions\S* ([\d.]+)", _get(connection, "/metrics"), re.M)
    return f"{when:15} {memory:6.0f} MB  {sum(map(float, found)):3.0f} pages kept"


def _get(connection: http.client.HTTPConnection, path: str) -> str:
    connection.request("GET", path)
    return connection.getresponse().read().decode()


if __name__ == "__main__":
    main()
