"""File names and class names that would be scripts: text in the page, in a report and its parts."""

import json
from contextlib import contextmanager

import numpy as np
import pytest

from headbrush.analysis.store.store import write_summary
from headbrush.server.pages.report.make_report import make_report
from tests.browser.conftest import HeadbrushPage, serving
from tests.stores import attributes, make_store, values

NASTY = (
    "<script>window.ran = 1</script>",
    '"><img src=x onerror="window.ran = 2">',
    "</script><script>window.ran = 3</script>",
    "{{ 7 * 7 }}<%= 7 * 7 %>${7 * 7}",
    "$$x$$ \\(y\\) \\[z\\]",
    "' onmouseover='window.ran = 4' &lt;b&gt;",
)


@pytest.fixture(scope="module")
def nasty_store(tmp_path_factory):
    path = make_store(tmp_path_factory.mktemp("nasty") / "nasty.headbrush", classes=6)
    content = values(classes=6)
    content["name"] = np.array([f"{n}/{NASTY[n % 6]}.png" for n in range(24)], object)
    content["class_name"] = np.array(NASTY, object)
    write_summary(path, content, attributes(model=NASTY[2], images=f"/{NASTY[0]}/{NASTY[3]}"))
    return path


@contextmanager
def watched(browser, url, home):
    """A page that may ask ``home`` only, and on which nothing of a name may have run."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        refused = []

        def refuse(route):
            refused.append(route.request.url)
            route.abort()

        context.route(lambda asked: not asked.startswith((home, "data:", "blob:")), refuse)
        page = HeadbrushPage(context.new_page(), url)
        page.page.wait_for_timeout(1000)  # no script of a name runs
        yield page
        page.page.wait_for_timeout(300)  # nor later
        assert page.page.evaluate("window.ran") is None
        assert page.faults == []
        assert refused == []


def check_legend(page):
    """Every class is named in the legend as it is."""
    shown = page.page.locator("[data-name=image_overview] [data-kind=class]").all_text_contents()
    assert [text.removeprefix("● ").rsplit(" ", 1)[0] for text in shown] == list(NASTY)


def point_at_an_image(page, column):
    """Move over the rightmost image; returns the texts of all tooltips."""
    points = page.source(column)
    rightmost = int(np.argmax(points["x"]))
    page.page.mouse.move(*page.at("images_plot", points["x"][rightmost], points["y"][rightmost]))
    tip = page.page.locator(".hb-tip").first
    tip.wait_for()
    assert NASTY[rightmost % 6] in tip.text_content()


def test_names_are_text_on_the_servers_page(browser, nasty_store):
    with serving(nasty_store) as url, watched(browser, url, url.removesuffix("/server")) as page:
        for _number in range(6):
            before = page.value("selection_text", "text")
            page.page.keyboard.press("ArrowRight")
            page.wait(f"named('selection_text').text != {json.dumps(before)}")
        assert any(name in page.value("selection_text", "text") for name in NASTY)
        check_legend(page)
        point_at_an_image(page, "thumbnail")


@pytest.mark.parametrize("number", range(6))
def test_names_are_text_in_a_report(browser, nasty_store, tmp_path, number):
    report = make_report(nasty_store, images=[str(number)], heads=["0.0"])
    assert "bokeh-mathjax" not in report.html.lower()
    report.save(path := tmp_path / "report.html")
    with watched(browser, path.as_uri(), "file:") as page:
        heading = page.page.locator(".hb-page-of-head h2").text_content()
        assert heading == f"L0·H0 in {number}/{NASTY[number]}.png"
        assert NASTY[2] in page.page.locator("h1").text_content()
        check_legend(page)
        page.page.locator(f"[data-kind=class][data-number='{number}']").click()
        assert len(page.source("thumbnail")["selected"]) == 4
        page.page.evaluate("scrollTo(0, 0)")
        page.page.locator("[data-name=image_overview]").scroll_into_view_if_needed()
        point_at_an_image(page, "thumbnail")
