"""A report opened from a file: no request, and brushing that computes what numpy computes."""

from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from headbrush.server.pages.report.browser.quantise import to_codes
from headbrush.server.pages.report.make_report import make_report
from tests.browser.conftest import HeadbrushPage, selected_image


@pytest.fixture(scope="module")
def made(data):
    return make_report(data)


@pytest.fixture(scope="module")
def written(made, saved):
    return saved(made)


@pytest.fixture
def requests():
    """Addresses that the page asked for, the file itself apart."""
    return []


@pytest.fixture
def page(browser, written, requests):
    with opened_report(browser, written, requests) as page:
        yield page


@contextmanager
def opened_report(browser, written, requests):
    with browser.new_context(viewport={"width": 1200, "height": 900}) as context:
        context.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
        opened = context.new_page()
        opened.on("request", lambda request: requests.append(request.url))
        page = HeadbrushPage(opened, written.as_uri())
        yield page
        assert page.faults == []
        assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []


def show(page, name):
    """Scroll a plot into view."""
    page.page.evaluate(
        "n => Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name(n)).el.scrollIntoView("
        "{block: 'center'})",
        name,
    )


def brush(page, plot="images_plot", low=0.05, high=0.6):
    """Drag a box and return what is brushed in its source."""
    show(page, plot)
    f = page.frame(plot)
    corners = [
        (f["x0"] + part * (f["x1"] - f["x0"]), f["y0"] + part * (f["y1"] - f["y0"]))
        for part in (low, high)
    ]
    page.drag(plot, *corners)
    column = "thumbnail" if plot == "images_plot" else "layer_jitter"
    return page.source(column)["selected"]


def decoded(values):
    """The values that the page has, as exactly as it has them."""
    codes, low, step = to_codes(values)
    return low + codes * step, step


def check_band(page, data, metric, chosen):
    band, values = page.source("low"), data.shown_importance(metric)[chosen]
    exact, step = decoded(data.shown_importance(metric))
    mean, spread = exact[chosen].mean(0), exact[chosen].std(0)
    np.testing.assert_allclose(band["mean"], mean, atol=1e-12)
    np.testing.assert_allclose(band["low"], mean - spread, atol=1e-12)
    np.testing.assert_allclose(band["high"], mean + spread, atol=1e-12)
    assert abs(np.array(band["mean"]) - values.mean(0, dtype=float)).max() <= 0.51 * step


def test_brushed_images_give_their_mean_band_and_entropies(page, data):
    chosen = brush(page)
    assert 2 < len(chosen) < data.num_images
    check_band(page, data, "jsd", chosen)
    heads = page.source("layer_jitter")
    entropy = decoded(data.entropy)[0]
    np.testing.assert_allclose(heads["entropy"], entropy[chosen].mean(0), atol=1e-12)
    said = page.page.locator("#report_brushed").text_content()
    assert said.startswith(f"brushed: {len(chosen)} of {data.num_images} images")
    page.page.locator("#report_clear").click()
    check_band(page, data, "jsd", np.arange(data.num_images))


def test_brushed_images_move_the_hops_of_every_page(page, data):
    chosen = brush(page)
    for source in page.page.evaluate(
        "() => [...Bokeh.documents[0]._all_models.values()].filter(m => m.name == 'codes_hops')"
        ".map(m => [m.tags[3].get_column('mean')].map(c => Array.from(c))[0])"
    ):
        expected = [decoded(data.strength[:, n])[0][chosen].mean(0) for n in range(data.num_heads)]
        assert any(np.allclose(source, one, atol=1e-12) for one in expected)


AT_REST = """() => new Promise((done) => {
  const before = scrollY
  setTimeout(() => done(scrollY === before), 250)
})"""
"""Of a page that a finger has pushed, and that goes on by itself for a while."""
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(true))))"
"""As a finger is told of: once a frame, and what it did is seen before it goes on."""


def touch_drag(page, *pixels):
    """A finger put down at the first place, moved to the others and lifted."""
    finger = page.page.context.new_cdp_session(page.page)
    kinds = ["touchStart", *["touchMove"] * (len(pixels) - 1), "touchEnd"]
    for kind, places in zip(kinds, [*([pixel] for pixel in pixels), []], strict=True):
        touched = [{"x": x, "y": y} for x, y in places]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})
        page.page.wait_for_function(DRAWN)


def test_a_finger_scrolls_and_with_a_tool_brushes_what_its_box_holds(browser, written, data):
    size = {"width": 400, "height": 800}
    with browser.new_context(viewport=size, has_touch=True, is_mobile=True) as context:
        page = HeadbrushPage(context.new_page(), written.as_uri())
        show(page, "images_plot")
        at = data.store.read("image_embedding").astype(float)
        low, high = np.quantile(at, 0.15, axis=0), np.quantile(at, 0.75, axis=0)
        places = (low, (low + high) / 2, high)
        scrolled = page.page.evaluate("scrollY")
        touch_drag(page, *(page.at("images_plot", *place) for place in places))
        page.page.wait_for_function("before => scrollY != before", arg=scrolled)
        page.page.wait_for_function(AT_REST)
        assert page.source("thumbnail")["selected"] == []
        show(page, "images_plot")
        page.page.locator("[data-name=image_overview] .bk-tool-icon-box-select").tap()
        page.page.locator(
            "[data-name=image_overview] .bk-OnOffButton.bk-active[aria-pressed=true]"
        ).wait_for()
        page.page.wait_for_function(AT_REST)
        touch_drag(page, *(page.at("images_plot", *place) for place in places))
        inside = np.flatnonzero(((low <= at) & (at <= high)).all(1))
        assert 2 < len(inside) < data.num_images
        page.page.wait_for_function(
            "document.getElementById('report_brushed').textContent.startsWith('brushed')"
        )
        assert page.source("thumbnail")["selected"] == inside.tolist()
        assert page.page.evaluate("document.documentElement.scrollWidth") == 400
        ranges, scrolled = page.frame("images_plot"), page.page.evaluate("scrollY")
        page.page.mouse.move(*page.at("images_plot", *places[1]))
        page.page.mouse.wheel(0, 100)
        page.page.wait_for_function("before => scrollY > before", arg=scrolled)
        assert {page.frame("images_plot")[end] - ranges[end] for end in ("x0", "x1")} == {0}
        assert page.faults == []


