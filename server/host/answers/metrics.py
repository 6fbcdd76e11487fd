"""Metrics of the server in Prometheus's text format."""

import json
import logging
import os
import resource
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

Labels = tuple[tuple[str, str], ...]
Samples = dict[str, dict[Labels, float]]

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_KINDS = {
    "headbrush_sessions": ("gauge", "Open pages."),
    "headbrush_connections": ("gauge", "Open websockets."),
    "headbrush_answers": ("counter", "Answers over HTTP, by class of status."),
    "headbrush_answer_seconds": ("histogram", "Time to answer over HTTP."),
    "headbrush_message_seconds": ("histogram", "Time to handle a message of a page."),
    "headbrush_loop_delay_seconds": ("histogram", "Lateness of the event loop at a timer."),
    "headbrush_errors": ("counter", "Errors logged, by logger."),
    "process_resident_memory_bytes": ("gauge", "Memory in use."),
    "process_cpu_seconds": ("counter", "Processor time used."),
    "process_start_time_seconds": ("gauge", "Start time of the process."),
}


class Counts:
    """Counters and histograms of one process; used only by its event loop."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, Labels], float] = defaultdict(float)
        none = (("logger", "headbrush"), ("view", ""))
        self._counters["headbrush_errors", none] = 0.0  # there to be watched before the first
        self._times: dict[str, list[float]] = {}
        self._began = time.time()

    def add(self, name: str, **labels: str) -> None:
        """Count one more."""
        self._counters[name, tuple(sorted(labels.items()))] += 1

    def time(self, name: str, seconds: float) -> None:
        """Note how long something took."""
        row = self._times.setdefault(name, [0.0] * (len(_BOUNDS) + 2))
        row[next((i for i, bound in enumerate(_BOUNDS) if seconds <= bound), len(_BOUNDS))] += 1
        row[-1] += seconds

    def samples(self, **gauges: float) -> Samples:
        """Everything, by the names that Prometheus sees."""
        found: Samples = defaultdict(dict)
        for (name, labels), value in self._counters.items():
            found[f"{name}_total"][labels] = value
        for name, row in self._times.items():
            total = 0.0
            for bound, count in zip((*map(str, _BOUNDS), "+Inf"), row, strict=False):
                total += count
                found[f"{name}_bucket"][("le", bound),] = total
            found[f"{name}_sum"][()] = row[-1]
            found[f"{name}_count"][()] = total
        for name, value in (gauges | _of_process()).items():
            found[name][()] = value
        found["process_start_time_seconds"][()] = self._began
        return found


def text_of(processes: Mapping[str, Samples]) -> str:
    """The samples of several processes in Prometheus's text format, version 0.0.4."""
    lines = []
    for name, (kind, meaning) in _KINDS.items():
        ends = ("_bucket", "_sum", "_count") if kind == "histogram" else ("", "_total")
        shown = [
            f"{name}{end}{_braces((*labels, ('process', process)))} {value:.12g}"
            for process, samples in sorted(processes.items())
            for end in ends
            for labels, value in samples.get(name + end, {}).items()
        ]
        if shown:
            full = f"{name}_total" if kind == "counter" else name
            lines += [f"# HELP {full} {meaning}", f"# TYPE {full} {kind}", *shown]
    return "\n".join(lines) + "\n"


class Shared:
    """A folder through which the processes of one server share their counts."""

    def __init__(self, folder: Path, process: str) -> None:
        self._folder, self._process = folder, process

    def leave(self, samples: Samples) -> None:
        """Write the counts of this process."""
        rows = [[n, list(map(list, ls)), v] for n, of in samples.items() for ls, v in of.items()]
        temporary = self._folder / f"{self._process}.new"
        temporary.write_text(json.dumps(rows), encoding="utf-8")
        temporary.replace(self._folder / f"{self._process}.json")

    def found(self) -> dict[str, Samples]:
        """Read the latest counts of every process."""
        return {
            path.stem: _read(json.loads(path.read_text(encoding="utf-8"))) for path in self._paths()
        }

    def _paths(self) -> Iterable[Path]:
        return sorted(self._folder.glob("*.json"))


class ErrorCounter(logging.Handler):
    """Log handler that counts errors."""

    def __init__(self, counts: Counts) -> None:
        super().__init__(logging.ERROR)
        self._counts = counts

    def emit(self, record: logging.LogRecord) -> None:
        """Count a record by its logger, and by the view that failed, if it names one."""
        view = getattr(record, "fields", {}).get("view", "")
        self._counts.add("headbrush_errors", logger=record.name, view=view)


def _read(rows: list[list]) -> Samples:
    found: Samples = defaultdict(dict)
    for name, labels, value in rows:
        found[name][tuple((key, word) for key, word in labels)] = value
    return found


def _braces(labels: Labels) -> str:
    escaped = (
        (key, word.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n"))
        for key, word in labels
    )
    return "{" + ",".join(f'{key}="{word}"' for key, word in escaped) + "}"


def _of_process() -> dict[str, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
        memory = pages * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # no Linux: the most that was ever in use
        memory = used.ru_maxrss
    seconds = used.ru_utime + used.ru_stime
    return {"process_resident_memory_bytes": memory, "process_cpu_seconds_total": seconds}
