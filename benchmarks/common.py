"""What several benchmarks use."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUNDLED = ROOT / "datasets" / "fashion_mnist"
NOTES = "HEADBRUSH_BENCHMARK_NOTES"
"""Name of the environment variable that names the file of ``note``."""


def note(
    what: str,
    values: float | Iterable[float],
    unit: str,
    who: str = "headbrush",
    is_more_better: bool = False,
) -> None:
    """Keep a figure for ``make bench``: a line in the file that the suite asks for, if it does.

    Parameters
    ----------
    what
        What was measured and of what size; the same words for headbrush and its peers.
    values
        What each repetition took, or one value.
    who
        Whose figure it is; every name but ``headbrush`` is a peer's.
    """
    path = os.environ.get(NOTES)
    if path is None:
        return
    every = [values] if isinstance(values, (int, float)) else list(map(float, values))
    kept = {"what": what, "who": who, "unit": unit, "is_more_better": is_more_better}
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(json.dumps(kept | {"values": every}) + "\n")


def port_free() -> int:
    """A port that nothing listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(store: Path, port: int, *options: str) -> subprocess.Popen:
    """A server of ``store`` that answers."""
    return _started(["-m", "headbrush", "serve", str(store), *options], port, "server")


def serve_app(app: Path, port: int, *arguments: str) -> subprocess.Popen:
    """A server of another Bokeh app that answers."""
    return _started(["-m", "bokeh", "serve", str(app)], port, app.stem, "--args", *arguments)


def _started(words: list[str], port: int, name: str, *rest: str) -> subprocess.Popen:
    where = ["--port", str(port), "--address", "127.0.0.1",
             "--allow-websocket-origin", f"127.0.0.1:{port}"]  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, *words, *where, *rest],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip
    for _ in range(480):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}/metadata", timeout=1).close()
            return server
        except OSError:
            time.sleep(0.25)
    server.terminate()
    raise SystemExit("the server did not start within two minutes")
