"""The directory application as Bokeh runs it, and how it is started."""

import json
import os
import socket
import sys

import pytest
from bokeh.application.handlers import DirectoryHandler
from bokeh.document import Document

from headbrush.analysis.store.errors import InputError
from headbrush.server.host import launch, serve_command
from headbrush.server.host.login.signing import SIGNING, sign_here
from headbrush.server.tools.assets import APP
from headbrush.server.views.registry import ROWS
from tests.stores import make_store

SERVER = APP


def test_the_page_is_built_twice_without_sharing_a_model(store_path):
    handler = DirectoryHandler(filename=SERVER, argv=[str(store_path)])
    documents = [Document(), Document()]
    for document in documents:
        handler.modify_document(document)
        assert handler.error is None, handler.error_detail
        names = {root.name for root in document.roots}
        assert names == {
            "image_overview", "head_importance", "strength_overview", "strength_vector",
            "pattern_layout", "image_context", "two_axes", "attention_matrix", "threshold",
            "status", "unseen", "partial_pruning", "prediction", "entropy_distribution",
            *(f"place_{row.name}" for row in ROWS if row.workspace != "explore"),
        }  # fmt: skip
    first, second = ({model.id for model in document.models} for document in documents)
    assert not first & second


def started(monkeypatch, *arguments):
    commands = []
    monkeypatch.setattr(launch.os, "execve", lambda path, words, _: commands.append((path, words)))
    launch.serve(*arguments)
    return commands[0]


def test_serving_is_bokeh_serve_with_the_stores_as_arguments(monkeypatch, store_path):
    path, words = started(monkeypatch, [store_path], ["--port", "0", "--num-procs", "2"])
    assert path == sys.executable
    assert words[words.index(str(SERVER)) :] == [
        str(SERVER), "--port", "0", "--num-procs", "2", "--address", "localhost",
        "--args", str(store_path.resolve()),
    ]  # fmt: skip


def test_session_ids_are_signed_unless_the_options_say_how(monkeypatch, store_path):
    """Bokeh reads the two variables when it is imported, so this process has them before."""
    for name in SIGNING:
        monkeypatch.delenv(name, raising=False)
    environments = []
    monkeypatch.setattr(launch.os, "execve", lambda *words: environments.append(words[2]))
    signed = sign_here()
    assert set(signed) == set(SIGNING)
    launch.serve([store_path], ["--port", "0", "--num-procs", "2"], signed)
    launch.serve([store_path], ["--port", "0", "--session-ids", "unsigned"], signed)
    ours, others = environments
    assert [ours[name] for name in SIGNING] == [os.environ[name] for name in SIGNING]
    assert not set(SIGNING) & set(others)
    assert sign_here() == ()


def test_a_process_that_signs_serves_itself_and_not_from_the_folder_it_is_in(
    monkeypatch, store_path, tmp_path
):
    served = []
    monkeypatch.setattr(launch.os, "execve", lambda *_words: served.append("another"))
    monkeypatch.setattr(serve_command, "main", lambda: served.append((sys.argv[1:], sys.path[0])))
    monkeypatch.setattr(sys, "argv", ["headbrush"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), "/else", *sys.path])
    with pytest.raises(SystemExit):
        launch.serve([store_path], ["--port", "0"], ())
    words = ["--port", "0", "--address", "localhost", "--args", str(store_path.resolve())]
    assert served == [([str(SERVER), *words], "/else")]


@pytest.mark.parametrize("style", ["--port {}", "--port={}"])
def test_a_port_in_use_is_refused(monkeypatch, store_path, style):
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        options = style.format(taken.getsockname()[1]).split()
        with pytest.raises(InputError, match="is in use; stop what uses it or give another --port"):
            started(monkeypatch, [store_path], options)


def test_a_port_that_is_no_port_is_refused(monkeypatch, store_path):
    for word in ("-1", "70000"):
        with pytest.raises(InputError, match="expected a number from 0 to 65535"):
            started(monkeypatch, [store_path], [f"--port={word}"])


def test_a_bad_store_is_refused_before_anything_starts(monkeypatch, tmp_path):
    with pytest.raises(InputError, match="not a headbrush store"):
        started(monkeypatch, [tmp_path], [])


def page_bytes(path):
    """Size of what a new page is sent."""
    handler, document = DirectoryHandler(filename=SERVER, argv=[str(path)]), Document()
    handler.modify_document(document)
    assert handler.error is None, handler.error_detail
    return len(json.dumps(document.to_json(deferred=False)))


def test_a_page_of_ten_thousand_images_stays_below_15_mb(store_path, tmp_path):
    few, more = 24, 424
    small = page_bytes(store_path)
    growth = page_bytes(make_store(tmp_path / "more.headbrush", images=more)) - small
    assert small + growth / (more - few) * 10_000 < 15e6
