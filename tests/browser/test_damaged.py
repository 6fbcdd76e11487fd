"""A damaged attention file: the panels that need it say so, within their borders."""

import shutil

import pytest

from headbrush.analysis.store.store import Store
from tests.browser.conftest import HeadbrushPage, serving

BEYOND = """() => [...document.querySelectorAll(".hb-panel")].flatMap(panel => {
  const outer = panel.getBoundingClientRect()
  const names = ["matrix_note", "matrix_plot", "context_note", "context_plain", "context_to",
    "axes_note", "axes_plot", "threshold_note", "threshold_plot"]
  return names.filter(name => {
    const el = Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name(name)).el
    let top = el
    while (top.getRootNode() != document) top = top.getRootNode().host
    const box = el.getBoundingClientRect()
    const out = box.right > outer.right + 1 || box.bottom > outer.bottom + 1
    return panel.contains(top) && (out || el.scrollWidth > el.clientWidth + 1)
  })
})"""


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720)])
def test_a_damaged_file_is_told_within_the_panels(browser, store_path, tmp_path, size):
    store = tmp_path / "a_store_with_quite_a_long_name_as_people_have_them.headbrush"
    shutil.copytree(store_path, store)
    image = Store(store).kept_images[0]
    for file in (store / "attention").iterdir():
        file.write_bytes(b"no netCDF")
    viewport = dict(zip(("width", "height"), size, strict=True))
    with serving(store) as url, browser.new_context(viewport=viewport) as context:
        page = HeadbrushPage(context.new_page(), f"{url}?image={image}")
        page.wait("named('matrix_note').text.includes('missing, damaged or foreign file')")
        page.page.wait_for_timeout(500)  # nothing outgrows its panel afterwards
        assert page.page.evaluate(BEYOND) == []
        assert "no attention matrix" in page.value("axes_note", "text")
        assert page.value("selection_text", "text")
        page.page.locator("[data-name=pattern_layout]").scroll_into_view_if_needed()
        page.drag("patterns_plot", *_corners(page))
        page.wait("named('brushed_text').text.startsWith('brushed')")
        assert page.faults == []


def _corners(page):
    f = page.frame("patterns_plot")
    return [
        (f["x0"] + part * (f["x1"] - f["x0"]), f["y0"] + part * (f["y1"] - f["y0"]))
        for part in (0.5, 0.9)
    ]
