"""How long ``headbrush demo`` takes: until its page can be opened, and until it is full.

    python benchmarks/analysis/demo_time.py [--port N]

Both are seconds since the command began. The first is when the store's page answers with images,
strength, attention and the importance by gradient; then each of what is still pending, as it
arrives; the last is when the analysis has ended. Processor seconds are of the analysis and all that
it starts, which tell more than the clock on a machine that does other work.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.store import Store

_STEP_S = 0.2


def is_open(port: int) -> bool:
    """Whether the page of the store answers."""
    with suppress(OSError), urllib.request.urlopen(f"http://localhost:{port}/server", timeout=60):
        return True
    return False


def pending(store: Path) -> frozenset[str] | None:
    """What the store still lacks; None before it can be opened."""
    with suppress(StoreError):
        return Store(store, unfinished=True).pending
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=5099)
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "demo.headbrush"
        words = ["demo", "--out", str(store), "--port", str(args.port)]
        begun = time.monotonic()
        demo = subprocess.Popen([sys.executable, "-m", "headbrush", *words])
        try:
            watch(store, args.port, begun, demo)
        finally:
            demo.terminate()
            demo.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"processor {used.ru_utime + used.ru_stime:.0f} s", flush=True)


def watch(store: Path, port: int, begun: float, demo: subprocess.Popen) -> None:
    """Print when the page opens, and when each of what it waits for is there."""
    missing: frozenset[str] | None = None
    is_shown = False
    while missing != frozenset():
        if demo.poll() is not None:
            raise SystemExit("the demo ended")
        now = pending(store)
        if now is not None and now != missing:
            arrived = "the store can be opened" if missing is None else ", ".join(missing - now)
            print(f"{time.monotonic() - begun:6.1f} s  {arrived}", flush=True)
            missing = now
        if missing is not None and not is_shown and is_open(port):
            is_shown = True
            print(f"{time.monotonic() - begun:6.1f} s  the page answers", flush=True)
        time.sleep(_STEP_S)


if __name__ == "__main__":
    main()
