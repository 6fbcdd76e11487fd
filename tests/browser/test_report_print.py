"""A report on paper: a head a sheet, whatever the window's width, and its plots are all there."""

import io
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from headbrush.server.pages.report.make_report import make_report
from tests.browser.conftest import HeadbrushPage

MM = 96 / 25.4
"""Pixels of a page's layout."""
SHEET = (210 - 16) * MM, (297 - 16) * MM
"""A4 without its margins."""
BEGIN, END = "dispatchEvent(new Event('beforeprint'))", "dispatchEvent(new Event('afterprint'))"
HEADS = ["0.0", "1.0", "1.1"]
SETTLED = """
() => {
  const tall = document.documentElement.scrollHeight
  window.still = tall === window.tall ? window.still + 1 : 0
  window.tall = tall
  return window.still >= 5
}
"""
"""Whether the page has been as tall for a second."""
PLOTS = """
() => [...Bokeh.index.query((view) => view.invalidate_painters != null)].map((view) => {
  const { primary, overlays, bbox } = view.canvas_view
  const pixels = primary.ctx.getImageData(0, 0, primary.canvas.width, primary.canvas.height).data
  return {
    name: view.model.name, width: bbox.width, canvas: primary.canvas.width,
    painted: pixels.some((one) => one > 0),
    upper: getComputedStyle(overlays.el).display, scrolled: scrollY,
  }
})
"""


@pytest.fixture(scope="module")
def written(data, saved):
    return saved(make_report(data, heads=HEADS))


@pytest.fixture(params=[(1440, "light"), (400, "dark")], ids=["wide", "phone"])
def page(request, browser, written):
    width, scheme = request.param
    size = {"width": width, "height": 900}
    with browser.new_context(viewport=size, color_scheme=scheme) as context:
        page = HeadbrushPage(context.new_page(), written.as_uri())
        page.page.wait_for_function(SETTLED, polling=200)
        yield page
        assert [fault for fault in page.faults if "getImageData" not in fault] == []


def boxes(page, selector):
    return page.page.locator(selector).evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect()).map((r) => [r.width, r.height])"
    )


def test_a_head_fills_a_sheet_and_the_rest_two_or_three(page):
    pdf = page.page.pdf(prefer_css_page_size=True)
    means, trends = 2, 1  # and two sheets a head, and one of the image
    assert len(re.findall(rb"/Type /Page\b(?!s)", pdf)) == means + trends + 2 * len(HEADS) + 1
    page.page.evaluate(BEGIN)
    page.page.emulate_media(media="print")
    for width, height in boxes(page, ".hb-page-of-head"):
        assert width <= SHEET[0]
        assert 0.75 * SHEET[1] < height <= SHEET[1]
    page.page.emulate_media(media="screen")


def test_plots_are_laid_out_for_paper_sharp_and_in_one_layer_and_as_before_afterwards(page):
    before = page.page.evaluate(PLOTS)
    page.page.evaluate(BEGIN)
    printed = page.page.evaluate(PLOTS)
    named = {plot["name"]: plot for plot in printed}
    assert named["importance_plot"]["width"] == pytest.approx(960, abs=40)
    assert named["matrix_plot"]["width"] == pytest.approx(476, abs=30)
    for plot in printed:
        assert plot["canvas"] == 2 * plot["width"]
        assert plot["painted"]
        assert plot["upper"] == "none"
    page.page.evaluate(END)
    assert page.page.evaluate(PLOTS) == before
    assert {plot["upper"] for plot in before} == {"block"}


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="no pdftoppm; install poppler-utils")
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_what_is_painted_is_on_the_paper(page, paper, tmp_path):
    page.page.pdf(path=tmp_path / "r.pdf", format=paper)
    words = ["pdftoppm", "-r", "60", "-f", "4", "-l", "4", "-png", str(tmp_path / "r.pdf")]
    found = subprocess.run(words, check=True, capture_output=True).stdout
    sheet = np.asarray(Image.open(io.BytesIO(found)).convert("RGB")).astype(int)
    assert np.median(sheet) == 255
    shades = {
        "patches of the matrix": [232, 89, 12],
        "the chosen mode": [214, 0, 108],
    }
    for what, colour in shades.items():
        assert (abs(sheet - colour).max(-1) < 60).sum() > 20, what
