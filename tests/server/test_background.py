"""A server in the background of a notebook."""

import os
import pty
import subprocess
import sys
import urllib.request

import pytest

import headbrush
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store
from headbrush.server.host.ports import BLOCKED_PORTS, demand_port
from tests.processes import stop
from tests.server.served import ROOT, free_port
from tests.waiting import until


def test_a_page_is_served_until_it_is_stopped(store_path):
    store = Store(store_path)
    assert str(store_path) in repr(store)
    assert f"{store.sizes['image']} images" in repr(store)
    serving = headbrush.serve(store)
    with urllib.request.urlopen(serving.url, timeout=30) as page:
        assert "headbrush" in page.read().decode()
    assert serving.url in repr(serving)
    assert f'href="{serving.url}"' in serving._repr_html_()
    assert f'<iframe src="{serving.url}"' in serving._repr_html_()
    with urllib.request.urlopen(serving.url, timeout=30) as page:
        policy = page.headers["Content-Security-Policy"]
        assert "frame-ancestors http://localhost:* http://127.0.0.1:*" in policy
        assert "X-Frame-Options" not in page.headers
    serving.stop()
    serving.stop()
    assert serving._repr_html_() == "stopped"
    assert not serving.is_running
    assert repr(serving) == "<headbrush, stopped>"
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(serving.url, timeout=5)


def test_what_cannot_be_served_is_refused_in_one_line(store_path, tmp_path):
    with pytest.raises(InputError, match="no such store"):
        headbrush.serve(tmp_path / "none")
    with pytest.raises(InputError, match="browsers refuse"):
        headbrush.serve(store_path, port=6000)


def test_behind_a_proxy_the_frame_has_the_address_that_browsers_reach(store_path):
    port, hub = free_port(), "https://hub.example.org"
    proxy = f"{hub}/user/me/proxy/{{port}}/"
    with headbrush.serve(store_path, port=port, no_live=True, proxy=proxy) as serving:
        assert serving.url == f"{hub}/user/me/proxy/{port}/server"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/server", timeout=30) as page:
            policy = page.headers["Content-Security-Policy"]
        assert f"frame-ancestors 'self' {hub}" in policy
    assert not serving.is_running
    for wrong in ("hub/proxy", "https://hub.example.org/; x", "javascript:alert(1)"):
        with pytest.raises(InputError, match="expected an address such as"):
            headbrush.serve(store_path, proxy=wrong)


@pytest.mark.parametrize("port", sorted(BLOCKED_PORTS))
def test_ports_that_browsers_refuse_are_refused(port):
    with pytest.raises(InputError, match=f"--port {port}: browsers refuse"):
        demand_port(port)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(InputError, match="from 0 to 65535"):
        demand_port(port)


def test_any_free_port_is_taken():
    demand_port(0)
    demand_port(free_port())


def test_there_is_no_server_on_windows_and_the_line_says_what_works(store_path, monkeypatch):
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(InputError, match="headbrush report"):
        headbrush.serve(store_path)


def test_a_terminal_shows_the_address_and_no_line_for_each_answer(store_path):
    port = free_port()
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "headbrush", "serve", str(store_path), "--port", str(port)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(words, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)

    def answers():
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/server", timeout=5).close()
        except OSError:
            return False
        return True

    try:
        until(answers, 60)
    finally:
        stop(process)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert f"http://localhost:{port}/server" in shown
    assert "GET" not in shown
    assert "{" not in shown
