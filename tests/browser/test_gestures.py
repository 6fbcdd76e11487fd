"""Keys held during a drag, drags that are one step, links with a brush: with a real mouse."""

import numpy as np
import pytest

from tests.browser.conftest import HeadbrushPage
from tests.waiting import until

ONE = ((0.1, 0.1), (0.6, 0.9))
OTHER = ((0.4, 0.1), (0.9, 0.9))
HALF, AWAY = ((0.01, 0.01), (0.5, 0.99)), ((0.6, 0.01), (0.99, 0.99))


def corners(page, plot, shares):
    f = page.frame(plot)
    return [
        (f["x0"] + x * (f["x1"] - f["x0"]), f["y0"] + y * (f["y1"] - f["y0"])) for x, y in shares
    ]


def within(xy, box):
    (x0, y0), (x1, y1) = box
    return (x0 <= xy[:, 0]) & (xy[:, 0] <= x1) & (y0 <= xy[:, 1]) & (xy[:, 1] <= y1)


def brushed(page):
    """Numbers of brushed images, heads and patterns, as the status bar tells them."""
    words = page.value("brushed_text", "text").removeprefix("brushed: ").split(" · ")
    return [int(word.split(" of ")[0].replace(" ", "")) for word in words]


MODES = [
    ((), lambda _, b: b),
    (("Shift",), lambda a, b: a | b),
    (("Control",), lambda a, b: a & b),
    (("Shift", "Control"), lambda a, b: a & ~b),
]


@pytest.mark.parametrize(("keys", "joined"), MODES)
def test_keys_join_regions_of_patterns(page, data, keys, joined):
    first, second = (corners(page, "patterns_plot", shares) for shares in (ONE, OTHER))
    xy = data.embedding(data.layouts[0]).astype(float)
    page.drag("patterns_plot", *first)
    page.wait("named('brushed_text').text.startsWith('brushed')")
    page.wait("named('link').tags[0].includes('brush')")
    before = page.value("link", "tags")[0]
    page.drag("patterns_plot", *second, keys=keys)
    page.wait(f"named('link').tags[0] != {before!r}")  # the text follows the drag on its way too
    expected = joined(within(xy, first), within(xy, second)).sum()
    assert abs(brushed(page)[2] - expected) <= 4  # the mouse stands on whole pixels
    assert 0 < expected < len(xy)


@pytest.mark.parametrize(("keys", "joined"), MODES)
def test_keys_join_regions_of_images_and_of_heads(page, data, keys, joined):
    images = data.store.read("image_embedding").astype(float)
    heads = page.source("layer_jitter")
    heads = np.column_stack([heads["layer_jitter"], heads["entropy"]])
    for plot, xy, column in (
        ("images_plot", images, "thumbnail"), ("overview_plot", heads, "layer_jitter"),
    ):  # fmt: skip
        first, second = (corners(page, plot, shares) for shares in (ONE, OTHER))
        expected = np.flatnonzero(joined(within(xy, first), within(xy, second)))
        begun = np.flatnonzero(within(xy, first)).tolist()
        for corner, held, indices in ((first, (), begun), (second, keys, expected.tolist())):
            page.drag(plot, *corner, keys=held)
            until(lambda: sorted(page.source(column)["selected"]) == indices)  # noqa: B023
            page.page.wait_for_timeout(400)  # the server's answer leaves it so
            assert sorted(page.source(column)["selected"]) == indices


@pytest.mark.parametrize(("keys", "second"), [(("Control",), AWAY), (("Shift", "Control"), HALF)])
@pytest.mark.parametrize(("plot", "place"), [("images_plot", 0), ("overview_plot", 1)])
def test_keys_that_leave_nothing_brush_nothing(page, plot, place, keys, second):
    page.drag(plot, *corners(page, plot, HALF))
    page.wait("named('brushed_text').text.startsWith('brushed')")
    assert brushed(page)[place] > 0
    page.drag(plot, *corners(page, plot, second), keys=keys)
    page.page.wait_for_function(
        "place => Number(Bokeh.documents[0].get_model_by_name('brushed_text').text"
        ".replace('brushed: ', '').split(' · ')[place].split(' of ')[0]) === 0",
        arg=place,
    )
    assert brushed(page)[2] == 0
    column = ("thumbnail", "layer_jitter")[place]
    assert set(page.source(column)["share"]) == {0}
    page.drop_brush()
    page.wait("named('brushed_text').text.startsWith('nothing')")
    assert set(page.source(column)["share"]) == {-1}


@pytest.mark.parametrize("plot", ["images_plot", "patterns_plot"])
def test_who_holds_the_button_before_a_drag_brushes_the_same(page, plot):
    box = corners(page, plot, HALF)
    found = []
    page.drop_brush()  # the links below are of all images
    page.wait("!named('link').tags[0].includes('image')")
    for held in (0, 0.5):
        page.drag(plot, *box, held=held)
        page.wait("named('brushed_text').text.startsWith('brushed')")
        page.wait("named('link').tags[0].includes('brush')")
        found.append((page.value("brushed_text", "text"), page.value("link", "tags")[0]))
        page.drop_brush()
        page.wait("named('brushed_text').text.startsWith('nothing')")
    assert found[0] == found[1]


