"""Whichever view fails, a report has all others, and says which one it lacks and why."""

import gzip
from contextlib import ExitStack
from dataclasses import replace
from html import unescape

import pytest
from typer.testing import CliRunner

from headbrush import cli
from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.store.errors import InputError
from headbrush.server.pages.report.make_report import make_report, report_of
from headbrush.server.pages.report.parts.request import VIEWS
from headbrush.server.session.url_state import default_state
from headbrush.server.views.images.image_overview import ImageOverview
from headbrush.server.views.importance.partial_pruning import PartialPruning
from headbrush.server.views.importance.prediction import Prediction
from headbrush.server.views.registry import BY_NAME, ROWS
from headbrush.server.views.tokens.description import MatrixWords
from headbrush.server.views.tokens.two_axes import TwoAxes
from tests.server.test_failing_views import (
    DEPENDENT,
    SHARED,
    ViewFault,
    failing_when_built,
    standing_in,
)

KINDS = [*(row.view_class for row in ROWS), *SHARED]
ASKED = {"images": ["0"], "heads": ["0.0"]}
SET = PruneSet.parse("1.0")


@pytest.fixture(scope="module")
def whole(data):
    """The views of a report in which all work."""
    return shown(report_with_set(data))


def report_with_set(data):
    return make_report(data, **ASKED, state=replace(default_state(data), pruned=SET))


def shown(report):
    return [panel.view for panel in report.panels]


def lost(kind):
    return ({kind.name} | DEPENDENT.get(kind.name, set())) & set(VIEWS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_view_that_cannot_be_built_costs_only_its_panels(kind, data, whole, caplog):
    with failing_when_built(kind):
        report = report_with_set(data)
    assert shown(report) == [name for name in whole if name not in lost(kind)]
    assert len(report.failed) == len(lost(kind))
    for name, note in zip(sorted(lost(kind), key=VIEWS.index), report.failed, strict=True):
        assert note.startswith(f"{BY_NAME[name].letter}, “{BY_NAME[name].view_class.title}”")
        assert note.endswith("it failed (ViewFault: built).")
    assert {one.exc_info[0] for one in caplog.records if one.exc_info} == {ViewFault}


@pytest.mark.parametrize("kind", SHARED, ids=lambda kind: kind.name)
def test_a_report_that_lacks_views_is_written_in_every_way(kind, data):
    with failing_when_built(kind):
        report = report_with_set(data)
    html = unescape(report.html)
    assert all(note in html for note in report.failed)
    assert "Traceback" not in html
    assert report.netcdf
    assert set(report.parts().divs) == {panel.name for panel in report.panels}


@pytest.mark.parametrize("kind", [PartialPruning, Prediction])
def test_a_view_that_fails_when_its_answer_comes_is_not_shown_half_drawn(kind, data, whole):
    def show(view):
        if hasattr(view, "is_built"):
            raise ViewFault("drawn")

    def build(view, *given):
        kind.__init__(view, *given)
        view.is_built = True

    with standing_in(kind, type(kind.__name__, (kind,), {"_show": show, "__init__": build})):
        report = report_with_set(data)
    assert shown(report) == [name for name in whole if name != kind.name]
    assert len(report.failed) == 1
    assert report.failed[0].endswith("(ViewFault: drawn).")


def test_the_pages_that_lack_a_view_are_named(data):
    heads = [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1)]
    with failing_when_built(TwoAxes):
        report = make_report(data, ["0"], heads, ["two_axes", "image_overview"])
    (note,) = report.failed
    labels = [f"{data.head_labels[n]} in {data.names[0]}" for n in (0, 2, 3)]
    assert f"left out for {', '.join(labels)} and 2 more: it failed" in note


def test_without_its_descriptions_a_report_has_all_panels(data, whole):
    with failing_when_built(MatrixWords):
        report = report_with_set(data)
    assert shown(report) == whole
    assert report.failed == (
        "Descriptions of attention matrices are left out: they failed (ViewFault: built).",
    )


def test_a_report_that_a_page_saves_has_the_other_views(data):
    with failing_when_built(ImageOverview):
        html = gzip.decompress(report_of(data, default_state(data), (), ())).decode()
    assert "is left out: it failed (ViewFault: built)." in unescape(html)
    assert 'data-name="head_importance"' in html


def all_failing():
    stack = ExitStack()
    for kind in KINDS:
        stack.enter_context(failing_when_built(kind))
    return stack


@pytest.mark.parametrize("views", [(), ("image_overview",), ("two_axes",)])
def test_a_report_without_any_view_is_refused_in_one_line(views, data):
    with all_failing(), pytest.raises(InputError, match=r"No view .*ViewFault: built") as refused:
        make_report(data, views=views)
    assert "\n" not in str(refused.value)


def command(store, out, *more):
    words = ["report", store, "--out", out, "--image", "0", "--head", "0.0", *more]
    return CliRunner().invoke(cli.app, [str(word) for word in words])


def test_the_command_writes_the_rest_and_keeps_the_traceback_in_a_file(store_path, tmp_path):
    out = tmp_path / "r.html"
    with failing_when_built(ImageOverview):
        told = command(store_path, out)
    assert told.exit_code == 0
    assert f"it failed (ViewFault: built). Details: {out}.log" in told.stderr
    assert "Traceback" not in told.output
    assert "Traceback" in (tmp_path / "r.html.log").read_text(encoding="utf-8")
    assert 'data-name="head_importance"' in out.read_text(encoding="utf-8")


def test_the_command_without_any_view_is_one_line_and_writes_no_report(store_path, tmp_path):
    with all_failing():
        told = command(store_path, tmp_path / "r.html")
    assert told.exit_code == 2
    assert told.stderr.count("\n") == 1
    assert told.stderr.startswith("headbrush: No view of this store could be drawn")
    assert not (tmp_path / "r.html").exists()


def test_a_report_that_lacks_nothing_makes_no_log(store_path, tmp_path):
    told = command(store_path, tmp_path / "r.html", "--view", "image_overview")
    assert (told.exit_code, told.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
