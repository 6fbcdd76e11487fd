"""A report in dark and light: all that is painted follows, and paper is light."""

import io

import numpy as np
import pytest
from PIL import Image

from headbrush.server.pages.report.make_report import make_report
from headbrush.server.session.palette import DARK, LIGHT
from tests.browser.axe import findings
from tests.browser.conftest import HeadbrushPage
from tests.browser.test_report import show
from tests.browser.test_report_patterns import check_picture
from tests.waiting import until

VIEWS = ["partial_pruning", "prediction", "pattern_layout", "head_importance"]


@pytest.fixture(scope="module")
def written(data, saved):
    return saved(make_report(data, ["0"], ["1.0"], VIEWS))


@pytest.fixture
def dark(browser, written):
    """The report where the system is dark."""
    with browser.new_context(viewport={"width": 1200, "height": 900}, color_scheme="dark") as one:
        page = HeadbrushPage(one.new_page(), written.as_uri())
        page.wait("document.documentElement.dataset.theme == 'dark'")
        yield page
        assert page.faults == []


def ink(page):
    """The colour of the words in the prediction."""
    return page.page.evaluate(
        "() => Bokeh.documents[0].get_model_by_name('prediction_plot').renderers.at(-1)"
        ".glyph.text_color.value"
    )


def darkness(pixels):
    """Median grey of a picture's pixels, 0 black to 255 white."""
    return float(np.median(np.asarray(Image.open(io.BytesIO(pixels)).convert("L"))))


def test_the_system_says_dark_and_the_button_light_again(dark, data):
    page = dark.page
    assert ink(dark) == DARK.ink
    show(dark, "patterns_plot")
    check_picture(dark, data, "count", DARK.density)
    assert darkness(page.screenshot()) < 60
    page.wait_for_selector(".bk-events[role]")
    assert findings(page) == []
    page.locator("#theme").click()
    assert ink(dark) == LIGHT.ink
    show(dark, "patterns_plot")
    check_picture(dark, data, "count", LIGHT.density)
    assert darkness(page.screenshot()) > 230
    assert findings(page) == []


def test_paper_is_light_and_the_screen_dark_again_afterwards(dark):
    pdf = dark.page.pdf(prefer_css_page_size=True, print_background=True)
    until(lambda: ink(dark) == DARK.ink)
    assert dark.page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert pdf.startswith(b"%PDF")
    canvases = dark.page.evaluate(
        "() => { const seen = []; const one = Bokeh.documents[0].get_model_by_name("
        "'prediction_plot'); addEventListener('beforeprint', () => seen.push("
        "Array.from(Bokeh.index.find_one(one).canvas_view.primary.ctx.getImageData("
        "0, 0, 600, 300).data)), {once: true}); dispatchEvent(new Event('beforeprint'));"
        "dispatchEvent(new Event('afterprint')); return seen[0] }"
    )
    pixels = np.array(canvases, np.uint8).reshape(-1, 4)
    opaque = pixels[pixels[:, 3] == 255]
    bright, dim = (tuple(bytes.fromhex(t.ink[1:])) for t in (DARK, LIGHT))
    assert (opaque[:, :3] == dim).all(1).sum() > 100
    assert (opaque[:, :3] == bright).all(1).sum() == 0
