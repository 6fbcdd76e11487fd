"""A server that a command starts beside itself ends with it, however that ends."""

import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from tests.processes import stop
from tests.stores import make_store
from tests.waiting import until

COMMAND = """
import sys
from pathlib import Path
from headbrush.server.host.beside import ServerBeside
server = ServerBeside([Path(sys.argv[1])], ["--port", sys.argv[2]])
server.start()
server.wait()
"""


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
            return True
    except OSError:
        return False


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_beside_a_command_ends_with_it(tmp_path, number):
    store = make_store(tmp_path / "s.headbrush")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-c", COMMAND, str(store), str(port)]
    command = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(port), 60)
        command.send_signal(number)
        code = command.wait(20)
        until(lambda: not is_open(port), 20)
        assert code == (0 if number == signal.SIGTERM else -number)
    finally:
        stop(command)
