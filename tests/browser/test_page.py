"""What a person does with the mouse, read back from the page."""

import numpy as np
import pytest

from headbrush.server.session.url_state import default_state
from tests.browser.conftest import MODEL_S, HeadbrushPage, selected_image


@pytest.mark.parametrize("size", [(1440, 900), (1920, 1080)])
def test_the_first_screen_is_full_and_never_scrolls_sideways(browser, server, data, size):
    with browser.new_context(viewport=dict(zip(("width", "height"), size, strict=True))) as context:
        page = HeadbrushPage(context.new_page(), server)
        page.page.wait_for_timeout(1000)
        width = page.page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0]
        assert page.value("selection_text", "text").endswith(f"all {data.num_images} images")
        assert page.value("answer", "text").startswith("Pruning ")
        assert page.page.inner_text(".hb-facts").startswith(data.store.attrs["model"])
        assert page.page.locator(".hb-panel:not([hidden])").count() == 12
        for panel in page.page.locator(".hb-panel:not([hidden])").all():
            box = panel.bounding_box()
            assert box["width"] > 160
            assert box["height"] > 150
            assert box["y"] + box["height"] <= size[1] + 1


def test_a_click_on_an_image_selects_it_in_every_view(page, data):
    by_x = np.argsort(data.store.read("image_embedding")[:, 0]).tolist()
    target = next(image for image in by_x[::-1] if image != selected_image(data))
    x, y = data.store.read("image_embedding")[target].tolist()
    page.click("images_plot", x, y)
    page.wait(f"named('selection_text').text.includes({data.names[target]!r})")
    shown = page.source("entropy")
    np.testing.assert_allclose(shown["entropy"], data.entropy[target], rtol=1e-6)
    np.testing.assert_allclose(shown["value"], data.importance("jsd")[target], atol=1e-7)
    page.wait(f"named('matrix_note').text.includes({data.names[target]!r})")
    page.page.wait_for_function(f"location.search.includes('image={target}')")


def test_a_box_over_images_changes_mean_and_band(page, data):
    xy = data.store.read("image_embedding").astype(float)
    low, high = np.quantile(xy, 0.2, axis=0), np.quantile(xy, 0.75, axis=0)
    inside = ((low <= xy) & (xy <= high)).all(1)
    assert 1 < inside.sum() < len(xy)
    page.drag("images_plot", tuple(low), tuple(high))
    page.wait("named('brushed_text').text.startsWith('brushed')")
    assert page.source("thumbnail")["selected"] == np.flatnonzero(inside).tolist()
    expected = data.importance("jsd")[inside]
    band = page.source("low")
    np.testing.assert_allclose(band["mean"], expected.mean(0), atol=1e-7)
    np.testing.assert_allclose(band["high"], expected.mean(0) + expected.std(0), atol=1e-7)
    count = f"{inside.sum()} of {len(xy)} images"
    assert count in page.value("brushed_text", "text")
    page.drop_brush()
    page.wait("named('brushed_text').text.startsWith('nothing')")
    assert page.source("thumbnail")["selected"] == []
    np.testing.assert_allclose(
        page.source("low")["mean"], data.importance("jsd").mean(0), atol=1e-7
    )


def test_the_logarithmic_scale_puts_each_head_where_its_logarithm_is(page):
    page.page.get_by_role("button", name="log", exact=True).click()
    page.page.wait_for_function("location.search.includes('importance_scale=log')")
    frame, values = page.frame("importance_plot"), page.source("value")["value"]
    positive = [value for value in values if value > 0]
    drawn = page.page.evaluate(
        "values => { const m = Bokeh.documents[0].get_model_by_name('importance_plot');"
        "const v = Bokeh.index.find_one(m); const top = v.frame.bbox.top;"
        "return values.map(value => v.frame.y_scale.compute(value) - top) }",
        positive,
    )
    shares = np.log(np.array(positive) / frame["y0"]) / np.log(frame["y1"] / frame["y0"])
    np.testing.assert_allclose(drawn, (1 - shares) * frame["height"], atol=1)
    page.page.get_by_role("button", name="linear", exact=True).click()
    page.wait("named('importance_plot').y_range.start === 0")


