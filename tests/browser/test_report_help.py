"""Help texts and menus of a report open within the window, wherever their panel stands in it."""

import pytest

from headbrush.server.pages.report.make_report import make_report
from tests.browser.conftest import HeadbrushPage

SIZES = {
    "phone": (400, 800),
    "small": (1280, 720),
    "wide": (1920, 1080),
    "small, zoomed to 200 %": (640, 360),
}
OPENED = """([number, block]) => {
  const one = document.querySelectorAll("figure details")[number]
  one.querySelector("summary").scrollIntoView({ block, behavior: "instant" })
  one.querySelector("summary").click()
}"""
OUTSIDE = """number => {
  const one = document.querySelectorAll("figure details")[number].querySelector("p, .hb-menu")
  const { left, top, right, bottom, width } = one.getBoundingClientRect()
  const least = Math.min(left, top, innerWidth - right, innerHeight - bottom)
  return width > 40 && one.scrollWidth <= one.clientWidth + 1 && least >= 0 ? "" :
    `${one.textContent.slice(0, 40)}: ${[left, top, right, bottom].map(Math.round)}`
}"""
CLOSED = 'number => { document.querySelectorAll("figure details")[number].open = false }'


@pytest.fixture(scope="module")
def opened(browser, data, saved):
    """A report that all tests of this file resize."""
    written = saved(make_report(data, images=[0], heads=["1.0"]))
    with browser.new_context() as context:
        page = HeadbrushPage(context.new_page(), written.as_uri())
        yield page.page
        assert page.faults == []


@pytest.mark.parametrize("size", SIZES)
def test_every_help_text_and_menu_is_inside_the_window(opened, size):
    width, height = SIZES[size]
    opened.set_viewport_size({"width": width, "height": height})
    count = opened.locator("figure details").count()
    assert count >= 2 * opened.locator("figure.hb-panel").count() - 2
    found = []
    for number in range(count):
        for block in ("start", "center", "end"):
            opened.evaluate(OPENED, [number, block])
            opened.wait_for_timeout(30)  # the browser tells that it is open, and it is moved
            if outside := opened.evaluate(OUTSIDE, number):
                found.append(f"{outside} ({block})")
            opened.evaluate(CLOSED, number)
    assert found == []
