"""What a real server answers besides its pages: headers, health, counts, a log, a graceful stop."""

import json
import re
import signal
import time
from pathlib import Path
from unittest.mock import Mock

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tornado.httpclient import HTTPRequest
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.websocket import websocket_connect

from headbrush.server.host.answers.headers import SecurityHeaders
from headbrush.server.host.answers.metrics import MetricsFolder, ServerMetrics
from tests.server.served import broken_copy, run_apart, served

SAFE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


POLICY = "Content-Security-Policy"


@pytest.fixture(scope="module")
def server(store_path, tmp_path_factory):
    with served(store_path, log=tmp_path_factory.mktemp("serving") / "log") as running:
        yield running


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 302), ("/server", 200), ("/server/metadata", 200), ("/healthz", 200),
        ("/metrics", 200), ("/static/js/bokeh.min.js", 200), ("/server/static/theme.js", 200),
        ("/nothing", 404), ("/server/ws", 400), ("/login", 404), ("/favicon.ico", 200),
    ],
)  # fmt: skip
def test_every_answer_tells_browsers_to_be_careful(server, path, status):
    answer = server.get(path)
    assert answer.status == status
    assert SAFE.items() <= dict(answer.headers).items()
    policy = answer.headers[POLICY]
    assert "unsafe-inline" not in re.search(r"script-src[^;]*", policy)[0]
    assert "frame-ancestors 'none'" in policy
    assert "Tornado" not in str(answer.headers)


@pytest.mark.parametrize("query", ["", "?image=3&head=1.0"])
def test_the_root_leads_to_the_page_as_it_was_asked_for(server, query):
    assert server.get(f"/{query}").headers["Location"] == f"./server{query}"


def test_every_script_of_a_page_knows_its_nonce_which_is_never_used_again(server):
    pages = [server.get("/server") for _ in range(2)]
    nonces = [re.search(r"'nonce-([\w-]+)'", page.headers[POLICY])[1] for page in pages]
    assert nonces[0] != nonces[1]
    for page, nonce in zip(pages, nonces, strict=True):
        scripts = re.findall(r"<script[^>]*>", page.text)
        assert len(scripts) > 3
        assert all(f'nonce="{nonce}"' in script for script in scripts)


@pytest.mark.parametrize(("protocol", "is_told"), [("https", True), ("http", False)])
def test_browsers_are_told_to_stay_with_tls_where_it_is(protocol, is_told):
    request = Mock(HTTPServerRequest, protocol=protocol)
    headers = HTTPHeaders({POLICY: "of the page"})
    SecurityHeaders(request).transform_first_chunk(200, headers, b"", True)
    assert ("Strict-Transport-Security" in headers) is is_told
    assert headers[POLICY] == "of the page"


def test_no_page_elsewhere_can_embed_this_one(server):
    assert server.get("/server/autoload.js?bokeh-autoload-element=x").status == 404


def test_health_is_one_word(server):
    answer = server.get("/healthz")
    assert (answer.status, answer.text) == (200, "ready\n")


