"""The page behind a proxy with a prefix, and what it says where no websocket gets through."""

import pytest

from headbrush.server.host.login.passwords import write_password_file
from tests.browser.conftest import HeadbrushPage
from tests.browser.proxy import proxied
from tests.browser.test_serving import PASSWORD, log_in
from tests.server.served import free_port, served
from tests.stores import make_store

PREFIX = "/user/me/proxy/5006"


@pytest.fixture
def tab(browser):
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        yield context.new_page()


@pytest.mark.parametrize("keeps", [False, True], ids=["stripped", "kept"])
def test_page_and_login_work_under_a_prefix(tab, store_path, tmp_path, keeps):
    write_password_file(tmp_path / "password", PASSWORD)
    port = free_port()
    options = ["--password-file", str(tmp_path / "password"),
               "--allow-websocket-origin", f"127.0.0.1:{port}"]  # fmt: skip
    options += ["--prefix", PREFIX] if keeps else []
    prefix = PREFIX if keeps else ""
    with (
        served(store_path, *options, log=tmp_path / "log", prefix=prefix) as running,
        proxied(running.port, PREFIX, port, keeps=keeps) as address,
    ):
        tab.goto(f"{address}/")
        log_in(tab)
        tab.wait_for_selector("html[data-ready]")
        assert tab.url.startswith(f"{address}/server")
        tab.keyboard.press("ArrowDown")
        tab.wait_for_function("location.search.includes('head=1.')")
        tab.get_by_role("button", name="Log out").click()
        tab.wait_for_url(f"{address}/login")


def test_a_reader_brushes_and_compares_under_a_prefix(tab, tmp_path):
    for name in ("one", "two"):
        make_store(tmp_path / "stores" / f"{name}.headbrush")
    port = free_port()
    allowed = ("--allow-websocket-origin", f"127.0.0.1:{port}")
    with (
        served(tmp_path / "stores", *allowed, log=tmp_path / "log") as running,
        proxied(running.port, PREFIX, port) as address,
    ):
        tab.goto(f"{address}/")
        tab.locator(".hb-card", has_text="one.headbrush").locator("a").first.click()
        tab.wait_for_selector("html[data-ready]")
        assert tab.url.startswith(f"{address}/server?")
        page = HeadbrushPage(tab, tab.url)
        plot = page.frame("images_plot")
        corners = [(plot["x0"], plot["y0"]), (plot["x1"], plot["y1"])]
        page.drag("images_plot", *corners)
        tab.wait_for_function("location.search.includes('brush=')")
        tab.goto(f"{address}/server?store=one.headbrush&with=two.headbrush")
        tab.wait_for_selector("html[data-ready]")
        assert tab.locator(".hb-side").count() == 2
        assert page.faults == []


@pytest.mark.parametrize("is_origin_allowed", [True, False])
def test_a_page_without_a_websocket_says_so(tab, store_path, tmp_path, is_origin_allowed):
    port = free_port()
    options = ("--allow-websocket-origin", f"127.0.0.1:{port}") if is_origin_allowed else ()
    with (
        served(store_path, *options, log=tmp_path / "log") as running,
        proxied(running.port, PREFIX, port, has_websockets=not is_origin_allowed) as address,
    ):
        tab.goto(f"{address}/server")
        note = tab.get_by_role("alert").filter(has_text="cannot open a websocket")
        note.wait_for(timeout=15_000)
        assert f"--allow-websocket-origin 127.0.0.1:{port}" in note.text_content()


def test_a_page_that_works_says_nothing(tab, store_path, tmp_path):
    with served(store_path, log=tmp_path / "log") as running:
        page = HeadbrushPage(tab, f"{running.url}/server")
        assert tab.is_hidden("#lost")
        assert page.faults == []
