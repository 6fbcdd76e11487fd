"""A server that runs no models opens nothing that a store names."""

import json
from unittest.mock import patch

import pytest

from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.host.launch import parse_options, serve
from headbrush.server.session.session import Session
from headbrush.server.stores.model.live_model import live_model
from headbrush.server.stores.model.null_model import VARIABLE
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.importance.partial_pruning import PartialPruning
from headbrush.server.views.importance.pruning_answer import PruningAnswer
from headbrush.server.views.tokens.selected_matrix import ShownMatrix
from tests.server.fakes import show_page
from tests.server.pages import image_state, note
from tests.stores import attributes, make_store, values

SAID = "This server runs no models, so only stored values are shown."


@pytest.fixture
def strange(tmp_path, monkeypatch):
    """A store that names places which hang whoever opens them; it keeps no attention."""
    monkeypatch.setenv(VARIABLE, "yes")
    live_model.cache_clear()
    path = tmp_path / "strange.headbrush"
    path.mkdir()
    source = {"name": str(tmp_path), "checkpoint": "/dev/zero", "pretrained": True}
    write_summary(path, values(), attributes(images="/dev", model_source=json.dumps(source)))
    yield StoreData(Store(path))
    live_model.cache_clear()


def test_panels_say_that_there_is_no_model(strange, document):
    session = Session(strange, image_state(strange))
    matrix, pruning = ShownMatrix(session), PruningAnswer(session)
    view = PartialPruning(session, pruning)
    with patch("headbrush.server.stores.model.live_model.LiveModel", side_effect=AssertionError):
        show_page(document)
    assert matrix.remark == SAID
    assert note(view) == SAID
    assert pruning.result is None


@pytest.mark.parametrize(("options", "is_told"), [(["--no-live"], True), ([], False)])
def test_the_option_is_told_to_the_server(options, is_told, tmp_path):
    store = make_store(tmp_path / "s.headbrush")
    with patch("os.execve") as begun:
        serve([store], ["--port", "0", *options])
    assert (VARIABLE in begun.call_args.args[2]) is is_told


def test_the_option_stands_beside_bokehs():
    assert parse_options(["--no-live", "--num-procs", "2"]).no_live
    assert not parse_options([]).no_live
