"""Run the benchmarks that matter, and write one file of figures and one table of them.

    python benchmarks/suite/run.py [NAME]... [--store STORE] [--out FILE] [--quick]

`make bench` calls it. The bundled images are analyzed first, if no STORE is given and none is there
from a run before. A benchmark that fails or takes too long is told, and the others go on; then the
exit status is 1.
"""

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.common import NOTES, ROOT
from benchmarks.suite.figures import summed_up
from benchmarks.suite.machine import machine, versions
from benchmarks.suite.plan import PLAN, STORE
from benchmarks.suite.table import markdown
from headbrush.analysis.store.atomic_files import replacing
from headbrush.analysis.store.errors import InputError, nearest

FOLDER = ROOT / "build" / "bench"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PLAN))
    parser.add_argument("--store", type=Path, help="a store with its images and model")
    parser.add_argument("--out", type=Path, default=FOLDER / "figures.json")
    parser.add_argument("--quick", action="store_true", help="only try that everything works")
    asked = parser.parse_args()
    try:
        names = chosen(asked.names)
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        found = measured(names, asked.store or bundled_store(), asked.quick)
        write(found, asked.out)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    failed = {name: one["failed"] for name, one in found["benchmarks"].items() if one["failed"]}
    for name, why in failed.items():
        print(f"failed: {name}, {why}", file=sys.stderr)
    return int(bool(failed))


def chosen(names: list[str]) -> list[str]:
    """Those that are asked for, all if none is."""
    for name in names:
        if name not in PLAN:
            raise InputError(
                f"{name}: no such benchmark.{nearest(name, PLAN)} There are {', '.join(PLAN)}."
            )
    return names or list(PLAN)


def bundled_store() -> Path:
    """The store of the bundled images, made unless it is there and of this version."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    store = FOLDER / "demo.headbrush"
    words = [sys.executable, "-m", "headbrush", "demo", "--no-serve", "--out", str(store)]
    if subprocess.run(words, cwd=ROOT).returncode:
        raise InputError(f"{store}: the bundled images could not be analyzed; see above.")
    return store


def write(found: dict[str, Any], out: Path) -> None:
    """Write the file of figures and, beside it, the table, which is printed too."""
    table = markdown(found)
    texts = {out: json.dumps(found, indent=1, ensure_ascii=False) + "\n",
             out.with_suffix(".md"): table}  # fmt: skip
    for path, text in texts.items():
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    print(f"\n{table}\n{' and '.join(map(str, texts))} are written.")


def measured(names: list[str], store: Path, is_quick: bool) -> dict[str, Any]:
    """What a file of figures holds."""
    found: dict[str, Any] = {
        "machine": machine(),
        "versions": versions(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "benchmarks": {},
        "figures": [],
    }
    for name in names:
        begun = time.perf_counter()
        print(f"\n{name}", flush=True)
        failed, notes = _run(name, store, is_quick)
        seconds = round(time.perf_counter() - begun, 1)
        print(f"({seconds:.0f} s)", flush=True)
        found["benchmarks"][name] = {"seconds": seconds, "failed": failed}
        found["figures"] += summed_up(name, notes)
    return found


def _run(name: str, store: Path, is_quick: bool) -> tuple[str, list[dict[str, Any]]]:
    """Why a benchmark failed, empty if it did not, and what it noted."""
    asked = PLAN[name]
    words = shlex.split(asked.quick if is_quick else asked.arguments)
    words = [str(store) if word == STORE else word for word in words]
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "notes"
        notes.touch()
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        environment = os.environ | {NOTES: str(notes), "PYTHONPATH": path}
        words = [sys.executable, str(ROOT / "benchmarks" / asked.script), *words]
        failed = _ended(words, environment, asked.limit)
        return failed, [json.loads(line) for line in notes.read_text("utf-8").splitlines()]


def _ended(words: list[str], environment: dict[str, str], limit: int) -> str:
    """Why it failed, empty if it did not; nothing that it started is left."""
    script = subprocess.Popen(words, cwd=ROOT, env=environment, start_new_session=True)
    try:
        ended = script.wait(limit)
        return f"exit status {ended}" if ended else ""
    except subprocess.TimeoutExpired:
        return f"ended after {limit} s"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(script.pid, signal.SIGKILL)
        script.wait()


if __name__ == "__main__":
    sys.exit(main())