def samples(text):
    """The value of each sample of a text, by its name and its labels in alphabetical order."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(name, process="0", **labels):
    return (name, *sorted((labels | {"process": process}).items()))


def test_counts_follow_what_is_asked(server):
    name = of("headbrush_answers_total", status="4xx")
    before = samples(server.get("/metrics").text)
    for _ in range(3):
        server.get("/nothing")
    assert before[of("headbrush_errors_total", logger="headbrush", view="")] == 0
    server.websocket(server.get("/server").token)
    after = samples(server.get("/metrics").text)
    assert after[name] - before.get(name, 0) == 3
    assert after[of("headbrush_sessions")] >= 1
    assert after[of("process_resident_memory_bytes")] > 5e7
    assert after[of("headbrush_loop_delay_seconds_count")] > 0
    assert after[of("process_cpu_seconds_total")] > 0
    assert time.time() - 3600 < after[of("process_start_time_seconds")] < time.time()


def test_counts_are_for_this_machine_and_not_for_whom_a_proxy_lets_through(server):
    for header in ("X-Forwarded-For", "X-Real-Ip", "Forwarded"):
        assert server.get("/metrics", **{header: "127.0.0.1"}).status == 403


def test_a_histogram_counts_what_is_at_most_each_bound_in_each_process(tmp_path):
    for process, times in (("0", (0.2,)), ("1", (0.001, 0.005, 0.3, 99))):
        metrics = ServerMetrics()
        for seconds in times:
            metrics.answer_seconds.observe(seconds)
        metrics.errors.labels('a"b\n', "").inc()
        metrics.sessions.set(4)
        folder = MetricsFolder(tmp_path, process)
        folder.write(metrics.registry)
    text = folder.text()
    assert text.count("# TYPE headbrush_answer_seconds histogram") == 1
    values = samples(text)
    name = "headbrush_answer_seconds"
    counts = [
        values[of(f"{name}_bucket", "1", le=bound)]
        for bound in ("0.005", "0.25", "0.5", "10.0", "+Inf")
    ]
    assert counts == [2, 2, 3, 3, 4]
    assert values[of(f"{name}_count", "0")] == 1
    assert values[of(f"{name}_sum", "1")] == pytest.approx(99.306)
    assert values[of("headbrush_errors_total", "1", logger='a"b\n', view="")] == 1
    assert values[of("headbrush_sessions", "1")] == 4


def test_the_log_is_one_object_a_line_and_holds_no_query(server):
    server.get("/server?image=3&bokeh-secret=hidden")
    server.get('/no%0A{"level":"error"}')
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    access = [line for line in lines if line["logger"] == "headbrush.access"]
    page = next(line for line in access if line["path"] == "/server")
    assert {"time", "level", "method", "status", "milliseconds", "remote"} <= page.keys()
    assert "hidden" not in server.log
    assert len(lines) >= len(server.log.splitlines()) - 1  # the first is for people


async def _told_on_stop(server, token):
    address = f"ws://127.0.0.1:{server.port}/server/ws"
    request = HTTPRequest(address, headers={"Origin": server.url})
    page = await websocket_connect(request, subprotocols=["bokeh", token])
    await page.read_message()
    server.process.send_signal(signal.SIGTERM)
    while await page.read_message() is not None:
        pass
    page.close()
    return page.close_code, page.close_reason


async def _extensions(server, token):
    address = f"ws://127.0.0.1:{server.port}/server/ws"
    request = HTTPRequest(address, headers={"Origin": server.url})
    page = await websocket_connect(request, subprotocols=["bokeh", token], compression_options={})
    page.close()
    return page.headers.get("Sec-WebSocket-Extensions", "")


def test_messages_are_compressed_for_those_who_can_read_them(server):
    token = server.get("/server").token
    assert "permessage-deflate" in run_apart(lambda: _extensions(server, token))


def test_when_stopped_the_server_tells_its_pages_and_ends_without_an_error(store_path, tmp_path):
    with served(store_path, log=tmp_path / "log") as running:
        token = running.get("/server").token
        told = run_apart(lambda: _told_on_stop(running, token))
        assert told == (1001, "the server is stopping")
        assert running.process.wait(10) == 0
    assert "Traceback" not in running.log


def test_two_processes_serve_one_page_and_stop_together(store_path, tmp_path):
    with served(store_path, "--num-procs", "2", log=tmp_path / "log") as running:
        for _ in range(12):
            token = running.get("/server").token
            assert "ACK" in running.websocket(token)
        used = {line["process"] for line in map(json.loads, running.log.splitlines()[1:])}
        assert used == {0, 1}
        assert 'process="1"' in running.get("/metrics").text
        pids = [int(pid) for pid in re.findall(r"process id: (\d+)", running.log)]
        assert len(pids) == 2
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(20) == 0
        for pid in pids:
            assert not Path(f"/proc/{pid}").exists()


def test_packages_of_the_same_names_where_the_command_is_given_do_no_harm(store_path, tmp_path):
    for name in ("analysis", "server"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not this one')")
    with served(store_path, log=tmp_path / "log") as running:
        assert running.get("/server").status == 200
        assert "not this one" not in running.log


def test_a_page_that_cannot_be_made_tells_an_id_that_is_in_the_log(store_path, tmp_path):
    edits = {"pages/layout.py": (r"(def theme_of\(.*\n.*\n)", r"\1    None + 1\n")}
    root = broken_copy(tmp_path / "root", edits)
    with served(store_path, log=tmp_path / "log", root=root) as running:
        answer = running.get("/server")
        assert answer.status == 500
        assert "Traceback" not in answer.text
        assert "TypeError" not in answer.text
        fault = re.search(r"Error ([0-9a-f]{8})", answer.text)[1]
        errors = [line for line in running.log.splitlines() if '"logger": "headbrush",' in line]
        assert len(errors) == 1
        assert f'"id": "{fault}"' in errors[0]
        assert "TypeError" in errors[0]
        assert running.get("/healthz").status == 200
