"""The tab Explain: a real model, a real mouse, keys, every window."""

from pathlib import Path

import numpy as np
import pytest

from tests.browser.axe import findings
from tests.browser.conftest import MODEL_S, HeadbrushPage
from tests.browser.test_keyboard import go_to
from tests.browser.test_sizes import SIZES, faults_of, resize

MEASURED = "/^<p>(Better|No map|Every)/.test(named('maps_said')?.text)"


@pytest.fixture(scope="module")
def opened(browser, server):
    """A page that shows the fourth tab, with an image whose maps have all been measured."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        context.add_init_script(path=Path(__file__).with_name("drawn_text.js"))
        page = HeadbrushPage(context.new_page(), f"{server}?image=3")
        page.page.wait_for_selector("html[data-ready]")
        page.page.keyboard.press("4")
        page.wait(MEASURED, MODEL_S)
        page.wait("Bokeh.index.find_one(named('explained_plot')) != null")
        yield page
        assert page.faults == []


def values(page):
    """The map that is drawn large, ``(P,)``."""
    return np.array(
        page.page.evaluate(
            "Array.from(Bokeh.documents[0].get_model_by_name('explained_plot_values').data.image[0])"
        )
    )


def test_a_tile_shows_its_map_and_a_click_pins_a_patch(opened):
    tiles = opened.page.locator("[data-name=explanation_maps] button[data-ask]")
    assert tiles.count() == 7
    tiles.nth(5).click()
    opened.page.wait_for_function("location.search.includes('explained_map=lens')")
    opened.click("explained_plot", 2.5, 1.5)
    opened.page.wait_for_function("location.search.includes('token=')")
    columns = opened.value("tokens", "columns")
    opened.wait(f"named('explained_note').text.includes('patch {columns + 2} (row 1, column 2)')")
    assert "explained_map=lens" in opened.page.url
    opened.page.keyboard.press("Escape")
    opened.page.wait_for_function("!location.search.includes('token=')")
    opened.page.keyboard.press("z")
    opened.page.keyboard.press("z")
    opened.page.keyboard.press("z")
    opened.page.wait_for_function("!location.search.includes('explained_map')")


def test_keys_read_patches_and_select_heads(opened):
    go_to(opened, "explained_image")
    opened.page.keyboard.press("Home")
    opened.page.keyboard.press("ArrowRight")
    value = float(f"{values(opened)[1]:.3g}")
    opened.page.wait_for_function("document.getElementById('spoken').textContent.length > 0")
    said = opened.page.text_content("#spoken")
    assert said.startswith("patch 1 (row 0, column 1): ")
    assert float(said.split(": ")[1]) == pytest.approx(value, rel=0.01)
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_function("location.search.includes('token=2')")
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_function("!location.search.includes('token=')")
    opened.page.keyboard.press("Escape")
    go_to(opened, "speaking_heads")
    opened.page.keyboard.press("End")
    opened.page.wait_for_function(
        "/^L[01]·H[01]: /.test(document.getElementById('spoken').textContent)"
    )
    layer, head = opened.page.text_content("#spoken").split(":")[0].removeprefix("L").split("·H")
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_function(f"location.search.includes('head={layer}.{head}')")
    opened.page.keyboard.press("Escape")
    opened.page.mouse.click(700, 12)  # the line on keys goes with the focus


@pytest.mark.parametrize("size", SIZES)
def test_every_text_is_read_in_every_window(opened, size):
    resize(opened, size)
    assert faults_of(opened) == []


def test_axe_finds_nothing_serious_in_the_workspace(opened):
    resize(opened, "usual")
    assert findings(opened.page) == []
    opened.page.locator("#theme").click()
    assert findings(opened.page) == []
    opened.page.locator("#theme").click()
