"""Light and dark, keys, saved plots, words for those who do not see: read from a real page."""

import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import MODEL_S, HeadbrushPage, selected_image
from tests.waiting import until


def corner_colour(page):
    """Mean brightness of the pattern plot's empty frame and of its brightest tenth."""
    box = page.page.locator("[data-name=pattern_layout] .hb-body").bounding_box()
    pixels = np.asarray(Image.open(io.BytesIO(page.page.screenshot(clip=box))).convert("L"), int)
    return int(np.median(pixels))


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_the_page_follows_the_system_and_remembers_the_toggle(browser, server, scheme, is_dark):
    with browser.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme=scheme
    ) as context:
        page = HeadbrushPage(context.new_page(), server)
        expected = "dark" if is_dark else "light"
        page.wait(f"named('theme').tags[0] == '{expected}'")
        until(lambda: (corner_colour(page) < 128) == is_dark)
        page.page.get_by_role("button", name="Dark").click()
        other = "light" if is_dark else "dark"
        page.wait(f"named('theme').tags[0] == '{other}'")
        until(lambda: (corner_colour(page) < 128) != is_dark)
        page.page.reload()
        page.page.wait_for_function("window.Bokeh && Bokeh.documents.length")
        assert page.page.evaluate("document.documentElement.dataset.theme") == other
        page.wait(f"named('theme') && named('theme').tags[0] == '{other}'")
        assert page.faults == []


def ratio(one, other):
    """Contrast ratio of two CSS colours as WCAG defines it."""

    def luminance(colour):
        share = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_axis_labels_are_readable_on_the_paper(browser, server, scheme):
    with browser.new_context(color_scheme=scheme) as context:
        page = HeadbrushPage(context.new_page(), server)
        style = {
            name: page.page.evaluate(
                "n => getComputedStyle(document.documentElement).getPropertyValue(n).trim()",
                f"--{name}",
            )
            for name in ("ink", "quiet", "paper", "ground", "accent", "field")
        }
        for text, ground in (
            ("ink", "paper"), ("ink", "ground"), ("ink", "field"), ("quiet", "paper"),
            ("quiet", "ground"), ("accent", "ground"),
        ):  # fmt: skip
            assert ratio(style[text], style[ground]) >= 4.5


def test_keys_step_and_undo(page, data):
    keyboard = page.page.keyboard
    shown = page.value("selection_text", "text")
    image = int(shown.split("image ")[1].split(",")[0])
    keyboard.press("ArrowRight")
    page.wait(f"named('selection_text').text.includes('image {(image + 1) % data.num_images},')")
    keyboard.press("ArrowLeft")
    page.wait(f"named('selection_text').text == {shown!r}")
    keyboard.press("ArrowDown")
    page.wait(f"named('selection_text').text != {shown!r}")
    keyboard.press("ArrowUp")
    page.wait(f"named('selection_text').text == {shown!r}")
    keyboard.press("]")
    page.wait("named('metric').value == 'cls'")
    keyboard.press("[")
    page.wait("named('metric').value == 'jsd'")
    keyboard.press("m")
    page.page.wait_for_function("location.search.includes('mode=2')")
    keyboard.press("z")
    page.page.wait_for_function("!location.search.includes('mode=')")
    keyboard.press("y")
    page.page.wait_for_function("location.search.includes('mode=2')")


def test_keys_are_letters_while_typing(page):
    before = page.value("selection_text", "text")
    field = page.page.locator("[data-name=image_overview] input")
    field.click()
    page.page.keyboard.type("zm]y?")
    page.page.keyboard.press("ArrowLeft")
    page.page.wait_for_timeout(500)  # no key is taken for a command
    assert field.input_value() == "zm]y?"
    assert not page.page.locator("#keys_list").is_visible()
    assert page.value("selection_text", "text") == before
    assert page.value("metric", "value") == "jsd"


def test_the_list_of_keys_opens_and_escape_closes_it_but_not_the_brush(page):
    frame = page.frame("overview_plot")
    page.drag("overview_plot", (-0.5, frame["y0"]), (0.5, frame["y1"]))
    page.wait("named('brushed_text').text.startsWith('brushed')")
    page.page.keyboard.press("?")
    page.page.locator("#keys_list").wait_for(state="visible")
    page.page.keyboard.press("Escape")
    page.page.locator("#keys_list").wait_for(state="hidden")
    page.page.wait_for_timeout(500)  # the brush stays
    assert page.value("brushed_text", "text").startswith("brushed")
    page.drop_brush()
    page.wait("named('brushed_text').text.startsWith('nothing')")


