"""A report is sent to others: it tells no folder of its author."""

import base64
import gzip
import json
import re
import shlex

import pytest
import xarray as xr

from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.pages.report.make_report import make_report
from headbrush.server.pages.report.parts.redact_folders import last_name
from headbrush.server.stores.store_data import StoreData
from tests.stores import attributes, make_store, values


def test_of_absolute_folders_only_the_last_name_is_in_a_report(tmp_path):
    secret = tmp_path / "Jane Doe" / "secret"
    path = tmp_path / "own.headbrush"
    source = {"name": str(secret / "model"), "checkpoint": str(secret / "best.pth")}
    attrs = {
        "images": str(secret / "pictures"),
        "model_source": json.dumps({**source, "pretrained": True}),
        "command": shlex.join(
            ["headbrush", "analyze", "--images", str(secret), f"--model={secret / 'model'}"]
        ),
    }
    make_store(path)
    write_summary(path, values(), attributes(**attrs))
    report = make_report(StoreData(Store(path)), heads=["1.0"])
    (tmp_path / "values.nc").write_bytes(report.netcdf)
    with xr.open_dataset(tmp_path / "values.nc", engine="netcdf4") as stored:
        shown = [report.html, str(stored.to_dict())]
    embedded = re.findall(r'id="file-([^"]+)">([^<]+)<', report.html)
    assert [name for name, _ in embedded] == ["images.csv", "heads.csv", "values.nc"]
    shown += [gzip.decompress(base64.b64decode(each)).decode("latin-1") for _, each in embedded]
    for text in shown:
        assert len(text) > 100
        assert "Jane" not in text
        assert str(tmp_path) not in text
    assert "<td>24 from pictures</td>" in report.html
    assert "headbrush analyze --images secret --model=model" in report.html
    *_, page = report.pages
    assert "secret/model when the analysis ran" in page.panels[0].words
    notes = {model.text for model in report.document.select({"name": "pruning_note"})}
    assert any("secret/model when the analysis ran" in note for note in notes)


@pytest.mark.parametrize("source", ["no json", "[1]", '{"name": 3, "checkpoint": null}'])
def test_whatever_a_store_says_of_its_model_it_is_reported(source, tmp_path):
    images = tmp_path / "Jane Doe" / "pictures"
    path = make_store(tmp_path / "own.headbrush")
    write_summary(path, values(), attributes(images=str(images), model_source=source))
    html = make_report(path, views=["head_importance"]).html
    assert "<td>24 from pictures</td>" in html
    assert "Jane" not in html


@pytest.mark.parametrize(
    ("place", "name"),
    [("/a/b c/", "b c"), (r"C:\Users\Jane\x.pth", "x.pth"), ("timm/vit", "timm/vit"), ("/", "/")],
)
def test_the_last_name_of_a_place(place, name):
    assert last_name(place) == name
