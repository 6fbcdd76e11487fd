"""Every window: nothing is cut, nothing lies upon anything else, light and dark."""

from pathlib import Path

import numpy as np
import pytest

from headbrush.analysis.model.pruning.modes import MODES, PRUNING_MODES
from headbrush.analysis.store.store import write_summary
from tests.browser.conftest import HeadbrushPage, serving
from tests.stores import attributes, make_store, values
from tests.waiting import until

FAULTS = (Path(__file__).parent / "cut_text.js").read_text(encoding="utf-8")
SIZES = {
    "wide": (1920, 1080),
    "usual": (1440, 900),
    "small": (1280, 720),
    "narrow": (1200, 800),
    "zoomed to 200 %": (720, 450),
    "phone": (400, 800),
}
_SUMS = "5 = 2 + 3", "6 = 2 + 4", "7 = 3 + 4"
_SAID = {"contours": "lines enclose", "density": "few"}
MENUS = "main .hb-panel:not([hidden]) details > summary"
INSIDE = """() => {
  const one = document.querySelector("details[open] > :is(p, .hb-menu)")
  const { left, top, right, bottom } = one.getBoundingClientRect()
  return Math.min(left, top, innerWidth - right, innerHeight - bottom) >= 0
}"""


@pytest.fixture(scope="module")
def opened(browser, server):
    """A page that all tests of this file resize."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        context.add_init_script(path=Path(__file__).with_name("drawn_text.js"))
        page = HeadbrushPage(context.new_page(), server)
        page.page.wait_for_selector("html[data-ready]")
        yield page
        assert page.faults == []


@pytest.fixture(scope="module", params=["the whole head", "all parts"])
def without_model(request, browser, tmp_path_factory):
    """A page of a store that records no model, and how many modes it knows."""
    folder = tmp_path_factory.mktemp("none")
    path = make_store(folder / "s.headbrush")
    if request.param == "all parts":
        importance = values()["importance"]
        parts = np.random.default_rng(0).uniform(0, 0.3, (7, *importance.shape)).astype("f4")
        kept = {"mode": np.array(PRUNING_MODES), "importance_by_mode": parts}
        write_summary(path, values() | kept, attributes())
    with serving(path) as url, browser.new_context() as context:
        context.add_init_script(path=Path(__file__).with_name("drawn_text.js"))
        page = HeadbrushPage(context.new_page(), url)
        page.page.wait_for_selector("html[data-ready]")
        yield page, 2 if request.param == "the whole head" else len(MODES)
        assert page.faults == []


@pytest.mark.parametrize("size", SIZES)
def test_every_part_of_a_head_has_its_label_without_a_model(without_model, size):
    page, known = without_model
    resize(page, size)
    assert faults_of(page) == []
    wanted = ["0 none", "1 all", "2 CLS→CLS", "3 CLS↔patch", "4 patch→patch", *_SUMS][:known]
    script = "wanted => wanted.every(one => writtenIn('partial_pruning').includes(one))"
    page.page.wait_for_function(script, arg=wanted, timeout=5000)


def resize(page, size):
    """Resize the window; all plots follow."""
    page.page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    page.page.evaluate("() => new Promise(done => setTimeout(done, 250))")
    page.page.wait_for_function("Bokeh.documents[0].is_idle")


def faults_of(page):
    """What cannot be read; plots may still be laid out after a resize."""
    found = []

    def is_fine():
        found[:] = page.page.evaluate(FAULTS) + page.page.evaluate("faultsOfWindow()")
        return not found

    try:
        until(is_fine, 5)
    except AssertionError:
        return found
    return []


@pytest.mark.parametrize("size", SIZES)
def test_every_text_is_read_in_every_window_light_and_dark(opened, size):
    resize(opened, size)
    assert faults_of(opened) == []
    opened.page.locator("#theme").click()
    assert faults_of(opened) == []
    opened.page.locator("#theme").click()


@pytest.mark.parametrize("size", ["usual", "phone"])
def test_menus_and_help_open_within_the_window(opened, size):
    resize(opened, size)
    for summary in opened.page.locator(MENUS).all():
        summary.scroll_into_view_if_needed()
        summary.click()
        opened.page.wait_for_function(INSIDE, timeout=2000)
        opened.page.keyboard.press("Escape")
        assert opened.page.locator("details[open]").count() == 0


def test_legends_are_whole_with_an_image_selected(opened):
    whole = """(() => { const legend = Bokeh.index.find_one(
      Bokeh.documents[0].get_model_by_name("pattern_legend")).el
      return legend.scrollHeight <= legend.clientHeight + 1 })()"""
    resize(opened, "usual")
    opened.page.keyboard.press("ArrowRight")
    opened.wait("named('selection_text').text.includes('image 0')")
    for style in ("contours", "density"):
        opened.page.locator("[data-name=pattern_layout]").get_by_text(style, exact=True).click()
        opened.wait(f"named('pattern_legend').text.includes('{_SAID[style]}')")
        for size in SIZES:
            resize(opened, size)
            opened.page.wait_for_function(whole, timeout=5000)
            assert faults_of(opened) == []
    opened.page.keyboard.press("Escape")


def test_a_selection_that_is_cut_says_so(opened):
    resize(opened, "small")
    opened.page.keyboard.press("ArrowRight")
    opened.wait("named('selection_text').text.includes('image 0')")
    drawn = opened.page.evaluate("""(() => {
      const model = Bokeh.documents[0].get_model_by_name("selection_text")
      const { el } = Bokeh.index.find_one(model)
      const words = el.shadowRoot.querySelector(".bk-clearfix")
      el.style.minWidth = "0"
      el.style.maxWidth = "80px"
      const { overflow, textOverflow } = getComputedStyle(words)
      const isCut = words.clientWidth <= 80 && words.scrollWidth > 80
      el.style.minWidth = "220px"
      el.style.maxWidth = ""
      return [overflow, textOverflow, isCut, model.html_attributes.title === model.text]
    })()""")
    assert drawn == ["hidden", "ellipsis", True, True]
    opened.page.keyboard.press("Escape")


def test_a_pinned_token_is_named_in_whole(opened):
    resize(opened, "usual")
    rows, columns = 4, 4
    opened.click("context_plain", columns / 2 - 0.5, rows / 2 - 0.5)
    opened.wait("named('axes_note').text.startsWith('patch')")
    for size in SIZES:
        resize(opened, size)
        assert faults_of(opened) == []
    opened.page.keyboard.press("z")
    opened.wait("!named('axes_note').text.startsWith('patch')")


def test_two_compared_brushes_are_read_as_lines_and_as_a_table(opened):
    resize(opened, "usual")
    opened.page.locator("#composition > summary").click()
    opened.page.locator("#composition [data-split=wrong]").click()
    opened.wait("named('importance_form').visible")
    for form in ("chart", "table"):
        opened.page.locator("[data-name=head_importance]").get_by_text(form, exact=True).click()
        for size in ("usual", "small", "phone"):
            resize(opened, size)
            assert faults_of(opened) == []
    width = "(() => { const t = document.querySelector('.hb-difference'); %s })()"
    assert opened.page.evaluate(width % "return t.scrollWidth <= t.clientWidth")
    opened.page.locator("[data-name=head_importance]").get_by_text("chart", exact=True).click()


def test_panels_keep_their_place_whatever_is_selected(opened):
    resize(opened, "usual")

    def places():
        return [panel.bounding_box() for panel in opened.page.locator(".hb-panel").all()]

    before = places()
    for key in ("ArrowRight", "ArrowDown", "]", "m"):
        opened.page.keyboard.press(key)
        opened.page.wait_for_timeout(300)  # nothing moves
        assert places() == before


def test_where_the_page_is_longer_than_the_window_the_wheel_scrolls_it(opened):
    resize(opened, "small")
    opened.page.evaluate("scrollTo(0, 0)")
    frame = opened.frame("patterns_plot")
    opened.page.mouse.move(frame["left"] + 40, frame["top"] + 40)
    opened.page.mouse.wheel(0, 60)
    opened.page.wait_for_function("scrollY === 60")
    assert opened.frame("patterns_plot")["x1"] == frame["x1"]
    opened.page.keyboard.down("Control")
    opened.page.mouse.wheel(0, -60)
    opened.page.keyboard.up("Control")
    opened.page.wait_for_function(
        f"Bokeh.documents[0].get_model_by_name('patterns_plot').x_range.end < {frame['x1']}"
    )
    assert opened.page.evaluate("scrollY") == 60


def test_a_finger_scrolls_the_page_and_brushes_once_a_tool_is_chosen(browser, server):
    size = {"width": 400, "height": 800}
    with browser.new_context(viewport=size, has_touch=True, is_mobile=True) as context:
        page = HeadbrushPage(context.new_page(), server)
        page.page.wait_for_selector("html[data-ready]")
        finger = context.new_cdp_session(page.page)

        def swipe(across):
            frame = page.frame("images_plot")
            x, y = frame["left"] + 20, frame["top"] + frame["height"] - 4
            for step in range(9):
                kind = "touchMove" if step else "touchStart"
                place = {"x": x + step * across * (frame["width"] - 40) / 8, "y": y - step * 15}
                finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
                page.page.wait_for_timeout(16)  # as fast as a finger
            finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        page.page.locator("[data-name=image_overview]").scroll_into_view_if_needed()
        before = page.page.evaluate("scrollY")
        swipe(across=0.05)
        page.page.wait_for_function(f"scrollY > {before} + 40")
        assert page.page.locator(".hb-chip").count() == 0
        page.page.locator("[data-name=image_overview] .bk-tool-icon-box-select").click()
        before = page.page.evaluate("scrollY")
        swipe(across=1)
        page.page.wait_for_selector(".hb-chip")
        assert page.page.evaluate("scrollY") < before + 60  # the chips take room, the page stays
        assert page.faults == []