def test_the_first_tab_stop_is_visible(page):
    page.page.keyboard.press("Tab")
    outline = page.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


PREDICTED = "named('prediction_plot').renderers.some(r => r.data_source.get_length() > 0)"
PLOTS = {"head_importance": "JSD (bits)", "strength_vector": "hop (patches)"}


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_is_saved_as_svg_with_its_words(page, name):
    page.page.locator(f"[data-name={name}] .hb-save summary").click()
    with page.page.expect_download() as downloading:
        page.page.locator(f"[data-name={name}] [data-save=svg]").click()
    assert downloading.value.suggested_filename == f"headbrush-{name}.svg"
    root = ET.parse(downloading.value.path()).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert PLOTS[name] in words
    assert float(root.get("width")) > 100
    page.page.locator(f"[data-name={name}] .hb-save summary").click()
    with page.page.expect_download() as downloading:  # a figure for a paper, drawn by the server
        page.page.locator(f"[data-name={name}] [data-figure=svg][data-width=one]").first.click()
    called = downloading.value.suggested_filename
    root = ET.parse(downloading.value.path()).getroot()
    assert float(root.get("width").removesuffix("pt")) == pytest.approx(3.35 * 72)
    assert PLOTS[name] in [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    page.page.locator("#said", has_text=f"{called} saved").wait_for()


def test_every_panel_is_saved_as_png_of_its_size(page):
    page.wait(PREDICTED, MODEL_S)
    page.page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    for panel in page.page.locator(".hb-panel:not([hidden])").all():
        panel.locator(".hb-save summary").click()
        with page.page.expect_download() as downloading:
            panel.locator("[data-save=png]").click()
        name = panel.get_attribute("data-name")
        assert downloading.value.suggested_filename == f"headbrush-{name}.png"
        picture = np.asarray(Image.open(downloading.value.path()).convert("RGB"), int)
        assert min(picture.shape[:2]) > 50
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 8  # something is drawn


def test_each_panel_is_told_in_words_that_follow_the_state(page):
    named = {
        panel.get_attribute("data-name"): panel.get_attribute("aria-describedby")
        for panel in page.page.locator(".hb-panel:not([hidden])").all()
    }
    page.page.wait_for_function(
        "places => places.every(place => document.getElementById(place).textContent.length > 20)",
        arg=list(named.values()),
        timeout=1000 * MODEL_S,
    )
    height = page.frame("importance_plot")["y1"] / 2
    page.click("importance_plot", 2.0, height)
    page.page.wait_for_function(
        "document.getElementById('summary-strength_vector').textContent.includes('L1·H0')"
    )


def test_the_most_important_heads_are_clicked_and_stepped(page, data):
    shown = page.value("selection_text", "text")
    image = int(shown.split("image ")[1].split(",")[0])
    order = np.argsort(-data.importance("jsd")[image])
    second, third = (data.head_labels[order[rank]] for rank in (1, 2))
    page.page.locator("[data-name=head_importance]").get_by_text(second, exact=True).click()
    page.wait(f"named('selection_text').text.includes('head {second} ')")
    page.page.locator("[data-name=head_importance]").get_by_text("›", exact=True).click()
    page.wait(f"named('selection_text').text.includes('head {third} ')")
    page.wait(f"named('head_rank').text.startsWith('3 of {data.num_heads}')")


def test_the_layout_of_cls_patterns_is_one_click_away(page, data):
    first = selected_image(data) * data.num_heads
    page.page.get_by_role("button", name="CLS", exact=True).click()
    page.page.wait_for_function("location.search.includes('pattern=cls')")
    own = page.page.evaluate(
        "() => { const plot = Bokeh.documents[0].get_model_by_name('patterns_plot');"
        "const own = plot.renderers.map(r => r.data_source.data).find(d => 'label' in d);"
        "return [Array.from(own.x), Array.from(own.y)] }"
    )
    every = data.embedding("cls")
    np.testing.assert_allclose(np.transpose(own), every[first : first + data.num_heads], rtol=1e-6)
    frame = page.frame("patterns_plot")
    assert frame["x0"] < every[:, 0].min()
    assert every[:, 0].max() < frame["x1"]
    assert frame["x1"] - frame["x0"] < 1.3 * np.ptp(every[:, 0])
