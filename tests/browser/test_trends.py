"""The workspace Trends with a real mouse; what it shows equals plain computations on the store."""

import re
from pathlib import Path

import numpy as np
import pytest

from headbrush.server.stores.trends.classes import class_trends
from headbrush.server.stores.trends.questions import MOST_SIMILAR
from headbrush.server.stores.trends.statistics.normal_scores import normal_scores
from headbrush.server.stores.trends.unlike import nearest, unlike_their_class
from tests.browser.axe import findings
from tests.browser.conftest import HeadbrushPage
from tests.browser.test_keyboard import go_to
from tests.browser.test_sizes import FAULTS, SIZES, faults_of, resize


@pytest.fixture(scope="module")
def opened(browser, server):
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        context.add_init_script(path=Path(__file__).with_name("drawn_text.js"))
        page = HeadbrushPage(context.new_page(), server)
        page.page.wait_for_selector("html[data-ready]")
        page.page.keyboard.press("3")
        page.wait("named('trend_plot') != null && named('trend_cells').data.g.length > 0")
        page.wait("Bokeh.index.find_one(named('trend_plot')) != null")
        yield page
        assert page.faults == []


@pytest.fixture(scope="module")
def effects(data):
    return data.importance(data.first.metric)


def cells(page):
    """Columns of the matrix as the page holds them."""
    return {
        name: page.page.evaluate(
            f"Array.from(Bokeh.documents[0].get_model_by_name('trend_cells').data.{name})"
        )
        for name in ("x", "y", "g", "class", "head")
    }


def listed(page, name):
    """Numbers of the images in a list."""
    return [int(n) for n in re.findall(r'data-number="(\d+)"', page.value(name, "text"))]


def test_a_click_on_a_cell_selects_its_head_and_brushes_its_class(opened, data, effects):
    shown = cells(opened)
    found = class_trends(effects, data.labels, len(data.class_names))
    place = int(np.argmax(np.abs(shown["g"])))
    one = data.class_names.index(shown["class"][place])
    head = data.head_labels.index(shown["head"][place])
    assert shown["g"][place] == pytest.approx(found.g[one, head])
    count = int((data.labels == one).sum())
    opened.click("trend_plot", shown["x"][place], shown["y"][place])
    opened.wait(f"named('brushed_text').text.includes('{count} of {data.num_images} images')")
    opened.wait(f"named('selection_text').text.includes('head {shown['head'][place]}')")
    opened.drop_brush()


def test_a_box_brushes_heads_and_classes(opened, data):
    shown = cells(opened)
    first = {name for name, y in zip(shown["class"], shown["y"], strict=True) if y == 0}
    count = int(np.isin(data.labels, [data.class_names.index(name) for name in first]).sum())
    opened.drag("trend_plot", (-0.4, -0.4), (2.4, 0.4))
    opened.wait(f"named('brushed_text').text.includes('{count} of {data.num_images} images')")
    opened.wait("named('brushed_text').text.includes('3 of ')")
    opened.drop_brush()


def test_keys_go_over_heads_and_classes_and_enter_does_as_a_click(opened, data):
    shown = cells(opened)
    press = opened.page.keyboard.press
    go_to(opened, "class_heads")
    press("ArrowDown")  # the cell of the selected head in the first class
    for key in ("ArrowDown", "ArrowLeft", *["ArrowLeft"] * data.num_heads, "ArrowRight", "Enter"):
        press(key)
    (place,) = np.flatnonzero((np.array(shown["x"]) == 1) & (np.array(shown["y"]) == 1))
    count = int((data.labels == data.class_names.index(shown["class"][place])).sum())
    opened.wait(f"named('selection_text').text.includes('head {shown['head'][place]}')")
    opened.wait(f"named('brushed_text').text.includes('{count} of {data.num_images} images')")
    press("Enter")
    opened.wait("named('brushed_text').text.startsWith('nothing')")
    go_to(opened, "class_consistency")
    press("ArrowDown")
    press("Enter")
    opened.wait(f"named('brushed_text').text.includes('{count} of {data.num_images} images')")
    opened.drop_brush()


def test_alike_heads_are_put_together_and_the_link_says_so(opened):
    before = cells(opened)["head"]
    opened.page.get_by_role("button", name="similar heads together").click()
    opened.page.wait_for_function("location.search.includes('trend_order=alike')")
    after = cells(opened)["head"]
    assert sorted(after) == sorted(before)
    assert after != before
    opened.page.keyboard.press("z")
    opened.page.wait_for_function("!location.search.includes('trend_order')")
    assert cells(opened)["head"] == before


def test_an_unlike_image_is_selected_and_those_near_it_are_listed(opened, data, effects):
    found = unlike_their_class(effects, data.labels)
    assert listed(opened, "unlike_list") == found.order.tolist()
    first = int(found.order[0])
    opened.page.locator("[data-name=unlike_images] li button").first.click()
    opened.wait(f"named('selection_text').text.includes('image {first}')")
    opened.wait("named('similar_list').text.includes('<li>')")
    assert (
        listed(opened, "similar_list")
        == nearest(normal_scores(effects), first, MOST_SIMILAR)[0].tolist()
    )
    heads = found.columns_of(first, 5)
    label = data.head_labels[heads[1]]
    panel = opened.page.locator("[data-name=unlike_images]")
    panel.get_by_role("button", name=label, exact=True).click()
    opened.wait(f"named('selection_text').text.includes('head {label}')")
    opened.page.keyboard.press("Escape")
    opened.wait("named('similar_said').text.includes('Select an image')")


@pytest.mark.parametrize("size", SIZES)
def test_every_text_of_the_workspace_is_read_in_every_window(opened, size):
    assert FAULTS
    resize(opened, size)
    assert faults_of(opened) == []


def test_axe_finds_nothing_serious_light_and_dark(opened):
    resize(opened, "usual")
    assert findings(opened.page) == []
    opened.page.locator("#theme").click()
    assert findings(opened.page) == []
    opened.page.locator("#theme").click()