def test_another_metric_keeps_the_brush(page, data):
    chosen = brush(page)
    show(page, "importance_plot")
    page.page.locator("[data-name=head_importance] select").select_option(
        label="True-class probability"
    )
    check_band(page, data, "probability", chosen)
    assert page.value("importance_plot", "left.0.axis_label") == "P′[true class]"


def test_a_tap_shows_the_line_of_an_image_and_another_lets_it_go(page, data):
    image = int(np.argmax(data.store.read("image_embedding")[:, 0]))
    at = map(float, data.store.read("image_embedding")[image])
    show(page, "images_plot")
    page.click("images_plot", *(place := tuple(at)))
    expected = decoded(data.shown_importance("jsd"))[0][image]
    np.testing.assert_allclose(page.source("layer_jitter")["value"], expected, atol=1e-12)
    assert data.names[image] in page.page.locator("#words-head_importance").text_content()
    page.page.wait_for_timeout(500)  # two quick taps are a double tap
    page.click("images_plot", *place)
    mean = decoded(data.shown_importance("jsd"))[0].mean(0)
    np.testing.assert_allclose(page.source("layer_jitter")["value"], mean, atol=1e-12)


def test_brushed_heads_are_brushed_in_both_plots_and_a_tap_selects_one(page, data):
    chosen = brush(page, "overview_plot", 0.02, 0.95)
    assert chosen
    assert (
        f"{len(chosen)} of {data.num_heads} heads"
        in page.page.locator("#report_brushed").text_content()
    )
    heads = page.source("layer_jitter")
    last = data.num_heads - 1
    page.click("overview_plot", heads["layer_jitter"][last], heads["entropy"][last])
    page.page.wait_for_function(
        "n => Bokeh.documents[0].get_model_by_name('importance_cursor').location == n", arg=last
    )


def test_a_class_of_the_legend_brushes_its_images_and_escape_clears(page, data):
    kind = np.unique(data.labels)[1]
    show(page, "images_plot")
    page.page.locator(f"[data-kind=class][data-number='{kind}']").click()
    assert page.source("thumbnail")["selected"] == np.flatnonzero(data.labels == kind).tolist()
    page.page.keyboard.press("Escape")
    assert page.source("thumbnail")["selected"] == []


def test_pointing_at_a_matrix_follows_its_token(browser, data, requests, tmp_path):
    made = make_report(data, [selected_image(data)], ["1.0"], ["attention_matrix", "image_context"])
    made.save(path := tmp_path / "one.html")
    with opened_report(browser, path, requests) as page:
        show(page, "matrix_plot")
        last = page.frame("matrix_plot")["x1"] - 0.5
        page.page.mouse.move(*page.at("matrix_plot", last, last))
        name = f"patch {data.num_tokens - 2}"
        page.wait(f"named('plain_title').text == 'token: {name}'")


def test_every_figure_saves_its_svg(page):
    for panel in page.page.locator(".hb-panel").all()[:5]:
        panel.scroll_into_view_if_needed()
        panel.locator(".hb-save summary").click()
        with page.page.expect_download() as downloading:
            panel.locator("[data-save=svg]").click()
        assert downloading.value.path().read_text().startswith("<svg")


def test_it_prints_with_all_headings_but_that_of_files_to_save(page):
    headings = page.page.locator("h1, section:not(.hb-noprint) h2").all_text_contents()
    assert page.page.locator("h2").count() == len(headings)
    pdf = page.page.pdf(outline=True, tagged=True, prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    for heading in headings:
        plain = b"(" + heading.encode("latin-1", "ignore") + b")"
        wide = b"FEFF" + heading.encode("utf-16-be").hex().upper().encode()
        assert plain in pdf or wide in pdf.upper() or heading.encode("utf-16-be") in pdf, heading


def downloaded(page, name):
    with page.page.expect_download() as downloading:
        page.page.get_by_role("button", name=name, exact=True).click()
    assert downloading.value.suggested_filename == name
    return downloading.value.path()


def test_the_values_are_saved_as_csv_and_netcdf(page, data, made):
    images = pd.read_csv(downloaded(page, "images.csv"))
    assert images["name"].tolist() == data.names
    heads = pd.read_csv(downloaded(page, "heads.csv"))
    np.testing.assert_allclose(heads["jsd"], data.importance("jsd").mean(0), rtol=1e-5)
    with xr.open_dataset(downloaded(page, "values.nc"), engine="netcdf4") as values:
        np.testing.assert_array_equal(values["importance"], data.store.read("importance"))
        means, first, *_ = made.pages
        assert values["page_image"].values[:2].tolist() == [-1, first.image]
        np.testing.assert_array_equal(values["page_attention"][1], first.attention)
        for shown, pruned in zip((means, first), values["page_pruning"].values, strict=False):
            np.testing.assert_allclose(pruned, shown.pruning.metrics)
    for shown, image in ((means, "mean"), (first, first.image)):
        name = f"attention-{data.head_labels[shown.head]}-{image}.csv"
        matrix = np.loadtxt(downloaded(page, name), delimiter=",")
        np.testing.assert_allclose(matrix, shown.attention, rtol=1e-3)
