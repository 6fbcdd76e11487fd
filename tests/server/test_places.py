"""No page tells where on its disk the server keeps things."""

import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from bokeh.document import Document

from headbrush.analysis.store.store import Store
from headbrush.server.pages import build
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.redact_paths import said, said_of
from headbrush.server.stores.shelf import Shelf
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.tokens.selected_matrix import ShownMatrix
from tests.server.fakes import finished
from tests.stores import make_store


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("/srv/team a/s.headbrush: no such store", "s.headbrush: no such store"),
        ("/srv/team a/s.headbrush/summary.nc: (HDF error: '/srv/team a/s.headbrush/summary.nc')",
         "s.headbrush/summary.nc: (HDF error: 's.headbrush/summary.nc')"),
        ("put it back at /data/my pictures/set and retry",
         "put it back at …/my pictures/set and retry"),
        ("/data/my pictures/set/a/1.png: damaged", "…/my pictures/set/a/1.png: damaged"),
        ("/srv/team a/s.headbrush/attention/00000.nc: damaged ([Errno -101] NetCDF: HDF error: "
         "'/srv/team a/s.headbrush/attention/00000.nc').",
         "s.headbrush/attention/00000.nc: damaged (NetCDF: HDF error)."),
        ("x.nc: damaged ([Errno 13] Permission denied).", "x.nc: damaged (Permission denied)."),
        ("[Errno 2] '/usr/lib/python3/x.py'", "[Errno 2] '…/python3/x.py'"),
        ("see https://timm.example/a/b/c or 3/4/5", "see https://timm.example/a/b/c or 3/4/5"),
        ("a/b/s.headbrush is fine", "a/b/s.headbrush is fine"),
    ],
)  # fmt: skip
def test_a_fault_names_the_store_and_the_log_its_place(fault, told, caplog):
    with caplog.at_level(logging.WARNING, "headbrush"):
        assert said(fault, Path("/srv/team a/s.headbrush"), ["/data/my pictures/set"]) == told
    assert (fault in caplog.text) is (told != fault)


@pytest.mark.parametrize("source", ["{}", "no json", "[1]", '{"name": 3, "checkpoint": null}'])
def test_whatever_a_store_says_of_its_model_a_fault_is_told(source, tmp_path):
    store = SimpleNamespace(path=tmp_path, attrs={"images": "x", "model_source": source})
    assert said_of("it failed", store) == "it failed"


def test_places_of_images_and_model_are_shortened_on_pages(tmp_path):
    model = {"name": "local-dir:/models of mine/vit", "checkpoint": "/w e i g h t s/a/mine.pth"}
    store = SimpleNamespace(
        path=tmp_path, attrs={"images": "/p i c/t/ures", "model_source": json.dumps(model)}
    )
    fault = "no /p i c/t/ures, no /w e i g h t s/a/mine.pth"
    assert said_of(fault, store) == "no …/t/ures, no …/a/mine.pth"


class AskedPage(Document):
    """A document that a browser asked for, with arguments in its address."""

    def __init__(self, arguments):
        super().__init__()
        self.given = {key: [value.encode()] for key, value in arguments.items()}

    @property
    def session_context(self):
        return SimpleNamespace(request=SimpleNamespace(arguments=self.given, cookies={}))


def page_of(words, **arguments):
    document = AskedPage(arguments)
    with patch.object(build, "SHELF", Shelf()):
        finished(build.fill(document, words))
    return document.template_variables


def test_the_list_of_stores_tells_no_place(tmp_path):
    make_store(tmp_path / "a.headbrush")
    make_store(tmp_path / "b.headbrush")
    (tmp_path / "c.headbrush").mkdir()
    (tmp_path / "b.headbrush" / "summary.nc").write_bytes(b"damaged")
    shown = page_of([tmp_path], store="b.headbrush")
    faults = {row["name"]: row["fault"] for row in shown["rows"]}
    assert faults["b.headbrush"].startswith("b.headbrush/summary.nc: not a readable netCDF-4")
    assert faults["c.headbrush"].startswith("c.headbrush: not a headbrush store")
    assert shown["note"] == faults["b.headbrush"]
    assert str(tmp_path) not in str(shown["rows"])


def test_panels_of_tokens_tell_no_place(store_path, tmp_path):
    path = shutil.copytree(store_path, tmp_path / "s.headbrush")
    data = StoreData(Store(path))
    state = replace(default_state(data), image=int(data.store.kept_images[0]))
    session = Session(data, state)
    for file in (path / "attention").iterdir():
        file.write_bytes(b"damaged")
    matrix = ShownMatrix(session)
    assert matrix.remark.startswith("s.headbrush/attention/00000.nc: missing, damaged")
    assert str(tmp_path) not in matrix.remark
