"""What a report is asked for and says; what it sends stands for the store's values."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.server.pages.report import findings
from headbrush.server.pages.report.browser import brushing
from headbrush.server.pages.report.browser.quantise import MISSING, to_codes
from headbrush.server.pages.report.make_report import make_report
from headbrush.server.pages.report.parts.request import (
    SECTIONS,
    VIEWS,
    WHAT_IF,
    most_important,
    read_request,
)
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.brush.dot_share import NO_SHARE
from headbrush.server.session.url_state import default_state


@pytest.fixture(scope="module")
def report(data):
    return make_report(data)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"heads": ["9.0"]}, "--head 9.0: expected layer.head"),
        ({"heads": ["2"]}, "layers 0 to 2 with heads 0 to 1"),
        ({"heads": ["1.-1"]}, "--head 1.-1"),
        ({"images": ["24"]}, "expected an id from 0 to 23 or a file name"),
        ({"images": ["no.png"]}, "for example class-0/000.png"),
        ({"views": ["matrix"]}, "unknown view; choose from head_importance"),
        ({"heads": ["0.0", "0.1"], "images": range(24)}, "are 48 pages, at most 40 are shown"),
    ],
)
def test_what_is_not_in_the_store_is_refused_in_one_sentence(data, asked, expected):
    with pytest.raises(InputError, match=re.escape(expected)):
        read_request(data, **asked)


def test_heads_and_images_are_named_in_several_ways(data):
    asked = read_request(data, ["3", "class-0/003.png"], ["2.1", (0, 1)])
    assert asked.pages == ((5, 3), (1, 3))
    assert asked.why == ""


@pytest.mark.parametrize("image", [3, "3", "class-0/003.png", ["3"]])
def test_one_word_need_not_be_in_a_list(data, image):
    asked = read_request(data, image, "2.1", "threshold")
    assert (asked.pages, asked.views) == (((5, 3),), ("threshold",))
    assert read_request(data, "all", "2.1").pages == ((5, None),)


def test_without_options_the_five_globally_most_important_heads_are_shown_and_it_says_so(
    data, report
):
    mean = data.importance("jsd").mean(0)
    heads = [page.head for page in report.pages if page.image is not None]
    assert heads == most_important(data) == np.argsort(-mean)[:5].tolist()
    assert "the 5 globally most important are shown" in report.request.why
    assert report.request.why in report.html


@pytest.mark.parametrize("view", ["image_overview", "pattern_layout"])
def test_a_part_that_a_view_lacks_is_named(data, monkeypatch, view):
    monkeypatch.setitem(brushing.PARTS, view, ("no_such_plot",))
    with pytest.raises(KeyError, match="no_such_plot"):
        make_report(data, views=[view])


@pytest.mark.parametrize("overview", ["entropy", "counts", "bits"])
def test_a_report_has_the_plot_of_all_heads_that_was_shown(data, overview):
    state = replace(default_state(data), overview=overview)
    report = make_report(data, views=["strength_overview"], state=state)
    names = {"overview_plot": "entropy", "head_counts": "counts", "bits_plot": "bits"}
    made = {model.name for panel in report.overview for model in panel.root.references()}
    assert {names[name] for name in names if name in made} == {overview}


def test_a_view_by_itself_brings_no_pages(data):
    asked = read_request(data, views=["head_importance", "image_overview"])
    assert asked.pages == ()
    assert asked.views == ("head_importance", "image_overview")


def test_codes_are_within_half_a_step_of_the_values():
    values = np.random.default_rng(0).normal(size=(40, 7)).astype("f4")
    values[3, 2] = np.nan
    codes, low, step = to_codes(values)
    assert codes.dtype == np.uint16
    np.testing.assert_array_equal(codes == MISSING, np.isnan(values))
    found = np.where(codes == MISSING, np.nan, low + codes * step)
    assert np.nanmax(abs(found - values)) <= 0.5001 * step
    assert step * (MISSING - 1) == pytest.approx(np.nanmax(values) - np.nanmin(values))


@pytest.mark.parametrize("value", [0.25, np.nan])
def test_codes_of_equal_values(value):
    codes, low, step = to_codes(np.full((2, 2), value))
    np.testing.assert_array_equal(low + codes * step if value == value else codes,
                                  value if value == value else MISSING)  # fmt: skip


NEED_MORE = ("unlike_images", "similar_images")
"""Views of a class of ten images, and of a selected image; explanations need what models say."""


def test_every_view_is_there_and_told_in_words(report):
    shown = [panel.view for panel in report.overview]
    shown += [panel.view for one in report.sections.values() for panel in one]
    shown += [panel.view for panel in report.pages[0].panels]
    assert sorted(shown) == sorted(set(VIEWS) - {*WHAT_IF, *NEED_MORE, *SECTIONS["explain"]})
    for panel in (*report.overview, *report.pages[0].panels):
        assert len(panel.words) > 20
        assert f'id="words-{panel.name}"' in report.html


def test_a_brush_that_holds_nothing_is_told_and_all_count(data):
    nothing = Clause("images", Ids(()))
    state = replace(default_state(data), image=None, clauses=(nothing,))
    report = make_report(data, views=["image_overview"], state=state)
    told = "The brush contained no images, so the report shows all of them."
    assert told in report.html
    assert report.session.state.clauses == ()
    assert set(report.session.images.data["share"]) == {NO_SHARE}


def test_the_main_finding_names_the_most_important_head_and_its_mean(data):
    mean = data.importance("jsd").mean(0)
    first = int(mean.argmax())
    text = findings.main_finding(data)
    assert text.startswith(f"Pruning {data.head_labels[first]} changes predictions most: mean JSD")
    assert f"The first are {data.head_labels[first]} ({mean[first]:.3g}), " in text
    assert text.endswith(f"the median head's JSD of the prediction is {np.median(mean):.3g}.")


def test_the_findings_tell_the_farthest_hop_once(data):
    hops = data.strength.mean(0)  # (head, hop)
    last = hops.shape[1] - 1
    for number, of_hop in enumerate(hops):
        text = findings.head_finding(data, number)
        strongest = int(of_hop.argmax())
        assert f"at hop {strongest} ({of_hop[strongest]:.3g} per neighbour, " in text
        assert (f"at the farthest, hop {last}" in text) == (strongest < last)
        assert text.count(f"hop {last}") == 1


def test_the_findings_count_the_images_where_a_head_is_the_most_important(data):
    values = data.importance("jsd")
    share = 100 * np.mean(values.argmax(1) == 3)
    assert f"the most important head in {share:.0f}\u00a0% of the images" in findings.head_finding(
        data, 3
    )


def test_a_report_holds_no_address_but_of_the_paper_and_no_python_callback_warning(data, caplog):
    html = make_report(data, views=["head_importance"]).html
    outside = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"(src|href)=\"(?!data:)", outside)
    assert caplog.text == ""


def test_what_is_sent_is_json_with_the_codes_of_every_metric(report):
    text = re.search(r'type="application/json"[^>]*>(.*?)</script>', report.html, re.DOTALL)[1]
    (document,) = json.loads(text).values()
    assert document["version"]
    for metric in ("probability", "jsd", "cls", "patch", "gradient"):
        assert f'"codes_{metric}"' in text


def test_a_file_is_written_at_once_or_not_at_all(report, tmp_path):
    assert report.save(path := tmp_path / "r.html") == path.stat().st_size
    assert path.read_text(encoding="utf-8") == report.html
    with pytest.raises(InputError):
        report.save(tmp_path / "none" / "r.html")
    assert [file.name for file in tmp_path.iterdir()] == ["r.html"]


def test_a_notebook_shows_it_in_a_frame(report):
    shown = report._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    assert "<script" not in shown


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ([0, 0.4, 0.1, 0.3, 0.2, 0.3, 0.2, 0.4], "No part alone explains it"),
        ([0, 0.4, 0.1, 0.32, 0.2, 0.3, 0.2, 0.4], "So prefix ↔ patches alone explains it"),
        ([0, 4e-5, 1e-5, 3e-5, 2e-5, 3e-5, 2e-5, 4e-5], "hardly"),
        ([0, 0.0932, 0, 0.013, 0.0179, 0.013, 0.0179, 0.0932], "No part alone explains it"),
    ],
)
def test_the_part_that_matters_is_named_unless_none_does(report, data, metrics, expected):
    pruning = SimpleNamespace(metrics=np.tile(metrics, (len(PRUNING_METRICS), 1)))
    page = replace(report.pages[1], pruning=pruning)
    assert expected in findings.mode_finding(data, page)
