"""Reports of stores that lack something: they say so, and nothing warns."""

import json

import numpy as np
import pytest

from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.pages.report import findings
from headbrush.server.pages.report.make_report import make_report
from headbrush.server.session.brush.clauses import Box, Clause, Ids
from headbrush.server.session.brush.named_brushes import saved, toggled
from headbrush.server.session.state import ViewState
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.store_data import StoreData
from tests.stores import attributes, make_store, values
from tests.token_stores import make_token_store


def changed_store(path, **changed):
    """A store in which some variables have other values."""
    make_store(path)
    write_summary(path, values() | changed, attributes())
    return StoreData(Store(path))


def nothing(*names):
    content = values()
    return {name: np.full_like(content[name], np.nan) for name in names}


def test_a_model_without_class_token_or_prefix(tmp_path):
    path = make_token_store(tmp_path / "mean.headbrush", (3, 5), 0)
    html = make_report(path).html
    assert "means over all tokens, because the model has no class token" in html


def test_a_model_without_classifier(tmp_path):
    content = nothing("probability") | {"label": np.full(24, -1, "i4")}
    importance = values()["importance"].copy()
    importance[[0, 1, 4]] = np.nan
    data = changed_store(tmp_path / "s.headbrush", importance=importance, **content)
    report = make_report(data)
    assert report.session.state.metric == "patch"
    assert "Patch distance" in report.html


def test_a_store_of_the_gradient_alone(tmp_path):
    importance = values()["importance"].copy()
    importance[:4] = np.nan
    report = make_report(changed_store(tmp_path / "s.headbrush", importance=importance))
    assert "Gradient (estimate)" in findings.main_finding(report.data)
    assert report.html


def test_heads_that_change_nothing(tmp_path):
    importance = np.zeros_like(values()["importance"])
    report = make_report(changed_store(tmp_path / "s.headbrush", importance=importance))
    assert "pruning it changes nothing" in report.html
    assert "nan" not in findings.main_finding(report.data)


def test_a_single_image(tmp_path):
    path = make_store(tmp_path / "one.headbrush", images=1, kept=1)
    assert make_report(path).html


def test_without_the_model_each_page_says_why_its_parts_are_not_there(data):
    report = make_report(data, ["0"], ["0.0"])
    panel = next(p for p in report.pages[0].panels if p.view == "partial_pruning")
    assert "model" in panel.words
    assert "is unknown: the model is not available" in report.html


def test_a_page_that_shows_no_pruning_tells_the_classes_alone(data, tmp_path):
    name, predicted = data.names[0], data.class_names[data.probability[0].argmax()]
    (page,) = make_report(data, ["0"], ["0.0"], ["attention_matrix"]).pages
    said = f"{name}: true {data.class_names[0]}, predicted {predicted}."
    assert findings.mode_finding(data, page) == said
    unlabelled = changed_store(tmp_path / "s.headbrush", label=np.full(24, -1, "i4"))
    (page,) = make_report(unlabelled, ["0"], ["0.0"], ["attention_matrix"]).pages
    assert findings.mode_finding(unlabelled, page) == f"{name}: no label, predicted {predicted}."


def test_an_image_whose_attention_is_not_at_hand_has_no_matrix(data):
    (page,) = make_report(data, ["1"], ["0.0"], ["attention_matrix"]).pages
    assert page.attention is None
    assert "does not record how to load its model" in page.panels[0].words


def test_what_the_server_shows_is_shown_again(data):
    first = default_state(data)
    box = Clause("patterns", Box(-1, 1, -1, 1), layout="patch")
    images = Clause("images", Ids((1, 4, 7)))
    state = ViewState(
        3, 1, 0, "patch", (images, box), image_colour="correct", overview="counts",
        pattern="patch", pattern_colour="layer", pattern_range=(-1.0, 1.0, -1.0, 1.0), mode=4,
        threshold=0.2, token=5,
    )  # fmt: skip
    named = toggled(toggled(saved((), "some", (images,)), 0), 0)
    report = make_report(data, [3], [(1, 0)], state=state, named=named)
    assert report.session.images.selected.indices == [1, 4, 7]
    assert report.pages[0].session.state.threshold == 0.2
    assert "correct" in report.overview[1].words
    assert "some" in json.dumps(report.html)
    assert report.session.state != first


def test_the_netcdf_is_read_again_with_its_meaning(data, tmp_path):
    xr = pytest.importorskip("xarray")
    report = make_report(data, ["0"], ["2.1"])
    report.save_data(tmp_path / "values.nc")
    with xr.open_dataset(tmp_path / "values.nc", engine="netcdf4") as found:
        np.testing.assert_array_equal(found["importance"], data.store.read("importance"))
        assert found["strength_entropy"].attrs["long_name"]
        np.testing.assert_array_equal(found["page_strength"][0], data.strength[:, 5])
        assert found["page_attention"].shape == (1, 17, 17)
        assert list(found["name"].values) == data.names
