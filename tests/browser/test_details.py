"""What a close look at the page shows."""

import re
from math import log

from tests.browser.conftest import HeadbrushPage

EARLY = """addEventListener("DOMContentLoaded", () => {
  window.early = window.Bokeh?.documents.length ?? 0
  for (const key of ["z", "Escape", "ArrowRight"]) {
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }))
  }
  const buttons = "#copy_link, #save_report, [data-export], #theme"
  for (const button of document.querySelectorAll(buttons)) button.click()
})"""
TIP = """() => {
  const tip = [...document.querySelectorAll("body > .bk-Tooltip")].find(one => one.shadowRoot)
  return tip?.shadowRoot.textContent ?? ""
}"""


def _place(page, strength):
    """Pixel of an attention near the foot of the threshold's plot, whose axes are logarithmic."""
    f = page.frame("threshold_plot")
    share = log(strength / f["x0"]) / log(f["x1"] / f["x0"])
    return f["left"] + share * f["width"], f["top"] + 0.95 * f["height"]


def test_the_tip_of_a_bin_tells_numbers_that_differ(page):
    shown = page.source("patch_count")
    fullest = max(range(len(shown["patch"])), key=shown["patch"].__getitem__)
    left, right = shown["left"][fullest], shown["right"][fullest]
    page.page.mouse.move(*_place(page, (left * right) ** 0.5))
    page.page.wait_for_function(f"({TIP})().includes('between patches')")
    low, high = re.search(r"A: *([-+.e0-9]+) to ([-+.e0-9]+)", page.page.evaluate(TIP)).groups()
    assert (low, high) == (f"{left:.2g}", f"{right:.2g}")
    assert low != high


def test_at_twice_the_size_the_heading_takes_no_more_than_its_lines(browser, server):
    with browser.new_context(viewport={"width": 720, "height": 450}) as context:
        page = HeadbrushPage(context.new_page(), server)
        assert page.page.locator(".hb-bar").bounding_box()["height"] < 240
        assert page.page.evaluate("document.documentElement.scrollWidth") <= 720
        assert page.faults == []


def test_keys_and_buttons_before_anything_is_drawn_do_no_harm(browser, server):
    with browser.new_context() as context:
        context.add_init_script(EARLY)
        page = HeadbrushPage(context.new_page(), server)
        assert page.page.evaluate("window.early") == 0
        page.page.locator("h1").click()  # away from the link that was to be copied
        page.page.keyboard.press("m")
        page.wait("named('mode').value == '2'")
        assert page.faults == []
