"""How long one picture of the patterns takes, by number of points and colouring.

    python benchmarks/page/density.py [--points 1000000 10000000] [--repeats 9]

Synthetic points in clusters; 640×480 pixels, over all of them and after zooming to a fifth of each
side. The baseline draws the same with datashader as its own examples do: a DataFrame made of the
points, ``canvas.points`` and ``tf.shade``; with a brush, of a copy of the brushed points over one
of all. Both times are medians of wall-clock time, both warmed up, taken in turns.
"""

import argparse
import os
import time

import datashader as ds
import numpy as np
import pandas as pd
from datashader import transfer_functions as tf

from benchmarks.common import note
from headbrush.server.session.palette import DENSITY_RAMP, class_colours, value_colours
from headbrush.server.views.patterns.density import COUNT, Colouring, draw

_SIZE = 640, 480
_CLUSTERS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--repeats", type=int, default=9)
    asked = parser.parse_args()
    print(f"load of the machine at the start: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    for count in asked.points:
        _measure(count, asked.repeats)


def _measure(count: int, repeats: int) -> None:
    rng = np.random.default_rng(0)
    centres = rng.uniform(-10, 10, (_CLUSTERS, 2)).astype("f4")
    points = centres[rng.integers(_CLUSTERS, size=count)]
    points += rng.standard_normal((count, 2), np.float32)
    colourings = {
        "count": COUNT,
        "category": Colouring(np.arange(count, dtype=np.int16) % 10, class_colours(10)),
        "value": Colouring(values=rng.random(count, np.float32), span=(0.02, 0.98)),
    }
    brush = (np.abs(points) < 6).all(1)
    views = {"all": (-13.0, 13.0, -13.0, 13.0), "zoomed": (-2.6, 2.6, -2.6, 2.6)}
    for where, view in views.items():
        for name, colouring in colourings.items():
            for mask in (None, brush):
                ours, plain = _in_turns(
                    lambda v=view, c=colouring, m=mask: draw(points, v, _SIZE, c, m),
                    lambda v=view, c=colouring, m=mask: _plain(points, v, c, m),
                    repeats,
                )
                brushed = "brushed" if mask is not None else ""
                what = f"{count:,} points, {where}, by {name} {brushed}".replace(",", " ", 1)
                note(what.rstrip(), ours, "ms")
                note(what.rstrip(), plain, "ms", "plain datashader")
                print(
                    f"{count:>10,} points, {where:6} {name:8} {brushed:7}  "
                    f"headbrush {np.median(ours):6.1f} ms, "
                    f"plain datashader {np.median(plain):7.1f} ms",
                    flush=True,
                )


def _in_turns(first, second, repeats: int) -> list[list[float]]:
    """Milliseconds of each repetition of both."""
    times: list[list[float]] = [[], []]
    for _ in range(repeats + 1):
        for work, into in zip((first, second), times, strict=True):
            start = time.perf_counter()
            work()
            into.append(1e3 * (time.perf_counter() - start))
    return [one[1:] for one in times]


def _plain(points: np.ndarray, view, colouring: Colouring, mask: np.ndarray | None) -> None:
    if mask is not None:
        _shade(points, view, COUNT)
        chosen = (part if part is None else part[mask] for part in
                  (colouring.categories, colouring.values))  # fmt: skip
        categories, values = chosen
        colouring = Colouring(categories, colouring.palette, values, colouring.span)
        points = points[mask]
    _shade(points, view, colouring)


def _shade(points: np.ndarray, view, colouring: Colouring) -> tf.Image:
    canvas = ds.Canvas(*_SIZE, x_range=view[:2], y_range=view[2:])
    frame = pd.DataFrame({"x": points[:, 0], "y": points[:, 1]})
    if colouring.categories is not None:
        names = list(map(str, range(len(colouring.palette))))
        frame["kind"] = pd.Categorical.from_codes(colouring.categories, names)
        found = canvas.points(frame, "x", "y", ds.count_cat("kind"))
        return tf.shade(found, color_key=list(colouring.palette))
    if colouring.values is not None:
        frame["value"] = colouring.values
        found = canvas.points(frame, "x", "y", ds.mean("value"))
        return tf.shade(found, value_colours(), how="linear", span=colouring.span)
    return tf.shade(canvas.points(frame, "x", "y", ds.count()), list(DENSITY_RAMP))


if __name__ == "__main__":
    main()
