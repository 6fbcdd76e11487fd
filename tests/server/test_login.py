"""A server with a password, asked as a browser and as a stranger would."""

import json
import re
from urllib.parse import urljoin

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from headbrush.server.host.answers.addresses import place_within
from headbrush.server.host.answers.revoked_logins import Ended, new_login
from headbrush.server.host.login.passwords import write_password_file
from tests.server.served import run_apart, served
from tests.waiting import until

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def server(store_path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("login")
    write_password_file(folder / "password", PASSWORD)
    options = ("--password-file", str(folder / "password"))
    with served(store_path, *options, log=folder / "log") as running:
        yield running


@pytest.fixture(scope="module")
def cookie(server):
    """What the browser of a reader who logged in sends."""
    answer = server.log_in(PASSWORD)
    assert answer.status == 303
    return answer.cookies


@pytest.mark.parametrize("path", ["/", "/server", "/server?image=3", "/server/metadata"])
def test_who_has_not_logged_in_is_sent_to_the_login(server, path):
    answer = server.get(path)
    assert answer.status == 302
    assert urljoin(path, answer.headers["Location"]).startswith("/login?next=%2F")
    assert "token" not in answer.text
    assert '"level": "warning"' not in server.log


def test_a_wrong_password_lets_nobody_in(server):
    answer = server.log_in("correct horse")
    assert answer.status == 403
    assert "Wrong password." in answer.text
    assert "headbrush_login" not in answer.cookies


def test_the_password_opens_the_page_that_was_asked_for(server):
    answer = server.log_in(PASSWORD, "/server?image=3")
    assert (answer.status, answer.headers["Location"]) == (303, "./server?image=3")
    settings = next(c for c in answer.headers.get_all("Set-Cookie") if "headbrush_login" in c)
    assert "HttpOnly" in settings
    assert "SameSite=Lax" in settings
    page = server.get("/server?image=3", answer.cookies)
    assert page.status == 200
    assert server.websocket(page.token, answer.cookies)


def test_a_page_elsewhere_is_never_opened_after_the_login(server):
    for place in ("https://evil.example", "//evil.example", "/\\evil.example"):
        assert server.log_in(PASSWORD, place).headers["Location"] == "./"


def test_a_login_form_of_another_page_is_refused(server):
    assert server.post("/login", "", password=PASSWORD).status == 403
    assert server.post("/login", "_xsrf=2|a|b|1", password=PASSWORD, _xsrf="2|a|c|1").status == 403


def test_a_forged_cookie_is_refused(server, cookie):
    name, value = re.search(r"(headbrush_login)=\"?([^;\"]+)", cookie).groups()
    assert server.get("/server", f'{name}="{value}"').status == 200
    middle = len(value) // 2
    forged = value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :]
    for strange in (forged, "reader", "", value[:-1], "2|1:0|10:9999999999|0:||"):
        assert server.get("/server", f'{name}="{strange}"').status == 302


def test_a_websocket_without_the_cookie_is_refused(server, cookie):
    token = server.get("/server", cookie).token
    assert server.websocket(token, cookie)
    for strange in ("", "headbrush_login=reader"):
        with pytest.raises(HTTPClientError) as refusal:
            server.websocket(token, strange)
        assert refusal.value.code == 403


def test_a_websocket_of_another_page_is_refused(server, cookie):
    token = server.get("/server", cookie).token
    for origin in ("http://evil.example", f"http://127.0.0.1.evil.example:{server.port}", "null"):
        with pytest.raises(HTTPClientError) as refusal:
            server.websocket(token, cookie, origin)
        assert refusal.value.code == 403


def test_a_session_that_the_server_did_not_make_is_refused(server, cookie):
    token = server.get("/server", cookie).token
    assert server.websocket(token[:-2] + "AA", cookie) is None
    logged = len(server.log)
    assert server.get("/server?bokeh-session-id=mine.forged", cookie).status == 403
    until(lambda: '"status": 403' in server.log[logged:])  # the access line comes last
    lines = [json.loads(line) for line in server.log[logged:].splitlines()]
    assert {line["level"] for line in lines} == {"info"}
    assert "forged" not in server.log


def test_logging_out_forgets_the_cookie(server, cookie):
    page = server.get("/login", cookie)
    xsrf = re.search(r'name="_xsrf" value="([^"]+)"', page.text)[1]
    answer = server.post("/logout", f"{cookie}; {page.cookies}", _xsrf=xsrf)
    assert (answer.status, answer.headers["Location"]) == (303, "./login")
    assert 'headbrush_login=""' in answer.headers["Set-Cookie"]
    assert server.get("/logout", cookie).status == 405


