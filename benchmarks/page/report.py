"""Bytes and seconds of a report of 1 000 images × 144 heads, against the same values as plain JSON.

    python benchmarks/page/report.py [--images N]

The store is of random values, which compress worst, on a 14×14 grid; the attention of five images
is kept, so that the five pages show 197×197 matrices. The baseline is what the report's values
take as JSON lists of float64, as a page with plain data sources would hold them.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from benchmarks.common import note
from headbrush.analysis.store.attention_file import AttentionWriter
from headbrush.analysis.store.store import write_summary
from headbrush.server.pages.report.make_report import make_report
from headbrush.server.pages.report.report import Report
from tests.stores import attention, attributes, values

LAYERS = HEADS = 12
GRID = 14
KEPT = 5


def make_store(path: Path, images: int) -> Path:
    """A store of random values."""
    content = values(images, LAYERS, HEADS, GRID, classes=10)
    tokens = 1 + GRID * GRID
    (path / "attention").mkdir(parents=True)
    sizes = (LAYERS, HEADS, tokens)
    with AttentionWriter(path / "attention" / "00000.nc", list(range(KEPT)), sizes) as writer:
        for image in range(KEPT):
            for layer, matrix in enumerate(attention(1, LAYERS, HEADS, tokens)[0]):
                writer.write(image, layer, matrix)
    write_summary(path, content, attributes(grid_height=GRID, grid_width=GRID))
    return path


def plain_json(report: Report) -> int:
    """Bytes of what the report shows as lists of float64."""
    data = report.data
    shown = ["importance", "strength_entropy", "patch_embedding", "image_embedding"]
    parts = [data.store.read(name) for name in shown]
    for page in report.pages:
        parts += [data.strength[:, page.head], page.attention]
    return sum(len(json.dumps(part.astype(float).tolist())) for part in parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000)
    images = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder:
        store = make_store(Path(folder) / "random.headbrush", images)
        begun, spent = time.perf_counter(), time.process_time()
        report = make_report(store)
        report.save(Path(folder) / "report.html")
        seconds, spent = time.perf_counter() - begun, time.process_time() - spent
        plain = plain_json(report)
        own = 1e6 * sum(size for name, size in report.sizes.items() if "Bokeh" not in name)
    heads = report.data.num_heads
    print(f"{images} images × {heads} heads, {len(report.pages)} pages of heads")
    what = f"report, {images} images × {heads} heads"
    note(what, seconds, "s")
    note(f"{what}, of the processor", spent, "s")
    note(f"values of a {what}", own / 1e6, "MB")
    note(f"values of a {what}", plain / 1e6, "MB", "JSON of float64")
    print(f"seconds: {seconds:.1f}, of the processor {spent:.1f}")
    print(f"beyond Bokeh's scripts: {own / 1e6:.2f} MB of {len(report.html.encode()) / 1e6:.2f}")
    print(f"baseline, the same values as JSON of float64: {plain / 1e6:.2f} MB, {plain / own:.1f}×")


if __name__ == "__main__":
    main()
