"""Metrics of the server for Prometheus.

The multiprocess mode of prometheus_client adds up the processes and drops the metrics of each
process. An operator looks for the one process that is slow or large, so each process has its own
registry, writes it to a folder, and the one that is asked adds the label ``process``.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import psutil
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

disable_created_metrics()


class ServerMetrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sessions = self._gauge("sessions", "Open pages.")
        self.connections = self._gauge("connections", "Open websockets.")
        self.answers = Counter(
            "headbrush_answers", "Answers over HTTP, by class of status.", ["status"],
            registry=self.registry,
        )  # fmt: skip
        self.answer_seconds = self._histogram("answer", "Time to answer over HTTP.")
        self.message_seconds = self._histogram("message", "Time to handle a message of a page.")
        self.loop_delay_seconds = self._histogram(
            "loop_delay", "Lateness of the event loop at a timer."
        )
        self.errors = Counter(
            "headbrush_errors", "Errors logged, by logger.", ["logger", "view"],
            registry=self.registry,
        )  # fmt: skip
        self.errors.labels("headbrush", "")  # alerts need the zero before the first error
        self.registry.register(ProcessUse())

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"headbrush_{name}", meaning, registry=self.registry)

    def _histogram(self, name: str, meaning: str) -> Histogram:
        full = f"headbrush_{name}_seconds"
        return Histogram(full, meaning, buckets=_BOUNDS_S, registry=self.registry)


class ProcessUse(Collector):
    """Memory, processor time and start of the process that asks."""

    def collect(self) -> Iterator[Metric]:
        """Read them from the operating system."""
        process = psutil.Process()
        memory, times = process.memory_info().rss, process.cpu_times()
        yield GaugeMetricFamily("process_resident_memory_bytes", "Memory in use.", memory)
        yield CounterMetricFamily(
            "process_cpu_seconds", "Processor time used.", times.user + times.system
        )
        yield GaugeMetricFamily(
            "process_start_time_seconds", "Start time of the process.", process.create_time()
        )


class MetricsFolder(Collector):
    """A folder with the metrics of every process of one server."""

    def __init__(self, folder: Path, process: str) -> None:
        self._folder, self._process = folder, process

    def write(self, registry: CollectorRegistry) -> None:
        """Write the metrics of this process."""
        temporary = self._folder / f"{self._process}.new"
        temporary.write_bytes(generate_latest(registry))
        temporary.replace(self._folder / f"{self._process}.prom")

    def collect(self) -> Iterator[Metric]:
        """Read the latest metrics of all processes, each with its label."""
        families: dict[str, Metric] = {}
        for path in sorted(self._folder.glob("*.prom")):
            for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
                samples = [
                    sample._replace(labels={**sample.labels, "process": path.stem})
                    for sample in family.samples
                ]
                family.samples = []
                families.setdefault(family.name, family).samples += samples
        yield from families.values()

    def text(self) -> str:
        """The metrics of all processes in Prometheus's text format, version 0.0.4."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry).decode()


class ErrorCounter(logging.Handler):
    """Log handler that counts errors."""

    def __init__(self, metrics: ServerMetrics) -> None:
        super().__init__(logging.ERROR)
        self._metrics = metrics

    def emit(self, record: logging.LogRecord) -> None:
        """Count a record by its logger, and by the view that failed, if it names one."""
        view = getattr(record, "fields", {}).get("view", "")
        self._metrics.errors.labels(record.name, view).inc()
