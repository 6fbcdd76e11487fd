"""Functions that the scripts of pages and reports share, each against plain Python."""

import gzip
import itertools

import pytest
from playwright.sync_api import Error

from headbrush.server.tools.assets import APP, SHARED_SCRIPTS, scripts

IDS = [[], [1, 2, 3], [2, 3, 9], [7]]
KEYS = {
    (False, False): "replace",
    (True, False): "add",
    (False, True): "intersect",
    (True, True): "subtract",
}


@pytest.fixture(scope="module")
def page(browser):
    """An empty page with the shared scripts and those of a report."""
    page = browser.new_page()
    reports = ("report/tables.js", "report/brushing.js")
    page.add_script_tag(content=scripts(["theme.js", *SHARED_SCRIPTS, *reports]))
    yield page
    page.close()


@pytest.mark.parametrize("keys", KEYS)
def test_keys_say_how_a_region_joins(page, keys):
    assert page.evaluate("keys => headbrush.combine.fromKeys(...keys)", keys) == KEYS[keys]
    shift, control = keys
    for held in ("ctrlKey", "metaKey"):
        event = {"shiftKey": shift, "ctrlKey": False, "metaKey": False, held: control}
        assert page.evaluate("event => headbrush.combine.fromClick(event)", event) == KEYS[keys]


@pytest.mark.parametrize(("old", "added"), list(itertools.product(IDS, IDS)))
def test_ids_join_as_sets_do_and_none_brushed_means_all(page, old, added):
    expected = {
        "replace": set(added),
        "add": set(old) | set(added),
        "intersect": set(old) & set(added) if old else set(added),
        "subtract": set(old) - set(added),
    }
    for combine, ids in expected.items():
        joined = page.evaluate(
            "words => headbrush.combine.joinIds(...words)", [old, added, combine]
        )
        assert joined == sorted(ids)


@pytest.mark.parametrize("whole", [0, 12, 999, 1000, 12_345, 1_234_567])
def test_digits_stand_in_groups_of_three(page, whole):
    expected = f"{whole:,}".replace(",", "\N{NO-BREAK SPACE}")
    assert page.evaluate("whole => headbrush.numbers.grouped(whole)", whole) == expected


@pytest.mark.parametrize("value", [0, 0.123456, 2.0004, 1234.5, 1e-9])
def test_values_have_three_digits(page, value):
    assert page.evaluate("value => headbrush.numbers.rounded(value)", value) == float(
        f"{value:.3g}"
    )


def test_what_gzip_packed_is_unpacked(page):
    packed = list(gzip.compress("head,ä\n".encode()))
    code = """async packed => {
      const file = await headbrush.files.gunzip(Uint8Array.from(packed), "text/csv")
      return [await file.text(), file.type]
    }"""
    assert page.evaluate(code, packed) == ["head,ä\n", "text/csv"]


MISSING = [
    ("headbrush.ready.element('chips')", 'no element with the id "chips"'),
    ("headbrush.ready.model('link')", 'model "link" was wanted before the page is shown'),
    ("headbrush.report.parts({metric: 1}).entropy", 'no part named "entropy"'),
]


@pytest.mark.parametrize(("code", "words"), MISSING)
def test_what_is_missing_is_named(page, code, words):
    with pytest.raises(Error, match=words):
        page.evaluate(code)


def test_a_model_that_a_page_lacks_is_named(page):
    code = """() => {
      globalThis.Bokeh = {documents: [{get_model_by_name: () => null}]}
      try { return headbrush.ready.model("summaries") } finally { delete globalThis.Bokeh }
    }"""
    with pytest.raises(Error, match='no model named "summaries"'):
        page.evaluate(code)


def test_every_script_begins_with_what_it_is():
    files = sorted((APP / "static").rglob("*.js"))
    assert len(files) > 30
    assert [file.name for file in files if not file.read_text().startswith("// ")] == []
