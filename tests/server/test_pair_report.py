"""A report of two stores: what the page of two shows, for both, and on one scale."""

import gzip
from html import escape

import numpy as np
import pytest
from bokeh.document import Document

from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.pages.compare import SavedPair, compare
from headbrush.server.pages.report import findings
from headbrush.server.pages.report.make_pair_report import (
    check_pair,
    make_pair_report,
    pair_report_of,
)
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.importance.head_importance import HeadImportance
from tests.server.pages import run_until
from tests.stores import attributes, make_store, values


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """24 and 12 images, the first 12 of the same names; 3 × 2 and 2 × 3 heads."""
    folder = tmp_path_factory.mktemp("two")
    large = make_store(folder / "large.headbrush")
    small = make_store(folder / "small.headbrush", images=12, layers=2, heads=3)
    return StoreData(Store(large)), StoreData(Store(small))


@pytest.fixture(scope="module")
def report(stores):
    return make_pair_report(stores)


def shown(report, place, name):
    """A part of B1 of a side."""
    (root,) = (one.root for one in report.sides[place].panels if one.view == "head_importance")
    (found,) = (part for part in root.children if part.name == name)
    return found


def test_it_says_of_each_store_what_the_page_says(stores, report, document):
    compare(document, stores, {}, {}, ["large", "small"])
    on_page = document.template_variables["sides"]
    for side, of_page, data in zip(report.sides, on_page, stores, strict=True):
        said = side.variables()
        assert {"model": said["model"], "counts": said["counts"]}.items() <= {
            "model": of_page["facts"]["model"],
            "counts": of_page["facts"]["counts"].replace(
                f" · {data.num_patterns} attention patterns", ""
            ),
        }.items()
        assert said["finding"] == findings.main_finding(data)
        assert escape(said["finding"], quote=True).replace("&#x27;", "&#39;") in report.html
        titles = [view.title for view in of_page["views"].values()]
        assert sorted(panel.title.split(" · ")[0] for panel in side.panels) == sorted(titles)
    assert "12 images with the same name" in report.html
    assert "12 images with the same name" in document.select_one({"name": "compared_text"}).text


def test_plots_of_both_have_the_scale_that_holds_both(stores, report):
    plots = [shown(report, place, "importance_plot") for place in (0, 1)]
    tops = []
    for data in stores:
        values = data.shown_importance("jsd")
        tops.append(float((values.mean(0) + values.std(0)).max()))
    ends = [(plot.y_range.start, plot.y_range.end) for plot in plots]
    assert ends[0] == ends[1]
    assert max(tops) < ends[0][1] < 1.2 * max(tops)
    assert [plot.tags[0] < 1.2 * top for plot, top in zip(plots, tops, strict=True)] == [True, True]


def test_what_the_page_shows_is_in_the_report(stores):
    document = Document()
    first, second = compare(document, stores, {}, {}, ["large", "small"])
    first.history.change(metric="cls", image=3, layer=1, head=1)
    first.add_clause(Clause("images", Ids((3, 5, 20))))
    report = make_pair_report(stores, [first.state, second.state], ["large", "small"])
    model = report.document.get_model_by_name
    brushed = [model(f"{a}_headbrush_images").selected.indices for a in "ab"]
    assert brushed == [[3, 5, 20], [3, 5]]
    heads = [model(f"{a}_headbrush_heads").tags for a in "ab"]
    assert heads == [[3], [4]]
    assert [shown(report, place, "metric").value for place in (0, 1)] == ["cls", "cls"]
    assert "brushed: 3 of 24 images" in report.html
    assert "brushed: 2 of 12 images" in report.html


def test_the_page_sends_it(stores, document):
    sessions = compare(document, stores, {}, {}, ["large", "small"])
    said, asked, file = SavedPair(*sessions, ["large", "small"]).channels
    asked.tags = [0]
    assert "writing" in said.tags[0]
    run_until(document, lambda: file.tags)
    name, packed = file.tags
    assert name == "large-small-report.html"
    assert b"large and small" in gzip.decompress(packed)
    assert said.tags == [f"{name} written", False]


def test_no_folder_of_the_author_is_in_it(stores, report):
    assert str(stores[0].store.path.parent) not in report.html


def test_two_stores_of_one_name_are_told_apart(stores):
    names = [side.name for side in make_pair_report([stores[0], stores[0]]).sides]
    assert names == ["large.headbrush (1)", "large.headbrush (2)"]


def test_options_of_one_store_are_refused():
    check_pair((), None, [], "", None, False)
    with pytest.raises(InputError, match=r"--head, --data with --beside"):
        check_pair((), ["0.1"], [], "", "v.nc", False)


def test_an_unfinished_store_is_refused(stores, monkeypatch):
    monkeypatch.setattr(type(stores[0].store), "pending", ["importance"], raising=False)
    with pytest.raises(InputError, match="not finished"):
        pair_report_of(stores, (), ())


def test_a_store_without_a_metric_has_a_report_beside_one_that_has_it(tmp_path, stores):
    make_store(tmp_path / "no.headbrush")
    importance = np.full_like(values()["importance"], np.nan)
    write_summary(tmp_path / "no.headbrush", values() | {"importance": importance}, attributes())
    report = make_pair_report([stores[0], tmp_path / "no.headbrush"])
    assert report.html
    assert report.failed == []


def test_a_view_that_fails_on_one_side_is_left_out_there_alone(stores, monkeypatch):
    whole = HeadImportance.__init__

    def fails(self, session):
        if session.data is stores[1]:
            raise ValueError("of no use")
        whole(self, session)

    monkeypatch.setattr(HeadImportance, "__init__", fails)
    report = make_pair_report(stores)
    views = [[panel.view for panel in side.panels] for side in report.sides]
    assert "head_importance" in views[0]
    assert "head_importance" not in views[1]
    assert ["of no use" in words for words in report.failed] == [True]
    assert "This view of this store is left out" in report.html
