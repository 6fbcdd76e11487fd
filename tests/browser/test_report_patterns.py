"""Patterns in a report: brushed as `resolve` does, drawn as `draw` does."""

from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest

from headbrush.server.pages.report.browser.quantise import to_codes
from headbrush.server.pages.report.make_report import make_report
from headbrush.server.session.brush.clauses import Box, Clause, Ids, Lasso, resolve
from headbrush.server.session.palette import LIGHT
from headbrush.server.session.url_state import default_state
from headbrush.server.views.patterns.density import draw
from headbrush.server.views.patterns.drawing import colouring
from tests.browser.test_report import brush, decoded, opened_report, show
from tests.waiting import until

KEEP_SHAPES = """
() => {
  window.shapes = []
  const plot = Bokeh.documents[0].get_model_by_name("patterns_plot")
  Bokeh.index.find_one(plot).model.on_event("selectiongeometry", ({ final, geometry }) => {
    const [x, y] = [geometry.x ?? [], geometry.y ?? []].map((each) => Array.from(each))
    if (final) shapes.push({ ...geometry, x, y })
  })
}
"""
ONE = """() => {
  const { data } = Bokeh.documents[0].get_model_by_name("pattern_picture")
  const one = (name) => (data instanceof Map ? data.get(name) : data[name])[0]
"""
PLACE = ONE + "return ['x', 'y', 'dw', 'dh'].map(one) }"
PACKED = (  # sending each number by itself would take seconds
    ONE
    + """
  const image = one("image"), bytes = new Uint8Array(Uint32Array.from(image).buffer), pieces = []
  for (let at = 0; at < bytes.length; at += 8192)
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + 8192)))
  return [btoa(pieces.join("")), image.shape]
}"""
)
OUTLINE = [(0.2, 0.2), (0.8, 0.3), (0.7, 0.85), (0.45, 0.5), (0.25, 0.8)]
VIEWS = ["image_overview", "head_importance", "strength_overview", "pattern_layout"]


@pytest.fixture(scope="module")
def written(data, saved):
    return saved(make_report(data, views=VIEWS))


@pytest.fixture
def page(browser, written):
    with opened_report(browser, written, []) as page:
        show(page, "patterns_plot")
        page.page.evaluate(KEEP_SHAPES)
        yield page


def places(data, pattern="offset"):
    """The coordinates that the report has, as exactly as it has them."""
    xy = data.embedding(pattern)
    return np.column_stack([low + codes * step for codes, low, step in map(to_codes, xy.T)])


def spot(page, x, y):
    f = page.frame("patterns_plot")
    return f["left"] + x * f["width"], f["top"] + y * f["height"]


def drag(page, shares, *keys, held=0):
    """A drag through shares of the plot's width and height, with keys and first the button held."""
    show(page, "patterns_plot")
    f = page.frame("patterns_plot")
    wide, high = f["x1"] - f["x0"], f["y1"] - f["y0"]
    corners = [(f["x0"] + x * wide, f["y1"] - y * high) for x, y in shares]
    page.drag("patterns_plot", *corners, keys=keys, held=held)
    page.page.wait_for_timeout(100)


def lasso(page):
    show(page, "patterns_plot")
    page.page.locator("[data-name=pattern_layout] .bk-tool-icon-lasso-select").click()


def drawn(page):
    """The shape that was drawn last."""
    shape = page.page.evaluate("shapes.at(-1)")
    if shape["type"] == "rect":
        return Box(shape["x0"], shape["x1"], shape["y0"], shape["y1"])
    return Lasso(tuple(shape["x"]), tuple(shape["y"]))


def words(found):
    parts = ((found.images, "images"), (found.heads, "heads"), (found.patterns, "patterns"))
    return "brushed: " + " · ".join(f"{m.sum()} of {m.size} {kind}" for m, kind in parts)


def said(page):
    return page.page.locator("#report_brushed").text_content().replace("\xa0", "")


def resolved(clauses, data, exclude=None):
    return resolve(clauses, data.num_images, data.num_heads, lambda _layout: places(data), exclude)


def patterns(shape, combine="replace"):
    return Clause("patterns", shape, combine, "offset")


def test_a_lasso_brushes_exactly_the_patterns_inside_it_and_what_occurs_in_them(page, data):
    lasso(page)
    drag(page, [*OUTLINE, OUTLINE[0]])
    found = resolved([patterns(drawn(page))], data)
    assert 0 < found.patterns.sum() < data.num_patterns
    assert page.source("marked")["marked"] == found.patterns.astype(int).tolist()
    assert said(page) == words(found)
    heads = page.source("layer_jitter")
    assert heads["brushed"] == found.head_count.tolist()
    share = found.head_count / found.head_count.max()
    np.testing.assert_allclose(heads["share"], share, atol=1e-6)
    share = found.image_count / found.image_count.max()
    np.testing.assert_allclose(page.source("thumbnail")["share"], share, atol=1e-6)
    band = page.source("low")
    exact = decoded(data.shown_importance("jsd"))[0]
    np.testing.assert_allclose(band["mean"], exact[found.images].mean(0), atol=1e-12)


