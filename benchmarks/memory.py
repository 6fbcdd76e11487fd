"""Peak memory of an analysis as the number of images grows.

    python benchmarks/memory.py [--images 500 5000] [--importance gradient]

Each run is a process of its own, on the bundled images under as many names as it takes. After every
stage it prints the time and the process's peak so far; the baseline is the peak after loading the
model, before any image.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from benchmarks.common import BUNDLED
from headbrush.analysis.pipeline import analyze
from headbrush.analysis.run.progress import Advance, StageProgress
from headbrush.analysis.run.request import Request


class Measured(StageProgress):
    """Tells the peak after each stage."""

    @contextmanager
    def stage(self, title: str) -> Iterator[Advance]:
        start = self.seconds
        with super().stage(title) as advance:
            yield advance
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        print(f"  {title:28} {self.seconds - start:7.1f} s, peak {peak:6.0f} MB", flush=True)


def link_images(folder: Path, count: int) -> None:
    """``count`` links to bundled images, class by class alike."""
    found = sorted((BUNDLED / "images").rglob("*.png"))
    for number in range(count):
        picture = found[number * 7 % len(found)]
        place = folder / picture.parent.name
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:06}.png").symlink_to(picture)


def run(count: int, importance: str) -> None:
    """One analysis, in this process."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        link_images(folder / "images", count)
        request = Request(
            images=folder / "images",
            out=folder / "s.headbrush",
            model=str(BUNDLED / "model"),
            predictions=importance == "pruning",
            device="cpu",
        )
        analyze(request, Measured(Console(quiet=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="+", default=[500, 5000])
    parser.add_argument("--importance", choices=("pruning", "gradient"), default="gradient")
    args = parser.parse_args()
    if len(args.images) == 1:
        run(args.images[0], args.importance)
        return
    for count in args.images:
        print(f"{count} images, importance by {args.importance}", flush=True)
        words = [sys.executable, __file__, "--images", count, "--importance", args.importance]
        subprocess.run(list(map(str, words)), check=True)


if __name__ == "__main__":
    main()
