"""Parts of a report in a plain page: two views brush each other, one by itself is drawn."""

import importlib.util
import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from bokeh.resources import INLINE

from headbrush.server.pages.report.make_report import make_report
from headbrush.server.session.palette import LIGHT
from tests.browser.conftest import HeadbrushPage, selected_image
from tests.browser.test_report import check_band, decoded
from tests.browser.test_report_patterns import check_picture

ARTICLE = Path(__file__).parent.parent.parent / "docs" / "embedding.py"


@contextmanager
def offline(browser, path):
    """The page of a file, without the net."""
    with browser.new_context(viewport={"width": 1000, "height": 900}) as context:
        refused = []
        context.route(lambda url: not url.startswith(("file:", "data:")),
                      lambda route: (refused.append(route.request.url), route.abort()))  # fmt: skip
        page = HeadbrushPage(context.new_page(), path.as_uri())
        page.page.wait_for_timeout(500)
        yield page
        assert page.faults == []
        assert refused == []


def drag_images(page):
    page.page.locator("[data-view=image_overview]").scroll_into_view_if_needed()
    f = page.frame("images_plot")
    corner = [(f["x0"] + 0.6 * (f["x1"] - f["x0"]), f["y0"] + 0.6 * (f["y1"] - f["y0"]))]
    page.drag("images_plot", (f["x0"], f["y0"]), *corner)
    return page.source("thumbnail")["selected"]


def test_two_views_of_the_example_article_brush_each_other(browser, data, store_path, tmp_path):
    spec = importlib.util.spec_from_file_location("embedding", ARTICLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    example.write_article(store_path, tmp_path / "article.html")
    with offline(browser, tmp_path / "article.html") as page:
        assert page.page.evaluate("getComputedStyle(document.body).maxWidth") == "760px"
        chosen = drag_images(page)
        assert 2 < len(chosen) < data.num_images
        check_band(page, data, "jsd", chosen)
        kind = page.page.locator("[data-kind=class]").first
        kind.click()
        number = int(kind.get_attribute("data-number"))
        chosen = np.flatnonzero(data.labels == number)
        assert page.source("thumbnail")["selected"] == chosen.tolist()


def test_a_fragment_is_pasted_as_it_is(browser, data, tmp_path):
    report = make_report(data, [selected_image(data)], ["1.0"], ["attention_matrix", "two_axes"])
    report.save(tmp_path / "parts.html", fragment=True)
    fragment = (tmp_path / "parts.html").read_text()
    page_of_mine = f"<!DOCTYPE html><body>{INLINE.render()}<h1>Mine</h1>{fragment}</body>"
    (tmp_path / "mine.html").write_text(page_of_mine)
    with offline(browser, tmp_path / "mine.html") as page:
        page.wait("named('matrix_picture').data.image?.length == 1 || "
                  "named('matrix_picture').get_column('image').length == 1")  # fmt: skip
        assert "lines" in page.value("axes_note", "text")
        assert page.page.locator("figcaption").count() == 2


def test_parts_are_light_in_a_page_that_calls_itself_dark(browser, data, tmp_path):
    make_report(data, views=["pattern_layout"]).save(tmp_path / "parts.html", fragment=True)
    fragment = (tmp_path / "parts.html").read_text()
    page_of_mine = (
        f"<!DOCTYPE html><html data-theme='dark'><body style='background: #111; color: #eee'>"
        f"{INLINE.render()}<div data-theme='dark'>{fragment}</div></body></html>"
    )
    (tmp_path / "mine.html").write_text(page_of_mine)
    with offline(browser, tmp_path / "mine.html") as page:
        check_picture(page, data, "count", LIGHT.density)
        painted = page.page.locator(".hb-fragment").evaluate(
            "one => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]"
        )
        assert painted == ["rgb(255, 255, 255)", "rgb(31, 41, 51)"]
        assert page.page.evaluate("getComputedStyle(document.body).color") == "rgb(238, 238, 238)"


@pytest.mark.parametrize("views", [["strength_overview"], ["image_overview", "strength_overview"]])
def test_an_item_of_json_is_drawn_and_brushes(browser, data, tmp_path, views):
    make_report(data, views=views).save(tmp_path / "item.json", fragment=True)
    item = (tmp_path / "item.json").read_text()
    assert json.loads(item)["doc"]["version"]
    (tmp_path / "mine.html").write_text(
        f"<!DOCTYPE html><body>{INLINE.render()}<div id='here' class='hb-fragment' "
        f"data-view='image_overview' style='width: 900px'></div><script>const item = {item}\n"
        "const style = document.createElement('style')\n"
        "style.textContent = item.headbrush.css\ndocument.head.append(style)\n"
        "new Function(item.headbrush.scripts)()\nBokeh.embed.embed_item(item, 'here')</script>"
    )
    with offline(browser, tmp_path / "mine.html") as page:
        entropy = decoded(data.entropy)[0]
        chosen = drag_images(page) if len(views) == 2 else np.arange(data.num_images)
        shown = page.source("layer_jitter")["entropy"]
        np.testing.assert_allclose(shown, entropy[chosen].mean(0), atol=1e-6)
        height = page.page.locator("#here").bounding_box()["height"]
        assert height >= 400 * len(views)


def test_a_notebook_shows_a_report_in_a_frame_of_its_own(browser, data, tmp_path):
    report = make_report(data, views=["image_overview", "head_importance"])
    cell = f"<!DOCTYPE html><body>{INLINE.render()}{report._repr_html_()}</body>"
    (tmp_path / "notebook.html").write_text(cell)
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.goto((tmp_path / "notebook.html").as_uri())
        frame = page.frames[1]
        frame.wait_for_function("window.Bokeh?.documents[0]?.is_idle")
        assert frame.locator("h1").text_content().startswith("How attention works in")
        frame.locator("[data-kind=class]").first.click()
        frame.wait_for_function(
            "document.getElementById('report_brushed').textContent.startsWith('brushed')"
        )
        assert page.evaluate("Bokeh.documents.length") == 0
