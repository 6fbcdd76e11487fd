"""Peak memory of an analysis as the number of images or of tokens grows.

    python benchmarks/analysis/memory.py [--images 500 5000] [--importance gradient]
    python benchmarks/analysis/memory.py --images 64 --model vit_small_patch14_dinov2 --size 518

Each run is a process of its own, on the bundled images under as many names as it takes. With
``--model``, a timm model with random weights takes the place of the bundled one. After every stage
it prints the time and the process's peak so far; the baseline is the peak after loading the model,
before any image.
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

from benchmarks.common import BUNDLED, note
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


def link_images(folder: Path, count: int, of_one_class: bool) -> None:
    """``count`` links to bundled images, class by class alike, or all said to be of output 0."""
    found = sorted((BUNDLED / "images").rglob("*.png"))
    for number in range(count):
        picture = found[number * 7 % len(found)]
        place = folder / ("0" if of_one_class else picture.parent.name)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:06}.png").symlink_to(picture)


def run(args: argparse.Namespace) -> None:
    """One analysis, in this process."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        link_images(folder / "images", args.images[0], of_one_class=args.model is not None)
        request = Request(
            images=folder / "images",
            out=folder / "s.headbrush",
            model=args.model or str(BUNDLED / "model"),
            pretrained=args.model is None,
            image_size=None if args.size is None else (args.size, args.size),
            attention=args.attention,
            predictions=args.importance == "pruning",
            device="cpu",
        )
        progress = Measured(Console(quiet=True))
        analyze(request, progress)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    what = f"analysis of {args.images[0]} images, importance by {args.importance}"
    note(f"peak of an {what}", peak, "MB")
    note(f"an {what}", progress.seconds, "s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="+", default=[500, 5000])
    parser.add_argument("--importance", choices=("pruning", "gradient"), default="gradient")
    parser.add_argument("--model", help="name of a timm model")
    parser.add_argument("--size", type=int, help="height and width of its input in pixels")
    parser.add_argument("--attention", type=int, default=60, help="images whose attention is kept")
    args = parser.parse_args()
    if len(args.images) == 1:
        run(args)
        return
    others = {name: value for name, value in vars(args).items() if name != "images"}
    rest = [f"--{name}={value}" for name, value in others.items() if value is not None]
    for count in args.images:
        print(f"{count} images, importance by {args.importance}", flush=True)
        subprocess.run([sys.executable, __file__, *rest, "--images", str(count)], check=True)


if __name__ == "__main__":
    main()
