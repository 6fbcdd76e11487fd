"""On what machine and with which versions figures were measured."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

import headbrush
from benchmarks.common import ROOT
from tests.browser.conftest import CHROMIUM

_PACKAGES = ("bokeh", "datashader", "holoviews", "numpy", "numba", "tornado", "torch", "timm")


def machine() -> dict[str, Any]:
    """Processor, cores, memory in GB, system, and the load of the last minute."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "load": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Of headbrush, its commit, Python, the packages that matter and the browser."""
    found = {"headbrush": headbrush.__version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    found["commit"] = _said(["git", "-C", str(ROOT), "describe", "--always", "--dirty"])
    found["browser"] = _said([CHROMIUM, "--version"]) if CHROMIUM else ""
    return {name: words or "not known" for name, words in found.items()}


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.machine()


def _said(words: list[str]) -> str:
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=20).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
