"""A server that a command starts beside itself: it answers when told, and ends with the command."""

import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import pytest

from tests.processes import stop
from tests.server.served import free_port
from tests.stores import make_store
from tests.waiting import until

COMMAND = """
import sys
from pathlib import Path
from headbrush.server.host.beside import ServerBeside
server = ServerBeside([Path(sys.argv[1])], int(sys.argv[2]))
sys.stdin.readline()
server.answer()
server.wait()
"""


@contextmanager
def commanded(store, port):
    """A command that starts a server, and lets it answer when a line is sent to it."""
    words = [sys.executable, "-c", COMMAND, str(store), str(port)]
    command = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield command
    finally:
        stop(command)
        command.stdin.close()
        command.stdout.close()


def tell(command):
    command.stdin.write("\n")
    command.stdin.flush()


def answers(port, page="healthz", seconds=1):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=seconds) as answer:
            return answer.status == 200
    except OSError:
        return False


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_it_is_ready_before_the_store_and_answers_after_it(tmp_path):
    port = free_port()
    with commanded(tmp_path / "s.headbrush", port) as command:
        until(lambda: is_open(port), 60)
        assert not answers(port)
        make_store(tmp_path / "s.headbrush")
        tell(command)
        assert command.stdout.readline() == f"headbrush: http://localhost:{port}/server\n"
        until(lambda: answers(port), 60)
        assert answers(port, "server", 60)


def test_it_ends_with_a_command_that_has_told_it_nothing(tmp_path):
    port = free_port()
    with commanded(tmp_path / "s.headbrush", port) as command:
        until(lambda: is_open(port), 60)
        command.kill()
        until(lambda: not is_open(port), 20)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_beside_a_command_ends_with_it(tmp_path, number):
    port = free_port()
    with commanded(make_store(tmp_path / "s.headbrush"), port) as command:
        tell(command)
        until(lambda: answers(port), 60)
        command.send_signal(number)
        code = command.wait(20)
        until(lambda: not is_open(port), 20)
        assert code == (0 if number == signal.SIGTERM else -number)
