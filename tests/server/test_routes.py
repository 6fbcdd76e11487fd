"""No address, however malformed, fails in the server or reaches a file that is not served."""

import hashlib
import http.client
from functools import cache
from pathlib import Path

import bokeh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headbrush.server.host.login.passwords import write_password_file
from tests.server.served import ROOT, served

STATIC = (ROOT / "server" / "static", Path(bokeh.__file__).parent / "server" / "static")
NASTY = [
    "%00", "a%00b.js", "%ff", "%c0%ae", "%", "%zz", "%0d%0aX-Evil:1", "%7f", "~root", "%u002e",
    "..", ".", "%2e%2e", "..%2f", "%2e%2e%2f", "..%5c", "%252e%252e%252f", "%2fetc%2fpasswd",
    "../../../../../../../../etc/passwd", "%2fproc%2fself%2fenviron", "session.py", "a" * 300,
]  # fmt: skip
ROUTES = [
    "/", "/server", "/server/", "/server/ws", "/server/metadata", "/server/static/",
    "/server/static/theme.js", "/server/static/../", "/static/", "/static/js/",
    "/static/js/bokeh.min.js", "/static/extensions/", "/healthz", "/metrics", "/login", "/logout",
    "/favicon.ico", "/nothing",
]  # fmt: skip
ASKED = [
    "store", "with", "head", "image", "brush", "next", "v", "bokeh-session-id", "bokeh-token",
    "bokeh-protocol-version", "bokeh-autoload-element",
]  # fmt: skip
HEADERS = {
    "Cookie": ["\xff=\x80", "headbrush_theme=%00", "_xsrf=2|a", "bokeh-session-id=%ff"],
    "Range": ["bytes=a-b", "bytes=99999999999-", "bytes=-0", "lines=1-2"],
    "If-Modified-Since": ["yesterday", "\xff"],
    "If-None-Match": ["\xff", '"' * 9],
    "Bokeh-Session-Id": ["\xff", "mine"],
    "Sec-WebSocket-Protocol": ["bokeh", "bokeh, a.b.c", "\xff"],
    "Origin": ["null", "\xff", "http://["],
}

pieces = st.lists(st.sampled_from(NASTY), max_size=4).map("/".join)
escapes = st.binary(max_size=6).map(lambda found: "".join(f"%{byte:02x}" for byte in found))
values = st.sampled_from(NASTY) | escapes
queries = st.dictionaries(st.sampled_from(ASKED), values, max_size=3)
headers = st.sampled_from(sorted(HEADERS)).flatmap(
    lambda name: st.sampled_from(HEADERS[name]).map(lambda value: {name: value})
)


@pytest.fixture(scope="module")
def running(store_path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("routes")
    write_password_file(folder / "password", "correct horse")
    options = ("--password-file", str(folder / "password"))
    with served(store_path, *options, log=folder / "log") as running:
        yield running


@pytest.fixture(scope="module")
def cookie(running):
    return running.log_in("correct horse").cookies


@cache
def known():
    """Hashes of all files that may be served."""
    files = (path for folder in STATIC for path in folder.rglob("*") if path.is_file())
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def ask(running, method, path, headers):
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    connection.putrequest(method, path)
    for name, value in headers.items():
        connection.putheader(name, value.encode("latin-1"))
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@settings(max_examples=250, deadline=None)
@given(
    method=st.sampled_from(["GET", "GET", "GET", "HEAD", "POST"]),
    route=st.sampled_from(ROUTES),
    rest=st.just("") | pieces | escapes,
    query=queries,
    strange=st.just({}) | headers,
    is_reader=st.booleans(),
)
def test_no_address_fails_or_leads_out(
    running, cookie, method, route, rest, query, strange, is_reader
):
    path = route + rest + "?" * bool(query) + "&".join(f"{k}={v}" for k, v in query.items())
    answer, body = ask(running, method, path, ({"Cookie": cookie} if is_reader else {}) | strange)
    assert answer.status < 500, path
    assert b"root:x:0" not in body
    assert "X-Evil" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if method == "GET" and answer.status == 200 and "/static/" in path.partition("?")[0]:
        assert hashlib.sha256(body).hexdigest() in known(), path
    location = answer.headers.get("Location", "/")
    assert location.startswith(("/", "./"))
    assert not location.startswith(("//", "/\\"))


@pytest.mark.parametrize("place", ["/server/static/", "/static/", "/static/js/", "/", "/server/"])
@pytest.mark.parametrize("name", ["%00", "theme.js%00.png", "%ff", "a%0ab"])
def test_what_is_no_name_of_a_file_is_refused(running, place, name):
    assert ask(running, "GET", place + name, {})[0].status == 400
    assert "Traceback" not in running.log
