"""A lasso over datashaded patterns, with a real mouse, against the outline that was drawn."""

from fractions import Fraction

import numpy as np
import pytest

KEEP_SHAPES = """
() => {
  window.shapes = []
  const plot = Bokeh.documents[0].get_model_by_name("patterns_plot")
  Bokeh.index.find_one(plot).model.on_event("selectiongeometry",
    ({final, geometry: {x, y}}) => shapes.push([final, Array.from(x), Array.from(y)]))
}
"""


def enclosed(xs, ys, x, y):
    """Even-odd rule for one point in exact arithmetic."""
    xs, ys = [Fraction(v) for v in xs], [Fraction(v) for v in ys]
    x, y, odd = Fraction(float(x)), Fraction(float(y)), False
    for i, j in zip(range(len(xs)), [*range(1, len(xs)), 0], strict=True):
        if (ys[i] > y) != (ys[j] > y):
            odd ^= x < xs[i] + (xs[j] - xs[i]) * (y - ys[i]) / (ys[j] - ys[i])
    return odd


def draw(page, shares):
    """A freehand outline through shares of the plot's width and height."""
    f = page.frame("patterns_plot")
    spots = [
        (f["left"] + x * f["width"], f["top"] + y * f["height"]) for x, y in (*shares, shares[0])
    ]
    page.page.mouse.move(*spots[0])
    page.page.mouse.down()
    for spot in spots[1:]:
        page.page.mouse.move(*spot, steps=12)
    page.page.mouse.up()


OUTLINES = {
    "part of what is shown": [(0.2, 0.2), (0.8, 0.3), (0.7, 0.85), (0.45, 0.5), (0.25, 0.8)],
    "crossing itself": [(0.15, 0.15), (0.85, 0.85), (0.85, 0.15), (0.15, 0.85)],
    "all that is shown": [(0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99)],
}


@pytest.mark.parametrize("shares", OUTLINES.values(), ids=OUTLINES)
def test_after_zooming_a_lasso_brushes_exactly_the_points_inside_it(page, data, shares):
    f = page.frame("patterns_plot")
    page.page.mouse.move(f["left"] + 0.5 * f["width"], f["top"] + 0.5 * f["height"])
    page.page.mouse.wheel(0, -300)
    page.page.wait_for_function("location.search.includes('range=')")
    page.page.wait_for_timeout(400)
    zoomed = page.frame("patterns_plot")
    assert zoomed["x1"] - zoomed["x0"] < 0.9 * (f["x1"] - f["x0"])
    page.page.locator(".hb-panel", has_text="What have the heads learned").locator(
        ".bk-tool-icon-lasso-select"
    ).click()
    page.page.evaluate(KEEP_SHAPES)
    draw(page, shares)
    page.wait("named('brushed_text').text.startsWith('brushed')")
    page.page.wait_for_function("location.search.includes('lasso:')")
    final, xs, ys = page.page.evaluate("shapes.at(-1)")
    assert final
    xy = data.embedding(data.layouts[0])
    expected = {i for i, at in enumerate(xy) if enclosed(xs, ys, *at)}
    assert 0 < len(expected) < len(xy)
    found = int(page.value("brushed_text", "text").split(" · ")[2].split(" of ")[0])
    assert found == len(expected)
    shown = (
        (zoomed["x0"] <= xy[:, 0]) & (xy[:, 0] <= zoomed["x1"])
        & (zoomed["y0"] <= xy[:, 1]) & (xy[:, 1] <= zoomed["y1"])
    )  # fmt: skip
    assert expected <= set(np.flatnonzero(shown))