def test_who_holds_the_button_before_a_lasso_brushes_the_same(page, data):
    lasso(page)
    drag(page, [*OUTLINE, OUTLINE[0]], held=0.5)
    found = resolved([patterns(drawn(page))], data)
    assert 0 < found.patterns.sum() < data.num_patterns
    assert said(page) == words(found)


def test_shapes_join_by_keys_and_intersect_with_images_and_heads(page, data):
    steps = (
        ([(0.05, 0.05), (0.55, 0.9)], (), "replace"),
        ([(0.4, 0.3), (0.95, 0.95)], ("Shift",), "add"),
        ([(0.3, 0.2), (0.9, 0.8)], ("Control",), "intersect"),
        ([(0.45, 0.1), (0.6, 0.3)], ("Shift", "Control"), "subtract"),
    )
    clauses = []
    for corners, keys, combine in steps:
        drag(page, corners, *keys)
        clauses.append(patterns(drawn(page), combine))
        assert said(page) == words(resolved(clauses, data)), combine
    images = brush(page)
    clauses.append(Clause("images", Ids(tuple(images))))
    assert said(page) == words(resolved(clauses, data))
    heads = brush(page, "overview_plot", 0.02, 0.95)
    clauses.append(Clause("heads", Ids(tuple(heads))))
    found = resolved(clauses, data)
    assert found.patterns.sum() > 0
    assert said(page) == words(found)
    others = resolved(clauses, data, "heads")  # heads tell of images, not of themselves
    exact = decoded(data.shown_importance("jsd"))[0]
    np.testing.assert_allclose(page.source("low")["mean"], exact[others.images].mean(0), atol=1e-12)
    page.page.keyboard.press("Escape")
    assert said(page).startswith("nothing brushed")
    assert set(page.source("layer_jitter")["share"]) == {-1}


def picture(page):
    """RGBA of what is shown, and its range."""
    page.page.wait_for_timeout(200)
    packed, shape = page.page.evaluate(PACKED)
    return np.frombuffer(b64decode(packed), np.uint32).reshape(shape), shown_range(page)


def shown_range(page):
    """Range of the picture."""
    x, y, width, height = page.page.evaluate(PLACE)
    return x, x + width, y, y + height


def check_picture(page, data, kind, ramp, mask=None):
    """As the server draws the same; rounding may move a pattern to the next pixel."""
    shown, view = picture(page)
    size = shown.shape[::-1]
    expected = draw(places(data), view, size, colouring(data, kind), mask, ramp=ramp).rgba()
    channels = [pixels.view(np.uint8).reshape(*shown.shape, 4) for pixels in (shown, expected)]
    apart = abs(channels[0].astype(int) - channels[1]).max(-1)
    limit = 6 if kind == "entropy" else 2  # 64 shades of values, 254 of counts on the server
    assert (apart > limit).mean() < 0.002
    assert (shown > 0).any()


def test_density_is_the_servers_also_after_zooming_and_brushing(page, data):
    check_picture(page, data, "count", LIGHT.density)
    before = shown_range(page)
    page.page.mouse.move(*spot(page, 0.5, 0.5))
    page.page.keyboard.down("Control")  # without it the wheel scrolls the page
    page.page.mouse.wheel(0, -300)
    page.page.keyboard.up("Control")
    until(lambda: shown_range(page) != before)
    check_picture(page, data, "count", LIGHT.density)
    after = shown_range(page)
    assert after[1] - after[0] < 0.9 * (before[1] - before[0])
    drag(page, [(0.2, 0.2), (0.7, 0.7)])
    mask = resolved([patterns(drawn(page))], data).patterns
    check_picture(page, data, "count", LIGHT.density[2:], mask)


@pytest.mark.parametrize("kind", ["layer", "class", "entropy"])
def test_other_colours_of_the_server_are_kept(browser, data, tmp_path, kind):
    state = replace(default_state(data), pattern_colour=kind)
    make_report(data, views=["pattern_layout"], state=state).save(path := tmp_path / "one.html")
    with opened_report(browser, path, []) as page:
        check_picture(page, data, kind, LIGHT.density)


def test_a_tap_takes_the_nearest_pattern(page, data):
    at = places(data)
    far = int(np.argmax(at[:, 0]))
    page.click("patterns_plot", *map(float, at[far]))
    page.wait(f"named('headbrush_heads').tags[0] == {far % data.num_heads}")
    assert page.value("headbrush_images", "tags")[0] == far // data.num_heads