async def _end(running, cookies, other):
    """Open pages of two logins, log one out; how the pages of the first ended, and the second's."""
    pages = []
    for cookie in (*[cookies] * 4, other):
        token = running.get("/server", cookie).token
        headers = {"Origin": running.url, "Cookie": cookie}
        request = HTTPRequest(f"ws://127.0.0.1:{running.port}/server/ws", headers=headers)
        pages.append(await websocket_connect(request, subprotocols=["bokeh", token]))
        await pages[-1].read_message()
    form = running.get("/login", cookies)
    xsrf = re.search(r'name="_xsrf" value="([^"]+)"', form.text)[1]
    assert running.post("/logout", f"{cookies}; {form.cookies}", _xsrf=xsrf).status == 303
    for page in pages[:-1]:
        while await page.read_message() is not None:
            pass
    told = [(page.close_code, page.close_reason) for page in pages]
    for page in pages:
        page.close()
    return told


def test_logging_out_ends_the_logins_pages_and_cookie_in_all_processes(store_path, tmp_path):
    write_password_file(tmp_path / "password", PASSWORD)
    options = ("--password-file", str(tmp_path / "password"), "--num-procs", "2")
    with served(store_path, *options, log=tmp_path / "log") as running:
        mine, other = (running.log_in(PASSWORD).cookies for _ in range(2))
        told = run_apart(lambda: _end(running, mine, other))
        assert told == [(4001, "logged out")] * 4 + [(None, None)]
        for _ in range(6):
            assert running.get("/server/metadata", mine).status == 302
            assert running.get("/server/metadata", other).status == 200


def test_all_processes_count_wrong_passwords_together(store_path, tmp_path):
    write_password_file(tmp_path / "password", PASSWORD)
    options = ("--password-file", str(tmp_path / "password"), "--num-procs", "2")
    with served(store_path, *options, log=tmp_path / "log") as running:
        statuses = [running.log_in(f"guess number {number}").status for number in range(12)]
        assert statuses == [403] * 5 + [429] * 7


def test_of_ended_logins_the_last_are_remembered():
    ended, names = Ended(most=3), [new_login() for _ in range(5)]
    for name in names:
        assert name not in ended
        ended.add(name)
        assert name in ended
    assert [name in ended for name in names] == [False, False, True, True, True]
    assert not any(strange in ended for strange in (None, "", "x" * 24, "reader", b"0", 3))


def test_who_guesses_too_often_waits_even_with_the_right_password(server):
    statuses = [server.log_in(f"guess number {number}").status for number in range(6)]
    assert statuses[-1] == 429
    assert set(statuses) == {403, 429}
    answer = server.log_in(PASSWORD)
    assert answer.status == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 61


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("/", "/"), ("/server?image=3&brush=images:r:1", "/server?image=3&brush=images:r:1"),
        ("", "/"), ("server", "/"), ("//a", "/"), ("/\\a", "/"), ("/\t/a", "/"), ("/ü", "/"),
        ("http:/a", "/"), ("javascript:alert(1)", "/"), ("/a\r\nSet-Cookie: b", "/"),
    ],
)  # fmt: skip
def test_only_places_of_this_server_follow_a_login(text, place):
    assert place_within(text) == place


def test_behind_a_prefix_all_places_have_it(store_path, tmp_path):
    write_password_file(tmp_path / "password", PASSWORD)
    options = ("--password-file", str(tmp_path / "password"), "--prefix", "/viz")
    with served(store_path, *options, log=tmp_path / "log", prefix="/viz") as running:
        asked = running.get("/viz/server?image=3")
        assert asked.headers["Location"] == "./login?next=%2Fviz%2Fserver%3Fimage%3D3"
        form = running.get("/viz/login")
        for place in re.findall(r'(?:href|src)="([^"]+)"', form.text):
            assert running.get(urljoin("/viz/login", place)).status == 200, place
        entered = running.log_in(PASSWORD, "/viz/server?image=3")
        assert entered.headers["Location"] == "./server?image=3"
        page = running.get("/viz/server?image=3", entered.cookies)
        assert 'action="./logout"' in page.text
        assert "ACK" in running.websocket(page.token, entered.cookies)
        assert running.get("/viz/healthz").status == 200
