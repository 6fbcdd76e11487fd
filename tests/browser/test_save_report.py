"""The button "Save report" on the server's page: what is shown then is in the file."""

import numpy as np
import pytest

from tests.browser.conftest import HeadbrushPage
from tests.browser.test_report import check_band


def saved(page, path):
    with page.page.expect_download(timeout=60_000) as downloading:
        page.page.get_by_role("button", name="Save report").click()
    assert downloading.value.suggested_filename == "tiny-report.html"
    downloading.value.save_as(path)
    return path.as_uri()


def opened(browser, url):
    context = browser.new_context(viewport={"width": 1200, "height": 900}, offline=True)
    return HeadbrushPage(context.new_page(), url)


def test_selection_brushes_and_colours_are_in_the_file(browser, page, data, tmp_path):
    kind = np.unique(data.labels)[1]
    chosen = np.flatnonzero(data.labels == kind)
    page.page.locator(f"[data-name=image_overview] [data-kind=class][data-number='{kind}']").click()
    page.wait(f"named('brushed_text').text.startsWith('brushed: {len(chosen)} of')")
    picture = page.page.locator("[data-name=image_overview] select[name=image_colour]")
    picture.select_option(label="colour: correct or not")
    page.wait("named('image_legend').text.includes('wrong')")
    shown = page.value("selection_text", "text")
    report = opened(browser, saved(page, tmp_path / "report.html"))
    assert report.source("thumbnail")["selected"] == chosen.tolist()
    assert "wrong" in report.value("image_legend", "text")
    heading = report.page.locator(".hb-page-of-head h2").text_content()
    head, image = heading.split(" in ")
    assert f"head {head} " in shown
    assert f", {image}:" in shown
    counted = report.page.locator("#report_brushed").text_content()
    assert counted.startswith(f"brushed: {len(chosen)} of {data.num_images} images")
    report.page.locator("#report_clear").click()
    check_band(report, data, "jsd", np.arange(data.num_images))
    assert report.faults == []
    report.page.context.close()


def test_a_brush_of_patterns_stays_while_images_are_brushed(browser, page, data, tmp_path):
    f = page.frame("patterns_plot")
    corners = [
        (f["x0"] + part * (f["x1"] - f["x0"]), f["y0"] + part * (f["y1"] - f["y0"]))
        for part in (0.1, 0.45)
    ]
    page.drag("patterns_plot", *corners)
    page.wait("named('brushed_text').text.startsWith('brushed')")
    page.page.keyboard.press("ArrowRight")
    xy = data.embedding(data.layouts[0]).reshape(data.num_images, data.num_heads, 2)
    (x0, y0), (x1, y1) = corners
    inside = (xy[..., 0] >= x0) & (xy[..., 0] <= x1) & (xy[..., 1] >= y0) & (xy[..., 1] <= y1)
    within = np.flatnonzero(inside.any(1))
    assert 0 < len(within) < data.num_images
    report = opened(browser, saved(page, tmp_path / "report.html"))
    assert page.source("low")["mean"] == pytest.approx(report.source("low")["mean"])
    kind = data.labels[within[0]]
    report.page.locator(f"[data-kind=class][data-number='{kind}']").click()
    check_band(report, data, "jsd", within[data.labels[within] == kind])
    report.page.context.close()


def test_the_page_answers_while_a_report_is_made(page):
    page.page.get_by_role("button", name="Save report").click()
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("]")
    page.wait("named('metric').value == 'cls'")
    with page.page.expect_download(timeout=60_000):
        pass
