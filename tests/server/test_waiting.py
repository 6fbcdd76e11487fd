"""What a page says while the analysis of its store goes on."""

from unittest.mock import patch

import numpy as np
import pytest
from bokeh.document import Document

from headbrush.analysis.store.facts.news import NEWS, Awaited, News
from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.session.session import Session
from headbrush.server.session.status import waiting
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.model.live_model import LiveModel, live_model, load_ahead
from headbrush.server.stores.store_data import StoreData
from tests.stores import attributes, make_store, values
from tests.waiting import until

PENDING = "importance image_embedding patch_embedding cls_embedding"


@pytest.fixture
def path(tmp_path):
    """An unfinished store, without news."""
    (tmp_path / "parts").mkdir()
    content = values()
    content["importance"][:4] = np.nan
    for name in ("patch_embedding", "cls_embedding"):
        content[name] = np.full_like(content[name], np.nan)
    write_summary(tmp_path, content, attributes(pending=PENDING))
    return tmp_path


@pytest.fixture
def session(path):
    data = StoreData(Store(path, unfinished=True))
    return Session(data, default_state(data), document=Document())


def look(session):
    """Let the page look twice: it asks, and takes the answer."""
    told = []
    session.waiting.changed.connect(lambda: told.append(True))
    (callback,) = session.document.session_callbacks

    def has_told():
        callback.callback()
        return told

    until(has_told)


def say(path, **changed):
    news = News(**({"beat": 1, "awaited": {}} | changed))
    (path / NEWS).write_text(news.as_json())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "Waits for pruning every head."),
        ({"awaited": {"importance": Awaited(0.01, 9)}}, "Waits for pruning every head."),
        (
            {"awaited": {"importance": Awaited(0.25, 10)}},
            "Waits for pruning every head: 25\u00a0%, about 30 s left.",
        ),
        (
            {"awaited": {"importance": Awaited(0.25, 10, "MemoryError: no room")}},
            "Failed: pruning every head (MemoryError: no room). Run the same command again to "
            "retry.",
        ),
        (
            {"stopped": True, "awaited": {"importance": Awaited(0.25, 10)}},
            "The analysis stopped before pruning every head. Run the same command again to resume "
            "it.",
        ),
    ],
)
def test_the_page_says_what_it_waits_for(session, path, changed, words):
    say(path, **changed)
    look(session)
    assert session.waiting.words("importance") == words
    assert session.waiting.words("strength") == ""


def test_an_analysis_that_says_nothing_new_has_stopped(session, path, monkeypatch):
    say(path)
    look(session)
    assert session.waiting.words("cls_embedding").startswith("Waits for")
    monkeypatch.setattr(waiting, "SILENCE_S", 0.0)
    look(session)
    assert "stopped" in session.waiting.words("cls_embedding")
    say(path, beat=2)
    monkeypatch.setattr(waiting, "SILENCE_S", 60.0)
    look(session)
    assert session.waiting.words("cls_embedding").startswith("Waits for")


def test_the_page_fills_and_looks_no_more(session, path):
    assert session.state.metric == "gradient"
    filled = []
    session.waiting.filled.connect(lambda: filled.append(session.state.metric))
    final = values()
    write_summary(path, final, attributes())
    look(session)
    assert filled == ["jsd"]  # what a page of the whole store begins with
    assert not session.history.has_past
    assert session.document.session_callbacks == []
    assert session.waiting.words("importance") == ""
    np.testing.assert_array_equal(session.images.data["x"], final["image_embedding"][:, 0])
    np.testing.assert_array_equal(
        session.data.embedding("patch"), final["patch_embedding"].reshape(-1, 2)
    )


def test_a_metric_that_the_reader_chose_stays(session, path):
    session.history.change(metric="cls")
    write_summary(path, values(), attributes())
    look(session)
    assert session.state.metric == "cls"


def test_another_store_in_the_place_of_this_one_is_told(session, path):
    final = values()
    final["strength"] = final["strength"] / 2
    write_summary(path, final, attributes())
    look(session)
    assert "another analysis" in session.waiting.words("importance")
    assert session.document.session_callbacks == []


def test_the_model_is_loaded_ahead_when_the_analysis_has_ended(path, tmp_path):
    finished = Store(make_store(tmp_path / "finished.headbrush"))
    with patch.object(LiveModel, "warm_up", autospec=True) as begun:
        load_ahead(Store(path, unfinished=True))
        load_ahead(finished)
    assert [call.args for call in begun.call_args_list] == [(live_model(finished),)]
