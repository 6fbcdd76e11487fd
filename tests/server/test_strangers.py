"""Whatever an address, a path or a session token says, nothing outside the stores is reached."""

import base64
import json
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.httpclient import HTTPClientError

from tests.server.served import served

SECRET = "not for anyone's eyes"

ups = st.sampled_from(["..", "%2e%2e", "..%2f..", "%252e%252e", "..\\", "....", ".", "", "%00"])
places = st.sampled_from(
    ["", "secret.txt", "main.py", "etc/passwd", "summary.nc", "templates/login.html", "auth.py"]
)
roots = st.sampled_from(
    ["/server/static", "/static", "/static/extensions", "/static/extensions/x", "/server", ""]
)
paths = st.builds(lambda root, up, end: "/".join((root, *up, end)), roots,
                  st.lists(ups, max_size=7), places)  # fmt: skip
words = st.text(max_size=30) | st.sampled_from(["../secret.txt", "/etc/passwd", "file:///", "\0"])
some = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def server(store_path, tmp_path_factory):
    (store_path.parent / "secret.txt").write_text(SECRET)
    with served(store_path, log=tmp_path_factory.mktemp("strangers") / "log") as running:
        yield running


@some
@given(path=paths)
def test_no_path_reads_a_file_that_is_not_served(server, path):
    answer = server.get(quote(path, safe="/%.\\") or "/")
    assert answer.status in (200, 301, 302, 400, 403, 404) or "%00" in path
    assert not any(word in answer.text for word in (SECRET, "root:x:", "\x89HDF", "def get_user"))
    if answer.status == 200:
        assert answer.headers["Content-Type"].startswith("text/html")


@settings(some, max_examples=15)
@given(store=words, image=words, brush=words)
def test_no_address_opens_anything_but_the_served_store(server, store, image, brush):
    query = "&".join(f"{key}={quote(word.encode('utf-8', 'replace'))}" for key, word in
                     (("store", store), ("image", image), ("brush", brush)))  # fmt: skip
    answer = server.get(f"/server?{query}")
    assert answer.status == 200
    assert SECRET not in answer.text
    assert "random" in answer.text  # the model of the served store


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


tokens = st.one_of(
    st.text("abcXYZ019-_.=", min_size=1, max_size=60),
    st.dictionaries(
        st.sampled_from(["session_id", "session_expiry", "__bk__zlib_", "arguments"]),
        st.text(max_size=9) | st.integers() | st.none() | st.lists(st.integers(), max_size=2),
    ).map(encoded),
    st.integers(0, 2**40).map(lambda n: encoded({"session_id": str(n), "session_expiry": 2**60})),
)


@some
@given(token=tokens, signature=st.sampled_from(["", ".", ".AAAA"]))
def test_no_token_that_was_not_made_here_opens_a_session(server, token, signature):
    message = None
    with suppress(HTTPClientError):
        message = server.websocket(token + signature)
    assert message is None
    assert server.get(f"/server?bokeh-token={token}{signature}").status == 403


@some
@given(name=st.text("abc.019", min_size=1, max_size=40))
def test_no_session_that_was_not_made_here_is_joined(server, name):
    assert server.get(f"/server?bokeh-session-id={name}").status == 403
    assert server.get("/server", **{"Bokeh-Session-Id": name}).status == 403


def test_a_token_that_was_changed_opens_no_session(server):
    token = server.get("/server?image=3").token
    payload, session, *rest = token.split(".")
    assert server.websocket(token)
    for changed in (
        ".".join((encoded({"session_id": session, "session_expiry": 2**60}), session, *rest)),
        payload,
        token + "A",
        token[1:],
    ):
        assert server.websocket(changed) is None


def test_the_server_goes_on(server):
    assert server.get("/healthz").status == 200
    assert server.get("/server").status == 200