def test_a_button_held_still_selects_as_a_click_does(page, data):
    page.drag("importance_plot", (3.0, page.frame("importance_plot")["y1"] / 2), held=0.5)
    page.wait(f"named('selection_text').text.includes({data.head_labels[3]!r})")


def test_a_drag_of_the_head_line_is_undone_at_once(page):
    before = page.value("selection_text", "text")
    height = page.frame("importance_plot")["y1"] / 2
    page.drag("importance_plot", (0, height), (1.2, height), (3.1, height))
    page.wait("named('selection_text').text.includes('head L1·H1')")
    page.page.wait_for_timeout(300)
    page.page.keyboard.press("z")
    page.wait(f"named('selection_text').text == {before!r}")


def test_menus_follow_undo(page):
    menus = page.page.locator(".hb-panel", has_text="Which images").locator("select")
    menus.first.select_option(label="colour: correct or not")
    page.wait("named('image_legend').text.includes('wrong')")
    page.page.get_by_text("CLS", exact=True).click()
    page.wait("named('pattern').active == 2")
    page.page.wait_for_timeout(300)
    for _ in range(2):
        page.page.keyboard.press("z")
    page.wait("named('image_colour').value == 'class' && named('pattern').active == 0")


def test_the_same_image_is_found_twice(page, data):
    for name in (data.names[5], data.names[7], data.names[5]):
        field = page.page.locator(".hb-panel", has_text="Which images").locator("input")
        field.fill(name)
        field.press("Enter")
        page.wait(f"named('selection_text').text.includes({name!r})")
        page.wait("named('find_image').value == ''")


def test_zoom_and_brush_travel_in_the_link(browser, page):
    frame = page.frame("patterns_plot")
    page.page.mouse.move(frame["left"] + frame["width"] / 2, frame["top"] + frame["height"] / 3)
    page.page.mouse.wheel(0, -400)
    page.page.wait_for_function("location.search.includes('range=')")
    page.drag("images_plot", *corners(page, "images_plot", ONE))
    page.drag("patterns_plot", *corners(page, "patterns_plot", ONE))
    page.page.wait_for_function(
        "location.search.includes('box:') || /lasso:/.test(location.search)"
    )
    page.page.wait_for_timeout(500)
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        other = HeadbrushPage(context.new_page(), page.page.url)
        assert other.value("brushed_text", "text") == page.value("brushed_text", "text")
        assert other.source("thumbnail")["selected"] == page.source("thumbnail")["selected"]
        for edge in ("x0", "x1", "y0", "y1"):
            assert other.frame("patterns_plot")[edge] == pytest.approx(
                page.frame("patterns_plot")[edge], rel=1e-3, abs=1e-2
            )
        assert other.page.url == page.page.url


def test_without_a_clipboard_the_link_is_a_selected_text(page):
    page.page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.page.get_by_role("button", name="Copy link").click()
    field = page.page.get_by_label("Link to this picture")
    assert field.input_value() == page.page.url
    assert (
        page.page.evaluate(
            "() => { const f = document.activeElement;"
            "return f.value.slice(f.selectionStart, f.selectionEnd) }"
        )
        == page.page.url
    )


def test_pointing_at_an_image_shows_its_thumbnail(page, data):
    embedding = data.store.read("image_embedding")
    target = int(np.argmax(embedding[:, 0]))
    page.page.mouse.move(*page.at("images_plot", *embedding[target].tolist()))
    picture = page.page.locator(".hb-tip img")
    picture.wait_for()
    until(lambda: picture.get_attribute("src") == data.thumbnail(target))


def test_mouse_and_keys_select_and_brush_in_the_gallery(page, data):
    order = np.argsort(data.label_probability, kind="stable")  # the largest loss first
    page.page.get_by_text("gallery", exact=True).click()
    tile = page.page.locator("#tile-6:has(img)")
    tile.click()
    page.wait(f"named('gallery_told').tags[0].image === {order[6]}")
    assert f": {data.names[order[6]]}, true " in tile.get_attribute("aria-label")
    columns = page.page.evaluate(
        "() => { const s = Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name("
        "'image_gallery')).shadow_el.querySelector('.hb-scroller');"
        "return Math.max(1, Math.floor(s.clientWidth / 68)) }"
    )
    page.page.keyboard.press("Home")
    first, last = (page.page.locator(f"#tile-{at}").bounding_box() for at in (0, columns + 1))
    page.page.mouse.move(first["x"] + first["width"] / 2, first["y"] + 20)
    page.page.mouse.down()
    page.page.mouse.move(last["x"] + last["width"] / 2, last["y"] + 20, steps=4)
    page.page.mouse.up()
    inside = sorted(order[[0, 1, columns, columns + 1]].tolist())
    page.wait("named('gallery_told').tags[0].count === 4")
    assert page.source("thumbnail")["selected"] == inside
    page.page.keyboard.press("End")
    page.page.keyboard.press(" ")
    page.wait("named('gallery_told').tags[0].count === 3")
    page.page.keyboard.press("Enter")
    left = [at for at in order.tolist() if at in inside][:3]
    page.wait(f"named('gallery_told').tags[0].image === {left[-1]}")
    page.page.wait_for_function("location.search.includes('images_form=gallery')")
