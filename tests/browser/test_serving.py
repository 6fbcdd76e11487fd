"""Logging in, a server that stops and comes back, and several processes, in a real browser."""

import re

import pytest

from headbrush.server.host.login.passwords import write_password_file
from tests.browser.axe import findings
from tests.browser.conftest import HeadbrushPage
from tests.server.served import broken_copy, served

PASSWORD = "correct horse battery"


@pytest.fixture
def tab(browser):
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        yield context.new_page()


def logged(tab):
    """What the page tells the console as an error, also what its policy refuses."""
    errors = []
    tab.on("console", lambda said: said.type == "error" and errors.append(said.text))
    return errors


def log_in(tab, password=PASSWORD):
    """Type where the login page has put the cursor: it does so when it is first painted."""
    tab.wait_for_function("document.activeElement.id == 'password'")
    tab.keyboard.type(password)
    assert tab.input_value("#password") == password
    tab.keyboard.press("Enter")


def test_the_keyboard_alone_logs_in_and_out(tab, store_path, tmp_path):
    write_password_file(tmp_path / "password", PASSWORD)
    options = ("--password-file", str(tmp_path / "password"))
    with served(store_path, *options, log=tmp_path / "log") as running:
        tab.goto(f"{running.url}/server?head=1.1")
        assert "/login" in tab.url
        ground = "getComputedStyle(document.querySelector('main')).backgroundColor"
        assert tab.evaluate(ground) == "rgb(255, 255, 255)"  # the looks have come
        log_in(tab, "wrong horse")
        tab.wait_for_selector("text=Wrong password.")
        assert findings(tab) == []
        log_in(tab)
        tab.wait_for_selector("html[data-ready]")
        tab.wait_for_selector("#summary-status:has-text('L1·H1')", state="attached")
        tab.get_by_role("button", name="Log out").press("Enter")
        tab.wait_for_url("**/login")
        tab.goto(f"{running.url}/server")
        assert "/login" in tab.url


def test_logging_out_in_one_tab_hides_the_others_and_leads_back(browser, store_path, tmp_path):
    write_password_file(tmp_path / "password", PASSWORD)
    options = ("--password-file", str(tmp_path / "password"))
    with (
        served(store_path, *options, log=tmp_path / "log") as running,
        browser.new_context(viewport={"width": 1440, "height": 900}) as context,
    ):
        first, second = context.new_page(), context.new_page()
        for tab in (first, second):
            tab.goto(f"{running.url}/server?head=1.1")
            if "/login" in tab.url:
                log_in(tab)
            tab.wait_for_selector("html[data-ready]")
        first.get_by_role("button", name="Log out").click()
        first.wait_for_url("**/login")
        note = second.get_by_role("alert").filter(has_text="You are logged out")
        note.wait_for()
        assert second.is_hidden("main")
        second.screenshot(path=tmp_path / "out.png")
        note.get_by_role("link", name="Log in").click()
        second.wait_for_url("**/login?next=*")
        log_in(second)
        second.wait_for_selector("html[data-ready]")
        second.wait_for_selector("#summary-status:has-text('L1·H1')", state="attached")
        assert second.is_hidden("#lost")


def test_a_page_tells_that_the_server_stopped_and_comes_back_as_it_was(tab, store_path, tmp_path):
    with served(store_path, log=tmp_path / "log") as running:
        page = HeadbrushPage(tab, f"{running.url}/server?head=0.1")
        page.wait("document.documentElement.dataset.ready != null")
        assert tab.is_hidden("#lost")
        tab.keyboard.press("ArrowDown")
        page.wait("location.search.includes('head=1.0')")
        where = tab.url
    tab.wait_for_selector("#lost:not([hidden])")
    with served(store_path, log=tmp_path / "again", port=running.port):
        tab.wait_for_selector("html[data-ready] #lost[hidden]", state="attached")
        assert tab.url == where
        tab.wait_for_selector("#summary-status:has-text('L1·H0')", state="attached")
    assert page.faults == []


def test_pages_work_with_two_processes_and_break_no_policy(tab, store_path, tmp_path):
    errors = logged(tab)
    with served(store_path, "--num-procs", "2", log=tmp_path / "log") as running:
        for head in ("0.1", "1.0", "1.1", "0.0"):
            page = HeadbrushPage(tab, f"{running.url}/server?head={head}")
            told = f"#summary-status:has-text('L{head.replace('.', '·H')}')"
            tab.wait_for_selector(told, state="attached")
            assert tab.locator(".hb-body canvas").count() > 8
    assert [error for error in errors if "ERR_CONNECTION" not in error] == []
    assert page.faults == []


BROKEN = {
    "views/strength/entropy_distribution.py": (r"(def __init__\(self.*\n)", r"\1        1 / 0\n"),
    "views/strength/strength_vector.py": (
        r"(def react\(self.*\n.*\n)",
        r"\1        [0][new.layer]\n",
    ),
}
"""One view fails at once, one at every head but the first layer's."""


def test_a_view_that_fails_shows_a_card_and_the_others_go_on(tab, store_path, tmp_path):
    def cards():
        return tab.evaluate(
            "[...document.querySelectorAll('.hb-failed')].map("
            "card => [card.closest('.hb-panel').dataset.name, card.textContent])"
        )

    root = broken_copy(tmp_path / "root", BROKEN)
    with served(store_path, log=tmp_path / "log", root=root) as running:
        page = HeadbrushPage(tab, f"{running.url}/server?head=0.1")
        tab.wait_for_selector("html[data-ready] .hb-failed")
        ((name, text),) = cards()
        assert name == "entropy_distribution"
        fault = re.search(r"Error ([0-9a-f]{8})", text)[1]
        assert f'"id": "{fault}"' in running.log
        assert "ZeroDivisionError" in running.log
        height = page.frame("importance_plot")["y1"] / 2
        page.click("importance_plot", 3, height)
        page.wait("document.querySelectorAll('.hb-failed').length == 2")
        assert [name for name, _ in cards()] == ["strength_vector", "entropy_distribution"]
        tab.wait_for_selector("#summary-status:has-text('L1·H1')", state="attached")
        tab.wait_for_timeout(500)  # two clicks, not a double one
        page.click("importance_plot", 0, height)
        page.wait("document.querySelectorAll('.hb-failed').length == 1")
        counted = r'headbrush_errors_total{[^}]*logger="headbrush"[^}]*view="strength_vector"'
        assert re.search(counted, running.get("/metrics").text)
    assert page.faults == []
