"""Pages that no browser connects to do not pile up."""

import pytest

from headbrush.server.host.answers.unclaimed import MOST
from tests.server.served import served
from tests.server.test_serving import of, samples
from tests.stores import make_store
from tests.waiting import until

NEVER = ("--unused-session-lifetime", "3600000")


@pytest.fixture
def server(tmp_path):
    for name in ("one", "two"):  # a list of stores is made fastest
        make_store(tmp_path / "stores" / f"{name}.headbrush")
    with served(tmp_path / "stores", *NEVER, log=tmp_path / "log") as running:
        yield running


def sessions(server):
    return samples(server.get("/metrics").text)[of("headbrush_sessions")]


def test_only_the_newest_unopened_pages_are_kept_and_a_dropped_one_still_opens(server):
    first = server.get("/server?store=one.headbrush").token
    for _ in range(MOST + 20):
        assert server.get("/server").status == 200
    until(lambda: sessions(server) <= MOST)
    assert sessions(server) == MOST
    assert "ACK" in server.websocket(first)
    assert sessions(server) == MOST + 1
    assert "Traceback" not in server.log