def test_brushed_heads_are_brushed_in_importance_and_patterns(page, data):
    frame = page.frame("overview_plot")
    middle = (frame["y0"], frame["y1"])
    page.drag("overview_plot", (-0.5, middle[0]), (0.5, middle[1]))
    page.wait("named('brushed_text').text.startsWith('brushed')")
    first_layer = np.flatnonzero(data.layer_of_head == 0).tolist()
    assert page.source("layer_jitter")["selected"] == first_layer
    patterns = len(first_layer) * data.num_images
    assert f"{patterns} of {data.num_patterns} patterns" in page.value("brushed_text", "text")


def test_a_click_in_importance_selects_the_nearest_head(page, data):
    frame = page.frame("importance_plot")
    page.click("importance_plot", 2.2, frame["y1"] / 2)
    page.wait(f"named('selection_text').text.includes({data.head_labels[2]!r})")


def test_dragging_the_line_selects_heads_on_the_way(page, data):
    height = page.frame("importance_plot")["y1"] / 2
    start = default_state(data)
    number = data.head_at(start.layer, start.head).number
    page.drag("importance_plot", (number, height), (3.3, height))
    page.wait(f"named('selection_text').text.includes({data.head_labels[3]!r})")
    assert page.value("brushed_text", "text").startswith("nothing brushed")


def test_a_lasso_over_patterns_brushes_those_inside_the_outline(page, data):
    page.page.locator(".hb-panel", has_text="What have the heads learned?").locator(
        ".bk-tool-icon-lasso-select"
    ).click()
    xy = data.embedding(data.layouts[0]).astype(float)
    centre = np.median(xy, axis=0)
    reach = np.quantile(np.abs(xy - centre), 0.6, axis=0)
    corners = [centre + reach * turn for turn in ((-1, -1), (1, -1), (1, 1), (-1, -1))]
    page.drag("patterns_plot", *map(tuple, corners))
    page.wait("named('brushed_text').text.startsWith('brushed')")
    count = int(page.value("brushed_text", "text").split("·")[-1].split(" of ")[0])
    # the triangle below the diagonal, give or take the mouse's pixels along its edges
    x, y = ((xy - centre) / reach).T
    slack = 0.03
    surely = (x < 1 - slack) & (y > -1 + slack) & (y < x - slack)
    perhaps = (x < 1 + slack) & (y > -1 - slack) & (y < x + slack)
    assert surely.sum() <= count <= perhaps.sum()
    assert 0 < surely.sum() < len(xy)


def test_a_matrix_that_is_not_kept_is_computed_live(page, data):
    missing = next(i for i in range(data.num_images) if i not in data.store.kept_images)
    x, y = data.store.read("image_embedding")[missing].tolist()
    page.click("images_plot", x, y)
    page.wait("named('matrix_note').text.includes('live, computed by the model')", MODEL_S)


def test_a_page_without_an_image_opens_without_a_warning(browser, server):
    with browser.new_context() as context:
        opened = HeadbrushPage(context.new_page(), f"{server}?image=none")
        opened.wait("named('selection_text').text.includes('all 30 images')")
        opened.page.wait_for_timeout(500)  # no warning comes
        assert opened.faults == []


def test_undo_by_key_and_two_people_do_not_share_a_state(browser, server, page, data):
    before = page.value("selection_text", "text")
    frame = page.frame("importance_plot")
    for number in (0, 3):
        page.click("importance_plot", number, frame["y1"] / 2)
        page.wait(f"named('selection_text').text.includes({data.head_labels[number]!r})")
        page.page.wait_for_timeout(500)  # two quick clicks are a double click
    with browser.new_context() as context:
        other = HeadbrushPage(context.new_page(), f"{server}?image={selected_image(data)}")
        assert other.value("selection_text", "text") == before
    page.page.keyboard.press("z")
    page.wait(f"named('selection_text').text.includes({data.head_labels[0]!r})")


def test_a_link_opens_the_same_picture(browser, page, data):
    page.click("importance_plot", 3.0, page.frame("importance_plot")["y1"] / 2)
    page.wait(f"named('selection_text').text.includes({data.head_labels[3]!r})")
    page.page.wait_for_function("location.search.includes('head=')")
    with browser.new_context() as context:
        other = HeadbrushPage(context.new_page(), page.page.url)
        assert other.value("selection_text", "text") == page.value("selection_text", "text")
